"""Places from a file: how they stand from a day on, and what follows for people and visits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from server.adapters import datum
from server.domain.imports import CellError, Parsed, PlaceRow
from server.domain.places import BEGINNING, Level, Place, Standing, Tree
from server.services.imports_base import FOREVER, NEAR, Context, Plan, mark_people, refuse, text_of
from server.storage import imports as rows
from server.storage import register
from server.storage.database import Connection

PARENTS: Mapping[Level, tuple[Level, ...]] = {
    Level.COUNTY: (),
    Level.TOWNSHIP: (Level.COUNTY,),
    Level.DISTRICT: (Level.TOWNSHIP,),
    Level.VILLAGE: (Level.DISTRICT, Level.TOWNSHIP),
}
LEAST_RADIUS_M = 1
_MANY = 500  # changed places, beyond which who may be concerned is not narrowed down


@dataclass(frozen=True, slots=True)
class _Change:
    """A place as it was, none for a new one, and as it will be, with its standings on the row's first day."""

    row: PlaceRow
    before: Place | None
    after: Place
    stood: Standing | None
    stands: Standing

    @property
    def since(self) -> date:
        """From when on anything differs; a level is not dated, so its change goes back to the beginning."""
        if self.before is None or self.before.level is not self.after.level:
            return BEGINNING
        return self.stands.since

    @property
    def moves(self) -> bool:
        """Whether it changes what is owed, or who covers whom."""
        if self.before is None or self.stood is None or self.before.level is not self.after.level:
            return True
        return (self.stood.parent, self.stood.central_village) != (self.stands.parent, self.stands.central_village)

    @property
    def shifts(self) -> bool:
        """Whether another village may now be the nearest to a point."""
        return self.moves or self.stood is None or self.stood.points != self.stands.points

    @property
    def concerns_visits(self) -> bool:
        """Whether findings of visits there may now be others."""
        return self.shifts or self.stood is None or self.stood.radius_m != self.stands.radius_m


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
        if found.count("place", context.actor, change.after.code, before, _shown(change.after, change.stands)):
            real.append(change)
    if real:
        found.store = lambda connection: _store(connection, real)
        found.follow = lambda connection: _follow(connection, context, real, old, new)
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


def _store(connection: Connection, changes: list[_Change]) -> None:
    rows.add_places(connection, (c.after for c in changes if c.before is None))


def _follow(connection: Connection, context: Context, changes: list[_Change], old: Tree, new: Tree) -> None:
    register.bump(connection)
    known = [(c, c.before) for c in changes if c.before is not None]
    renamed = (c.after for c, was in known if (was.name, was.level) != (c.after.name, c.after.level))
    rows.rename_places(connection, renamed)
    rows.put_standings(connection, ((c.after.code, c.stands) for c, _ in known if c.stands != c.stood))
    moved = {c.after.code: c.since for c in changes if c.moves}
    if context.judged is not None and moved:
        _mark_people(connection, context, moved, _days(old, new, _window_before(min(moved.values()))), old, new)
    if rows.any_visits(connection):
        days = _days(old, new, min(change.since for change in changes))
        _mark_visits(connection, changes, moved, days, old, new)


def _window_before(day: date) -> date:
    """A day before any window that the day lies in."""
    return day if day - BEGINNING < NEAR else day - NEAR


def _days(old: Tree, new: Tree, first: date) -> list[date]:
    """The first day of each stretch, from a day on, in which no place changes before or after the import."""
    later = {s.since for tree in (old, new) for p in tree.places.values() for s in p.standings if s.since > first}
    later |= {p.ended_on for p in old.places.values() if p.ended_on and p.ended_on > first}
    return sorted({first, *later})


def _mark_people(
    connection: Connection, context: Context, moved: Mapping[str, date], days: list[date], old: Tree, new: Tree
) -> None:
    """Everybody posted at a moved place, above it or inside it owes something else from then on.

    Also who was above it earlier in the same window: its last counted day, by which that is decided, may be another.
    """
    reach = {code: _window_before(since) for code, since in moved.items()}
    concerned: dict[str, date] = {}

    def concern(code: str, since: date) -> None:
        concerned[code] = min(since, concerned.get(code, FOREVER))

    for tree in (old, new):
        for day in days:
            for code in tree.places:
                chain = tree.chain(code, day)
                since = min((moved[link] for link in chain if link in moved and reach[link] <= day), default=None)
                if since is not None:
                    concern(code, since)
            for code, since in moved.items():
                if code in tree and reach[code] <= day:
                    for link in tree.chain(code, day):
                        concern(link, since)
    spans = ((person, concerned[place], FOREVER) for person, place in rows.posted(connection, concerned))
    mark_people(connection, context, spans)


def _mark_visits(
    connection: Connection,
    changes: list[_Change],
    moved: Mapping[str, date],
    days: list[date],
    old: Tree,
    new: Tree,
) -> None:
    """Visits keep the path of their place; those whose findings may be others are marked."""
    if moved:
        rows.move_visits(connection, _moves(days, old, new))
    inside: dict[str, date] = {}
    there: dict[str, date] = {}
    around: dict[str, date] = {}
    for change in changes:
        if not change.concerns_visits:
            continue
        code, since = change.after.code, change.since
        for day in (day for day in days if day >= since):
            if change.before is not None:
                (inside if change.moves else there).setdefault(new.path(code, day), since)
            for tree in (old, new) if change.shifts else ():
                if code in tree:
                    around.update(dict.fromkeys(tree.chain(code, day), since))
    rows.mark_visits_inside(connection, inside, "place")
    rows.mark_visits_at(connection, there, "place")
    if around:
        posted_at = around if len(around) <= _MANY else None
        rows.mark_visits_without_place(connection, min(around.values()), posted_at, "place")


def _moves(days: list[date], old: Tree, new: Tree) -> Iterator[tuple[str, str, date, date]]:
    for day, following in zip(days, [*days[1:], FOREVER], strict=True):
        for code in old.places:
            before, after = old.path(code, day), new.path(code, day)
            if before != after:
                yield before, after, day, following
