"""Places from a file: how they stand from a day on, and what follows for people and visits."""

from dataclasses import dataclass, replace
from typing import Any

from server.adapters import datum
from server.domain.imports import Parsed, PlaceRow
from server.domain.places import BEGINNING, Place, Standing, Tree
from server.services import placing
from server.services.imports_base import Context, Plan, Where, refuse, text_of
from server.services.place_rules import misfits
from server.storage import register
from server.storage.database import Connection


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
    rows = {change.after.code: change.row.row for change in changes}
    wrong = misfits(old, new, rows, context.since)
    refuse(parsed.error(rows[one.place], one.column, one.code, **one.params) for one in wrong)
    found = Plan()
    real = []
    for change in changes:
        before = shown(change.before, change.stood) if change.before and change.stood else None
        where = Where(new.path(change.after.code, context.since))
        if found.count("place", context.actor, change.after.code, before, shown(change.after, change.stands), where):
            real.append(change)
    if real:
        found.store = lambda connection: placing.store_new(connection, old, new)
        found.follow = lambda connection: placing.follow(
            connection, old, new, context.judged, context.deployment.service_from
        )
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
    after = replace(before, name=row.name, level=row.level).with_standing(standing)
    return _Change(row, before, after, stood, after.on(context.since) or standing)


def shown(place: Place, standing: Standing) -> dict[str, Any]:
    """A place as it stands from a day on, as the log keeps it."""
    return {
        "name": place.name,
        "level": place.level.value,
        "parent": standing.parent,
        "points": [list(point) for point in standing.points],
        "radius_m": standing.radius_m,
        "central_village": standing.central_village,
        "since": text_of(standing.since),
    }
