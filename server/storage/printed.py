"""What reports print: the engine's verdicts as they stand, and in a closed month the rows that its closure holds.

A closure in force covers a place, all inside it and one month. There its rows stand in place of the engine's. An
obligation that a closure prints is printed nowhere else, should it have been moved to another place or month since.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    union_all,
)

from server.domain.access import Scope
from server.domain.engine import Status, Verdict
from server.domain.periods import DAY, Moment, Window, month_of
from server.storage import tables as t
from server.storage.obligations import COLUMNS
from server.storage.scoping import inside, seen_by

Columns = Any  # of the table of obligations, or of that of closed rows

o = t.obligation.c
r = t.closure_row.c
_NEAR = timedelta(days=31)  # an obligation's last day moves within its week or month, so at most to the next month
_KEY = ("person", "window", "duty", "place", "turn")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which obligations are asked for: those due in a span of local days, and what else is said.

    `areas` are paths, of which one must hold the obligation; none: anywhere. `scope` none: whoever asks may see all.
    """

    first: date
    last: date
    areas: Sequence[str] | None = None
    person: str | None = None
    duty: str | None = None
    status: Status | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A closure in force: what it covers."""

    id: int
    path: str
    month: Window


@dataclass(frozen=True, slots=True)
class Source:
    """Where printed rows come from: its columns, those of an obligation in order, its status, and which rows."""

    c: Columns
    columns: Sequence[ColumnElement[Any]]
    status: ColumnElement[str]
    where: Sequence[ColumnElement[bool]]


def sources(connection: Connection, asked: Asked, moment: Moment) -> list[Source]:
    """The engine's rows that are asked for, and those of closures if there are any."""
    around = in_force(connection, *near(asked.first, asked.last))
    found = [engine(asked, moment, around)]
    closed = [one.id for one in around if one.month.last >= asked.first and one.month.first <= asked.last]
    if closed:
        status = r.status.label("status")
        where = [r.closure.in_(closed), *_conditions(r, status, asked)]
        found.append(Source(r, _AS_OBLIGATION, status, where))
    return found


def engine(asked: Asked, moment: Moment, closed: Sequence[Closed]) -> Source:
    """The engine's rows that are asked for and that these closures neither cover nor print."""
    status = status_at(moment)
    where = _conditions(o, status, asked)
    spans: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for one in sorted(closed, key=lambda one: one.month.first):
        if one.month.last < asked.first or one.month.first > asked.last:
            continue
        months = spans[one.path]
        if months and months[-1][1] + DAY == one.month.first:
            months[-1] = (months[-1][0], one.month.last)
        else:
            months.append((one.month.first, one.month.last))
    where += [
        not_(and_(inside(o.path, path), o.due_on.between(first, last)))
        for path, months in spans.items()
        for first, last in months
    ]
    if closed:
        same = [r[name] == o[name] for name in _KEY]
        where.append(not_(exists().where(*same, r.closure.in_([one.id for one in closed]))))
    return Source(o, COLUMNS, status.label("status"), where)


def near(first: date, last: date) -> tuple[date, date]:
    """The span in whose months what is due in this one may be printed."""
    return first - _NEAR, last + _NEAR


def in_force(connection: Connection, first: date, last: date) -> list[Closed]:
    """The closures in force of the months that share a day with a span."""
    c = t.closure.c
    months = c.month.between(month_of(first).label, month_of(last).label)
    query = select(c.id, c.path, c.month).where(c.reopened_at.is_(None), months)
    return [
        Closed(number, path, month_of(date.fromisoformat(f"{month}-01")))
        for number, path, month in connection.execute(query)
    ]


def paths_in(connection: Connection, place: str, first: date, last: date) -> set[str]:
    """The paths under which closures print what lies in a place, which may have been moved since."""
    closed = [one.id for one in in_force(connection, first, last)]
    if not closed:
        return set()
    link = f"/{place}/"
    at = func.instr(r.path, link) if connection.dialect.name == "sqlite" else func.strpos(r.path, link)
    path = func.substr(r.path, 1, at + len(link) - 1)
    return set(connection.scalars(select(path).where(r.closure.in_(closed), at > 0).distinct()))


def together(queries: Sequence[Any]) -> Any:
    """All rows of the queries."""
    return queries[0] if len(queries) == 1 else union_all(*queries)


def status_at(moment: Moment) -> ColumnElement[str]:
    """The status of an obligation at a moment, as `engine.status_of` says it."""
    return case(
        (o.verdict != Verdict.OPEN.value, o.verdict),
        (o.opens_on > moment.today, Status.UPCOMING.value),
        (o.due_on >= moment.today, Status.DUE.value),
        (o.due_on >= moment.grace_from, Status.GRACE.value),
        else_=Status.MISSED.value,
    )


def _conditions(c: Columns, status: ColumnElement[str], asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [c.due_on.between(asked.first, asked.last)]
    if asked.areas is not None:
        found.append(_in_any(c.path, asked.areas))
    if asked.person is not None:
        found.append(c.person == asked.person)
    if asked.duty is not None:
        found.append(c.duty == asked.duty)
    if asked.scope is not None:
        found.append(seen_by(asked.scope, c.person, c.path))
    if asked.status is not None:
        found.append(status == asked.status.value)
    return found


def _in_any(path: Any, areas: Iterable[str]) -> ColumnElement[bool]:
    return or_(false(), *(inside(path, area) for area in areas))


def _as_obligation(name: str) -> ColumnElement[Any]:
    if name != "verdict":
        column: ColumnElement[Any] = r[name]
        return column
    settled = r.status.in_([v.value for v in Verdict if v is not Verdict.OPEN])
    return case((settled, r.status), else_=Verdict.OPEN.value).label("verdict")


_AS_OBLIGATION = [_as_obligation(column.name) for column in COLUMNS]
