"""The county's own days: off, worked and closed ones, and fixed days that fall on another day for once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.domain import problems
from server.domain.access import Caller, GrantKind
from server.domain.calendar import DayMark
from server.domain.duties import Duty, DutyBook, Fixed
from server.domain.periods import Window, window_named
from server.domain.places import EVERYWHERE, Tree
from server.domain.problems import Problem, invalid
from server.services.areas import area_of
from server.services.changing import Changed, Done, Ground, change
from server.services.deployment import Deployment
from server.services.imports_base import mark_people
from server.services.imports_records import plan_days
from server.storage import days, posted, register
from server.storage import imports as rows
from server.storage.database import Connection
from server.storage.days import Move
from server.storage.logbook import Line

MOVERS = frozenset({GrantKind.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Sought:
    """Which day marks or moves are asked for; days are local, both included."""

    first: date | None = None
    last: date | None = None
    place: str | None = None
    kind: str | None = None

    def has(self, day: date, place: str, kind: str | None = None) -> bool:
        """Whether it is among them."""
        return (
            (self.first is None or self.first <= day)
            and (self.last is None or day <= self.last)
            and (self.place is None or self.place == place)
            and (self.kind is None or self.kind == kind)
        )


def listed(deployment: Deployment, caller: Caller, sought: Sought, now: datetime) -> list[DayMark]:
    """The day marks that hold somewhere in the caller's area, in order of day and place."""
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
        found = register.marks(connection)
    holding = _holding(area.tree, area.reader.areas, area.today)
    return sorted(
        (m for m in found if sought.has(m.day, m.place, m.kind) and (m.place == EVERYWHERE or m.place in holding)),
        key=lambda mark: (mark.day, mark.place, mark.kind),
    )


def put(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Marks a day at a place, or everywhere, or takes its marks away; raises Problem: INVALID, FORBIDDEN."""
    return change(deployment, caller, "day-mark", body, apply_mark, now, dry_run)


def apply_mark(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """As a row of a file; the answer is what stands there then."""
    place = body.get("place") or EVERYWHERE
    if place != EVERYWHERE:
        ground.area.require(place, pointer="/place")
    elif not ground.area.admin.whole:
        raise Problem(problems.FORBIDDEN)
    ground.carry_out(connection, plan_days, ground.parsed("days", body))
    day = date.fromisoformat(body["date"])
    marks = [m for m in register.marks(connection) if (m.day, m.place) == (day, place)]
    return Done(marks, place or None)


# Fixed days that fall on another day


def moves(deployment: Deployment, caller: Caller, sought: Sought, now: datetime) -> list[Move]:
    """The moved days that hold somewhere in the caller's area, in order of day."""
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
        found = days.moves(connection)
    holding = _holding(area.tree, area.reader.areas, area.today)
    return [move for move in found if sought.has(move.day, move.place) and move.place in holding]


def move(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Has a duty's fixed day fall on another day of its window at a place and everywhere inside.

    Raises Problem: FORBIDDEN, INVALID for a duty that is not owed on a fixed day then, or a day outside the window.
    """
    return change(deployment, caller, "day-move", body, apply_move, now, dry_run)


def unmove(
    deployment: Deployment, caller: Caller, duty: str, window: str, place: str, now: datetime, dry_run: bool
) -> Changed:
    """Has it fall on its own day again; raises Problem: NOT_FOUND, FORBIDDEN."""
    body = {"duty": duty, "window": window, "place": place}
    return change(deployment, caller, "day-unmove", body, apply_unmove, now, dry_run)


def apply_move(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """Stores it in the stead of what was said of the same duty, window and place before."""
    place, day = body["place"], date.fromisoformat(body["day"])
    ground.area.require(place, MOVERS, "/place")
    versions = [duty for duty in register.duties(connection) if duty.code == body["duty"]]
    if not versions:
        raise invalid("/duty", "not-exist")
    window = window_named(body["window"])
    if window is None or all(duty.every != window.every for duty in versions):
        raise invalid("/window", "not-a-window")
    if not any(duty.fixed is not Fixed.ANY for duty in _owed(versions, window)):
        raise invalid("/duty", "not-fixed")
    if day not in window:
        raise invalid("/day", "outside-window")
    before = days.find_move(connection, body["duty"], window.label, place)
    moved = Move(body["duty"], window.label, place, day, body["reason"], ground.caller.person, ground.context.now)
    days.put_move(connection, moved)
    _follow(connection, ground, window, place, versions)
    detail = {"before": _told(before), "after": _told(moved)}
    _log(connection, ground, "moved", moved, detail, {"reason": moved.reason})
    return Done(moved, place)


def apply_unmove(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """Takes it away."""
    place = body["place"]
    ground.area.require(place, MOVERS)
    moved = days.find_move(connection, body["duty"], body["window"], place)
    window = window_named(body["window"])
    if moved is None or window is None:
        raise Problem(problems.NOT_FOUND)
    days.remove_move(connection, moved)
    _follow(connection, ground, window, place, [d for d in register.duties(connection) if d.code == moved.duty])
    _log(connection, ground, "moved-back", moved, {"before": _told(moved), "after": None}, {})
    return Done(None, place)


def _owed(versions: list[Duty], window: Window) -> list[Duty]:
    book = DutyBook(versions)
    return [duty for role in {str(each.role) for each in versions} for duty in book.owed_in(window, role)]


def _follow(connection: Connection, ground: Ground, window: Window, place: str, versions: list[Duty]) -> None:
    """Marks that one window of everybody who owes the duty at the place, above it or inside it.

    A single day stands for it: it lies in one week and one month, and the whole window would touch its neighbours.
    """
    register.bump(connection)
    tree = ground.area.tree
    roles = {str(duty.role) for duty in _owed(versions, window)}
    days_ = {tree.era(day): day for day in window.days()}.values()
    inside = {code for code in tree.places for day in days_ if tree.lies_in(code, place, day)}
    related = {link for code in inside for day in days_ for link in tree.chain(code, day)}
    held = posted.between(connection, window.first, window.last)
    concerned = {p.person for p in held if p.role in roles and p.place in related}
    mark_people(connection, ground.context, ((person, window.first, window.first) for person in concerned))


def _holding(tree: Tree, areas: tuple[str, ...], today: date) -> set[str]:
    """The places in some areas, and those around them: what is said of these holds there too."""
    found: set[str] = set()
    for code in tree.places:
        path = tree.path(code, today)
        if any(path.startswith(area) for area in areas):
            found.update(tree.chain(code, today))
    return found


def _told(moved: Move | None) -> dict[str, Any] | None:
    return {"day": moved.day.isoformat()} if moved else None


def _log(
    connection: Connection,
    ground: Ground,
    verb: str,
    moved: Move,
    detail: Mapping[str, Any],
    personal: Mapping[str, Any],
) -> None:
    subject, author = f"{moved.duty} {moved.window} {moved.place}", ground.caller.person
    path = ground.area.path(moved.place)
    line = Line(author, verb, "day-move", subject, detail, path, author, personal)
    rows.log(connection, ground.context.now, [line])
