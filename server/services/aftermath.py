"""What a confirmed visit says beyond itself: where its place is, and which datum its phone gives."""

from dataclasses import replace
from datetime import datetime

from server.adapters import datum
from server.domain import problems
from server.domain.checkins import Crs, Visit
from server.domain.places import Tree
from server.domain.problems import Problem
from server.services import placing
from server.services.examining import Ground, gives_gcj02
from server.services.imports_base import judged_span
from server.storage import decisions as rows
from server.storage import imports, people, register
from server.storage import visits as visit_rows
from server.storage.database import Connection
from server.storage.logbook import Line

ENOUGH = 3  # check-ins confirmed although they are right only as GCJ-02 (docs/checks.md, Coordinates)


def can_take_position(visit: Visit, tree: Tree) -> bool:
    """Whether the visit has a point, and its place none on that day."""
    standing = tree[visit.place].on(visit.day)
    return visit.point is not None and standing is not None and not standing.points and not standing.polygon


def hold_register(connection: Connection) -> None:
    """Waits until nobody else changes places, and until no check-in is being written that rests on them."""
    register.state(connection, lock=True)
    imports.hold_people(connection)


def take_position(connection: Connection, on: Ground, visit: Visit, actor: str) -> tuple[Line, list[str]]:
    """Makes the visit's point that of its place wherever it has none; a log line, and visits to be worked out again.

    The register must be held. Raises Problem NO_POSITION_TO_TAKE if the place has a position on that day.
    """
    if not can_take_position(visit, on.world.tree) or visit.point is None:
        raise Problem(problems.NO_POSITION_TO_TAKE)
    tree, point = on.world.tree, visit.point
    if gives_gcj02(on, visit):
        point = datum.to_wgs84(*point, Crs.GCJ02)
    place = tree[visit.place]
    # A village does not move: what was not known on other days is known now too.
    standings = tuple(s if s.points or s.polygon else replace(s, points=(point,)) for s in place.standings)
    now_known = Tree({**tree.places, place.code: replace(place, standings=standings)}.values())
    placing.follow(connection, tree, now_known, judged_span(register.state(connection)), on.world.service_from)
    waiting = list(rows.open_at(connection, tree.paths(place.code)))
    # Where a person stood is theirs, also where it becomes the place's
    detail, personal = {"before": {"points": []}, "visit": visit.id}, {"after": {"points": [list(point)]}}
    return Line(actor, "changed", "place", place.code, detail, visit.path, visit.person, personal), waiting


def set_datum(connection: Connection, on: Ground, visit: Visit, actor: str) -> tuple[list[Line], list[str]]:
    """Sets or takes back since when the person's phone gives GCJ-02; log lines, and visits to be worked out again.

    It follows from the confirmed visits alone, whatever the order in which they came and were decided: the capture of
    the third one. To be called once the decision is stored.
    """
    if not any(found.check == "place" and found.reason == "gcj02" for found in visit.findings):
        return [], []
    before, after = on.versions.gcj02_from, rows.misread_since(connection, visit.person, ENOUGH)
    known = [instant for instant in (before, after) if instant is not None]
    if before == after or not known:
        return [], []
    people.set_gcj02_from(connection, visit.person, after)
    touched = rows.open_since(connection, visit.person, min(known))
    visit_rows.mark_stale(connection, touched, "datum")
    detail = {"before": _text(before), "after": _text(after), "visit": visit.id}
    return [Line(actor, "datum", "person", visit.person, detail, path=visit.path)], touched


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
