"""Closed months: what was printed when a month was closed, and what has become of it since."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, insert, literal, or_, select, update

from server.domain.access import Scope
from server.domain.engine import Reason, Status
from server.domain.periods import Moment, Window
from server.storage import printed
from server.storage import tables as t
from server.storage.printed import Asked
from server.storage.scoping import inside, seen_by

c = t.closure.c
o = t.obligation.c
r = t.closure_row.c
_KEY = ("person", "window", "duty", "place", "turn")
_WAITING = (Status.UPCOMING.value, Status.DUE.value, Status.GRACE.value)


@dataclass(frozen=True, slots=True)
class Closure:
    """A month of a place and all inside it, closed; in force until it is reopened."""

    id: int
    place: str
    path: str  # of the place at the end of the month
    month: str
    by: str
    at: datetime
    reopened_by: str | None
    reopened_at: datetime | None
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Line:
    """How one obligation is printed, or would be."""

    opens_on: date
    due_on: date
    status: Status
    reason: Reason


Key = tuple[str, str, str, str, int]  # person, window, duty, place, turn


_columns = [c[name] for name in ("id", "place", "path", "month", "by", "at", "reopened_by", "reopened_at", "reason")]
_rows_of = select(func.count()).where(r.closure == c.id).scalar_subquery()


def find(connection: Connection, number: int, lock: bool = False) -> Closure | None:
    """One closure, in force or not; with `lock`, held until the transaction ends."""
    query = select(*_columns, _rows_of).where(c.id == number)
    row = connection.execute(query.with_for_update(of=t.closure) if lock else query).first()
    return Closure(*tuple(row)) if row else None


def listed(
    connection: Connection,
    scope: Scope,
    months: Collection[str] | None = None,
    areas: Collection[str] | None = None,
    after: int | None = None,
    limit: int | None = None,
) -> list[Closure]:
    """Closures inside the scope, latest first: of some months, and inside some paths."""
    query = select(*_columns, _rows_of).where(seen_by(Scope(None, scope.areas), c.by, c.path))
    if months is not None:
        query = query.where(c.month.in_(months))
    if areas is not None:
        query = query.where(or_(*(inside(c.path, area) for area in areas)))
    if after is not None:
        query = query.where(c.id < after)
    return [Closure(*tuple(row)) for row in connection.execute(query.order_by(c.id.desc()).limit(limit))]


def around(connection: Connection, path: str, month: str) -> list[tuple[int, str]]:
    """The closures in force of a month that cover a path: number and path."""
    query = select(c.id, c.path).where(c.month == month, c.reopened_at.is_(None))
    return [(number, area) for number, area in connection.execute(query) if path.startswith(area)]


def may_still_change(connection: Connection, path: str, month: Window, moment: Moment) -> bool:
    """Whether the mere passing of time would change what is printed of a month inside a path."""
    source = _still_open(connection, path, month, moment)
    return connection.execute(select(1).where(*source.where, source.status.in_(_WAITING)).limit(1)).first() is not None


def add(connection: Connection, place: str, path: str, month: Window, by: str, moment: Moment, now: datetime) -> int:
    """Stores a closure with the rows that reports print of the month inside the path; what is closed already stays."""
    source = _still_open(connection, path, month, moment)
    values = {"place": place, "path": path, "month": month.label, "by": by, "at": now}
    number: int = connection.execute(insert(t.closure).values(**values).returning(c.id)).scalar_one()
    same = ("person", "window", "duty", "place", "turn", "opens_on", "due_on", "reason", "needed", "done", "path",
            "visits", "awaited")  # fmt: skip
    rows = select(literal(number), source.status, *(o[name] for name in same)).where(*source.where)
    connection.execute(insert(t.closure_row).from_select(["closure", "status", *same], rows))
    return number


def reopen(connection: Connection, number: int, by: str, reason: str, now: datetime) -> bool:
    """Ends a closure; false if it had ended already. Its rows stay, as what was printed while it was in force."""
    live = and_(c.id == number, c.reopened_at.is_(None))
    values = {"reopened_by": by, "reopened_at": now, "reason": reason}
    return connection.execute(update(t.closure).where(live).values(**values)).rowcount == 1


def held(connection: Connection, number: int) -> dict[Key, Line]:
    """The rows that a closure holds."""
    query = select(*(r[name] for name in _KEY), r.opens_on, r.due_on, r.status, r.reason).where(r.closure == number)
    return {row[:5]: _line(row) for row in map(tuple, connection.execute(query))}


def holds_of(connection: Connection, number: int, person: str) -> bool:
    """Whether a closure holds rows of this person's."""
    return bool(connection.scalar(select(exists().where(r.person == person, r.closure == number))))


def as_the_engine_says(
    connection: Connection, closure: Closure, month: Window, moment: Moment, person: str | None = None
) -> dict[Key, Line]:
    """What the engine says now of what a closure holds, and of what else is owed inside it in its month.

    What another closure in force holds is left out; so is, with a `person`, what others owe.
    """
    near = printed.in_force(connection, *printed.near(month.first, month.last))
    # Those around it have left its rows to it.
    others = [one for one in near if one.month != month or not closure.path.startswith(one.path)]
    inside_it = printed.engine(Asked(month.first, month.last, [closure.path], person), moment, others)
    holds = exists().where(*(r[name] == o[name] for name in _KEY), r.closure == closure.id)
    query = select(*(o[name] for name in _KEY), o.opens_on, o.due_on, inside_it.status, o.reason)
    found: dict[Key, Line] = {}
    theirs = and_(holds, o.person == person) if person is not None else holds
    for where in (and_(*inside_it.where), theirs):
        found.update((row[:5], _line(row)) for row in map(tuple, connection.execute(query.where(where))))
    return found


def _still_open(connection: Connection, path: str, month: Window, moment: Moment) -> printed.Source:
    near = printed.in_force(connection, *printed.near(month.first, month.last))
    return printed.engine(Asked(month.first, month.last, [path]), moment, near)


def _line(row: Any) -> Line:
    *_, opens_on, due_on, status, reason = row
    return Line(opens_on, due_on, Status(status), Reason(reason))
