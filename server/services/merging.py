"""Places that end: merged into another, or split into several; what was judged before stays as it was."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.domain import problems
from server.domain.access import Caller
from server.domain.differences import FOREVER
from server.domain.imports import PostingRow
from server.domain.mergers import Heirs, Part, Succession, merge, split
from server.domain.places import Level, Tree
from server.domain.postings import Posting, Role
from server.domain.problems import Problem, invalid
from server.services.changing import Changed, Done, Ground, change
from server.services.deployment import Deployment
from server.services.imports_base import mark_people, text_of
from server.services.place_changes import carry_out, outline, positions
from server.services.place_reading import Seen, seen
from server.services.placing import heirs
from server.storage import imports as rows
from server.storage import people, posted, register
from server.storage.database import Connection
from server.storage.logbook import Line


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a place's end: the place, those in its stead, and the postings that ended and began."""

    place: Seen
    successors: Sequence[Seen]
    ended: Sequence[Posting]
    begun: Sequence[Posting]


def merge_places(
    deployment: Deployment, caller: Caller, code: str, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """A place becomes part of another of its level and township from a day on.

    Raises Problem: NOT_FOUND, FORBIDDEN, INVALID for what does not fit, CONFLICT if it has ended already.
    """
    return change(deployment, caller, "place-merge", {**body, "code": code}, apply_merge, now, dry_run)


def split_place(
    deployment: Deployment, caller: Caller, code: str, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """A place becomes several new ones from a day on; raises Problem as `merge_places`, CONFLICT for a code taken."""
    return change(deployment, caller, "place-split", {**body, "code": code}, apply_split, now, dry_run)


def apply_merge(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """The one ends, and the other takes its stead."""
    tree, code, into, on = register.tree(connection), body["code"], body["into"], date.fromisoformat(body["on"])
    ground.area.require(code)
    ground.area.require(into, pointer="/into")
    _check_ends(tree, code, on)
    if into == code:
        raise invalid("/into", "inconsistent")
    if tree[into].level is not tree[code].level:
        raise invalid("/into", "other-level")
    if tree[into].on(on) is None:
        raise invalid("/into", "not-standing")
    # That it ends later is no hindrance, unless what takes its stead then would be the one that ends now.
    if not tree[into].exists_on(on) or code in heirs(into, tree):
        raise invalid("/into", "place-ended")
    if _office(tree, code, on) != _office(tree, into, on):
        raise invalid("/into", "other-township")
    found = merge(tree, code, into, on, posted.at(connection, [code, into]))
    then = Tree({**tree.places, **found.places}.values())
    for district in (each for each in found.places.values() if each.exists_on(on)):
        if then.central_village(district.code, on) == into and not then.lies_in(into, district.code, on):
            raise invalid("/into", "successor-elsewhere")
    return _end(connection, ground, tree, code, on, found, "merged", {})


def apply_split(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """The one ends, and new ones take its stead."""
    tree, code, on = register.tree(connection), body["code"], date.fromisoformat(body["on"])
    ground.area.require(code)
    _check_ends(tree, code, on)
    around = tree.chain(code, on)[1]
    if not ground.area.admin.covers(ground.area.path(around)):
        raise Problem(problems.FORBIDDEN)
    parts = [_part(tree, code, on, number, each) for number, each in enumerate(body["into"])]
    for number, part in enumerate(parts):
        if part.code in {other.code for other in parts[:number]}:
            raise invalid(f"/into/{number}/code", "duplicate-code")
    if any(part.code in tree for part in parts):
        raise Problem(problems.CONFLICT)
    held = posted.at(connection, [code])
    of: dict[tuple[str, str], list[str]] = defaultdict(list)
    for number, wish in enumerate(body.get("postings") or ()):
        if not any((p.person, p.role) == (wish["person"], wish["role"]) and (p.end or FOREVER) >= on for p in held):
            raise invalid(f"/postings/{number}/person", "not-held")
        if wish["to"] not in {part.code for part in parts}:
            raise invalid(f"/postings/{number}/to", "unknown-place")
        of[(wish["person"], wish["role"])].append(wish["to"])
    found = split(tree, code, parts, on, held, Heirs(of))
    pointers = {part.code: f"/into/{number}" for number, part in enumerate(parts)}
    return _end(connection, ground, tree, code, on, found, "split", pointers)


def _check_ends(tree: Tree, code: str, on: date) -> None:
    place = tree[code]
    if place.ended_on is not None:
        raise Problem(problems.CONFLICT)
    if place.level is Level.COUNTY or len(tree.chain(code, on)) < 2:
        raise invalid("", "no-merger")
    if place.on(on) is None:
        raise invalid("/on", "not-standing")


def _office(tree: Tree, code: str, on: date) -> str | None:
    """The township around a place, or what a township itself lies in."""
    if tree[code].level is Level.TOWNSHIP:
        return tree.chain(code, on)[1] if len(tree.chain(code, on)) > 1 else None
    township = tree.township_of(code, on)
    return township.code if township else None


def _part(tree: Tree, code: str, on: date, number: int, given: Mapping[str, Any]) -> Part:
    pointer, crs = f"/into/{number}", given.get("crs") or "wgs84"
    for at, child in enumerate(given.get("inside") or ()):
        standing = tree[child].on(on) if child in tree else None
        if standing is None or standing.parent != code:
            raise invalid(f"{pointer}/inside/{at}", "not-inside")
    return Part(
        code=given["code"],
        name=given["name"],
        points=positions(given.get("points") or (), crs, f"{pointer}/points"),
        radius_m=given.get("radius_m"),
        polygon=outline(given.get("polygon"), crs, f"{pointer}/polygon"),
        central_village=given.get("central_village"),
        inside=frozenset(given.get("inside") or ()),
    )


def _end(
    connection: Connection,
    ground: Ground,
    old: Tree,
    code: str,
    on: date,
    found: Succession,
    verb: str,
    pointers: Mapping[str, str],
) -> Done:
    today, actor = ground.context.today, ground.caller.person
    new = carry_out(
        connection, ground, old, found.places, on, found.places, {**dict.fromkeys(found.places, ""), **pointers}
    )
    _store_postings(connection, ground, on, found)

    def line(of: str, what: str, detail: Mapping[str, Any]) -> Line:
        return Line(actor, what, "place", of, {"on": on.isoformat(), **detail}, new.path_from(of, today))

    def posting(what: str, one: Posting, detail: Mapping[str, Any]) -> Line:
        subject = " ".join((one.person, one.role, one.place, one.start.isoformat()))
        return Line(actor, what, "posting", subject, detail, new.path_from(one.place, today), one.person)

    lines = [line(code, verb, {"successors": list(new[code].successors)})]
    lines += (
        line(other, "changed", _difference(old, new, other, on)) if other in old else line(other, "created", {})
        for other in found.places
        if other != code
    )
    lines += (posting("changed", old_, {"before": _days(old_), "after": _days(then)}) for old_, then in found.ended)
    lines += (posting("removed", gone, {"before": _days(gone)}) for gone in found.gone)
    lines += (posting("created", begun, {"after": _days(begun)}) for begun in found.begun)
    rows.log(connection, ground.context.now, lines)
    ended = [after for _, after in found.ended]
    successors = [seen(new, other, max(on, today)) for other in new[code].successors]
    return Done(Ended(seen(new, code, today), successors, ended, found.begun), code)


def _days(posting: Posting) -> dict[str, Any]:
    return {"end": text_of(posting.end), "office_weekday": posting.office_weekday}


def _difference(old: Tree, new: Tree, code: str, on: date) -> dict[str, Any]:
    standings = old[code].on(on), new[code].on(on)
    names = ("parent", "central_village")
    before, after = ({name: getattr(standing, name, None) for name in names} for standing in standings)
    differs = [name for name in names if before[name] != after[name]]
    return {"before": {name: before[name] for name in differs}, "after": {name: after[name] for name in differs}}


def _store_postings(connection: Connection, ground: Ground, on: date, found: Succession) -> None:
    spans = [(before.person, on, before.end or FOREVER) for before, _ in found.ended]
    spans += [(posting.person, posting.start, posting.end or FOREVER) for posting in (*found.gone, *found.begun)]
    if not spans:
        return
    people.bump_facts(connection, {person for person, _, _ in spans})
    rows.change_postings(connection, [_row(after) for _, after in found.ended])
    posted.remove(connection, found.gone)
    rows.add_postings(connection, [_row(posting) for posting in found.begun])
    mark_people(connection, ground.context, spans)
    if rows.any_visits(connection):
        rows.mark_visits_of(connection, spans, "posting")


def _row(posting: Posting) -> PostingRow:
    return PostingRow(
        0, posting.person, Role(posting.role), posting.place, posting.start, posting.end, posting.office_weekday
    )
