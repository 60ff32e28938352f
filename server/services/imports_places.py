"""Places from a file: how they stand from a day on, and what follows for people and visits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from server.adapters import datum
from server.domain.imports import CellError, Parsed, PlaceRow
from server.domain.places import BEGINNING, Level, Place, Standing, Tree
from server.services import placing
from server.services.imports_base import Context, Plan, Where, refuse, text_of
from server.storage import register
from server.storage.database import Connection

PARENTS: Mapping[Level, tuple[Level, ...]] = {
    Level.COUNTY: (),
    Level.TOWNSHIP: (Level.COUNTY,),
    Level.DISTRICT: (Level.TOWNSHIP,),
    Level.VILLAGE: (Level.DISTRICT, Level.TOWNSHIP),
}
LEAST_RADIUS_M = 1


@dataclass(frozen=True, slots=True)
class _Change:
    """A place as it was, none for a new one, and as it will be, with its standings on the row's first day."""

    row: PlaceRow
    before: Place | None
    after: Place
    stood: Standing | None
    stands: Standing


def plan(connection: Connection, context: Context, parsed: Parsed[PlaceRow]) -> Plan:
    """Decides what becomes of the rows; raises ImportRefused with every row that does not fit the register."""
    old = register.tree(connection)
    changes = [_change(row, old, context) for row in parsed.rows]
    new = Tree({**old.places, **{change.after.code: change.after for change in changes}}.values())
    errors = list(_errors(parsed, changes, old, new, context.since))
    refuse(errors)
    found = Plan()
    real = []
    for change in changes:
        before = _shown(change.before, change.stood) if change.before and change.stood else None
        where = Where(new.path(change.after.code, context.since))
        if found.count("place", context.actor, change.after.code, before, _shown(change.after, change.stands), where):
            real.append(change)
    if real:
        found.store = lambda connection: placing.store_new(connection, old, new)
        found.follow = lambda connection: _follow(connection, context, old, new)
    return found


def _change(row: PlaceRow, tree: Tree, context: Context) -> _Change:
    point: tuple[tuple[float, float], ...] = ()
    if row.latitude is not None and row.longitude is not None:
        point = (datum.to_wgs84(row.latitude, row.longitude, context.crs),)
    before = tree.places.get(row.code)
    if before is None:
        standing = Standing(BEGINNING, row.parent, point, row.radius_m, None, row.central_village)
        return _Change(row, None, Place(row.code, row.name, row.level, (standing,)), None, standing)
    stood = before.on(context.since)
    polygon = stood.polygon if stood else None
    # An empty cell says that the file does not know, not that nobody does; and it has room for one point of several.
    if stood is not None and (not point or point[0] in stood.points[:1]):
        point = stood.points
    standing = Standing(context.since, row.parent, point, row.radius_m, polygon, row.central_village)
    standings = before.standings
    if stood is not None and replace(stood, since=context.since) == standing:
        standing = stood
    else:
        others = (s for s in standings if s.since != context.since)
        standings = tuple(sorted((*others, standing), key=lambda s: s.since))
    return _Change(row, before, replace(before, name=row.name, level=row.level, standings=standings), stood, standing)


def _shown(place: Place, standing: Standing) -> dict[str, Any]:
    return {
        "name": place.name,
        "level": place.level.value,
        "parent": standing.parent,
        "points": [list(point) for point in standing.points],
        "radius_m": standing.radius_m,
        "central_village": standing.central_village,
        "since": text_of(standing.since),
    }


# What the register does not allow


def _errors(parsed: Parsed[PlaceRow], changes: list[_Change], old: Tree, new: Tree, since: date) -> Iterator[CellError]:
    for change in changes:
        yield from _errors_of_row(parsed, change.row, new)
    yield from _errors_of_children(parsed, changes, new)
    by_code = {change.row.code: change.row for change in changes}
    yield from _errors_of_central_villages(parsed, by_code, old, new, since)


def _errors_of_row(parsed: Parsed[PlaceRow], row: PlaceRow, tree: Tree) -> Iterator[CellError]:
    if row.radius_m is not None and row.radius_m < LEAST_RADIUS_M:
        yield parsed.error(row.row, "radius_m", "range", min=LEAST_RADIUS_M, max=100_000, value=f"{row.radius_m:g}")
    if row.parent is not None:
        if row.parent not in tree:
            yield parsed.error(row.row, "parent", "unknown-place", value=row.parent)
        elif tree[row.parent].level not in PARENTS[row.level]:
            yield parsed.error(row.row, "parent", f"parent-of-{row.level.value}", value=row.parent)
    if row.central_village is not None:
        if row.level is not Level.DISTRICT:
            yield parsed.error(row.row, "central_village", "central-not-district")
        elif row.central_village not in tree:
            yield parsed.error(row.row, "central_village", "unknown-place", value=row.central_village)
        elif tree[row.central_village].level is not Level.VILLAGE:
            yield parsed.error(row.row, "central_village", "central-not-village", value=row.central_village)


def _errors_of_children(parsed: Parsed[PlaceRow], changes: list[_Change], tree: Tree) -> Iterator[CellError]:
    """A new level must go with everything that lies directly inside, on whatever days."""
    rows = {c.row.code: c.row for c in changes if c.before is not None and c.before.level is not c.after.level}
    if not rows:
        return
    named: set[str] = set()
    for place in tree.places.values():
        for standing in place.standings:
            parent = standing.parent
            if parent in rows and parent not in named and tree[parent].level not in PARENTS[place.level]:
                named.add(parent)
                yield parsed.error(rows[parent].row, "level", "level-children", value=place.code)
    for code, row in rows.items():
        for standing in tree[code].standings:
            parent = standing.parent
            if parent and parent != row.parent and parent in tree and tree[parent].level not in PARENTS[row.level]:
                yield parsed.error(row.row, "level", f"parent-of-{row.level.value}", value=parent)


def _errors_of_central_villages(
    parsed: Parsed[PlaceRow], by_code: Mapping[str, PlaceRow], old: Tree, new: Tree, since: date
) -> Iterator[CellError]:
    """A central village lies inside its district, as long as it is its central village."""
    later = sorted({s.since for p in new.places.values() for s in p.standings if s.since > since})
    for district in new.places.values():
        for day in (since, *later):
            standing = district.on(day)
            central = standing.central_village if standing else None
            if central is None or central not in new or new.lies_in(central, district.code, day):
                continue
            if district.code in by_code and new[central].level is Level.VILLAGE:
                row = by_code[district.code]
                yield parsed.error(row.row, "central_village", "central-outside", value=central)
            elif central in by_code and old.lies_in(central, district.code, day):
                row = by_code[central]
                yield parsed.error(row.row, "parent", "central-leaves", value=district.code)
            break


# What is written, and what follows from it


def _follow(connection: Connection, context: Context, old: Tree, new: Tree) -> None:
    register.bump(connection)
    placing.store_changed(connection, old, new)
    placing.mark(connection, old, new, context.deployment.service_from)
