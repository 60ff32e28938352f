"""Places one by one: a new one, and how one stands from a day on, by the rules of the imports."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from server.adapters import datum, polygons
from server.domain import problems
from server.domain.access import Caller
from server.domain.places import BEGINNING, Level, Place, Standing, Tree
from server.domain.problems import FieldError, Problem, invalid
from server.services import members, placing
from server.services.changing import Changed, Done, Ground, change
from server.services.deployment import Deployment
from server.services.imports_base import text_of
from server.services.imports_places import shown
from server.services.place_reading import seen
from server.services.place_rules import misfits
from server.storage import imports as rows
from server.storage import register
from server.storage.database import Connection
from server.storage.logbook import Line

_SHAPE = {"points", "polygon", "radius_m"}  # of what the log tells: where visits count


def add(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """A new place; raises Problem: INVALID for what does not fit, CONFLICT if the code is taken."""
    return change(deployment, caller, "place-new", body, apply_new, now, dry_run)


def amend(
    deployment: Deployment, caller: Caller, code: str, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """How a place stands from a day on; raises Problem: NOT_FOUND, FORBIDDEN, INVALID for what does not fit."""
    return change(deployment, caller, "place-change", {**body, "code": code}, apply_change, now, dry_run)


def apply_new(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """A new place, from the beginning or `from` a day on."""
    old, level = register.tree(connection), Level(body["level"])
    if body.get("parent") is not None:
        ground.area.require(body["parent"], pointer="/parent")
    elif level is not Level.COUNTY:
        raise invalid("/parent", "parent-needed")
    elif not ground.area.admin.whole:
        raise Problem(problems.FORBIDDEN)
    if body["code"] in old:
        raise Problem(problems.CONFLICT)
    since = date.fromisoformat(body["from"]) if body.get("from") else BEGINNING
    standing = _standing(Standing(since, None), body)
    place = _with_service(Place(body["code"], body["name"], level, (standing,)), body)
    new = carry_out(connection, ground, old, {place.code: place}, since, {place.code})
    detail = {"after": _told(place, standing)}
    _log(connection, ground, new, Line(ground.caller.person, "created", "place", place.code, detail))
    return Done(seen(new, place.code, ground.context.today), place.code)


def apply_change(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """Another standing from a day on, until the next one that is known begins; name and service are not dated."""
    old, code = register.tree(connection), body["code"]
    ground.area.require(code)
    if body.get("parent") is not None:
        ground.area.require(body["parent"], pointer="/parent")
    since = date.fromisoformat(body["from"]) if body.get("from") else ground.context.today
    place = old[code]
    if not place.exists_on(since):
        raise invalid("/from", "place-ended")
    stood = place.on(since) or place.standings[0]
    standing = _standing(replace(stood, since=since), body)
    after = _with_service(replace(place, name=body.get("name", place.name)), body).with_standing(standing)
    if after == place:
        return Done(seen(old, code, ground.context.today), code)
    new = carry_out(connection, ground, old, {code: after}, since, {code})
    before, then = _told(place, place.on(since)), _told(after, after.on(since))
    differs = [name for name in then if then[name] != before.get(name)]
    detail = {"before": {n: before.get(n) for n in differs}, "after": {n: then[n] for n in differs}}
    detail["after"]["from"] = since.isoformat()
    _log(connection, ground, new, Line(ground.caller.person, "changed", "place", code, detail))
    # Where their next visit counts is theirs too, though no visit yet is worked out again.
    author = ground.caller.person
    own = bool(_SHAPE & {*differs}) and members.owes_around(connection, author, new, code, since)
    result = seen(new, code, max(since, ground.context.today))
    return Done(result, code, frozenset({author}) if own else frozenset())


def carry_out(
    connection: Connection,
    ground: Ground,
    old: Tree,
    changed: Mapping[str, Place],
    since: date,
    given: Collection[str],
    pointers: Mapping[str, str] | None = None,
) -> Tree:
    """Stores changed places, if they fit, and marks what rests on them; the register as it is then.

    Raises Problem INVALID with everything that does not fit about those given, at the pointers of their columns, or at
    the one pointer of a place.
    """
    new = Tree({**old.places, **changed}.values())
    wrong = [
        FieldError(
            (pointers or {}).get(one.place, f"/{one.column}"),
            one.code,
            {name: value for name, value in one.params.items() if name != "value"},
        )
        for one in misfits(old, new, given, since)
    ]
    if wrong:
        raise Problem(problems.INVALID, errors=wrong)
    placing.store_new(connection, old, new)
    placing.follow(connection, old, new, ground.context.judged, ground.context.deployment.service_from)
    return new


def positions(given: Any, crs: str, pointer: str = "/points") -> tuple[tuple[float, float], ...]:
    """Pairs of latitude and longitude, in WGS-84; raises Problem INVALID for one that is not on the earth."""
    for number, (latitude, _) in enumerate(given):
        if not -90 <= latitude <= 90:
            raise invalid(f"{pointer}/{number}", "not-on-earth")
    return tuple(datum.to_wgs84(latitude, longitude, crs) for latitude, longitude in given)


def outline(given: Mapping[str, Any] | None, crs: str, pointer: str = "/polygon") -> str | None:
    """A GeoJSON geometry as it is kept; raises Problem INVALID for one that cannot be."""
    if given is None:
        return None
    try:
        return polygons.normalised(given, crs)
    except polygons.BadPolygon as bad:
        raise invalid(pointer, bad.code, **bad.params) from None


def _standing(base: Standing, body: Mapping[str, Any]) -> Standing:
    crs = body.get("crs") or datum.WGS84
    names = [name for name in ("parent", "radius_m", "central_village") if name in body]
    found = replace(base, **{name: body[name] for name in names})
    if "points" in body:
        found = replace(found, points=positions(body["points"], crs))
    if "polygon" in body:
        found = replace(found, polygon=outline(body["polygon"], crs))
    if found.polygon is not None and not found.points:
        # So that it is on the map, and the nearest to whoever stands in it.
        found = replace(found, points=(polygons.middle(found.polygon),))
    return found


def _with_service(place: Place, body: Mapping[str, Any]) -> Place:
    if "service_from" not in body:
        return place
    if place.level is not Level.TOWNSHIP:
        raise invalid("/service_from", "not-township")
    day = date.fromisoformat(body["service_from"]) if body["service_from"] else None
    return replace(place, service_from=day)


def _told(place: Place, standing: Standing | None) -> dict[str, Any]:
    if standing is None:
        return {}
    return shown(place, standing) | {"polygon": standing.polygon, "service_from": text_of(place.service_from)}


def _log(connection: Connection, ground: Ground, tree: Tree, line: Line) -> None:
    rows.log(connection, ground.context.now, [replace(line, path=tree.path_from(line.subject, ground.context.today))])
