"""What is read of the stored verdicts and of the villages: lists and counts, each within a scope."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, column, func, or_, select, tuple_
from sqlalchemy import String as Text
from sqlalchemy import values as listed

from server.domain.checks import VisitStatus
from server.domain.engine import Obligation, Status, Verdict
from server.domain.periods import Moment
from server.domain.postings import Role
from server.storage import printed
from server.storage import tables as t
from server.storage.obligations import COLUMNS, from_row
from server.storage.people import chunks
from server.storage.printed import Asked as Asked
from server.storage.printed import Columns, status_at, together
from server.storage.scoping import inside

Row = tuple[str, str, str, str, date, date, str, str]
After = tuple[str, str, str, str, int]  # where a list goes on: duty, person, place, window, turn
Count = tuple[Any, str, str, int]  # what they are grouped by, status, reason, how many

o = t.obligation.c


def attendance(connection: Connection, asked: Asked, moment: Moment) -> Iterator[Row]:
    """Duty, person, place, window, opens_on, due_on, status and reason of each obligation, sorted as text by these."""
    names = ("duty", "person", "place", "window", "opens_on", "due_on")
    queries = [
        select(*(s.c[name] for name in names), s.status, s.c.reason).where(*s.where)
        for s in printed.sources(connection, asked, moment)
    ]
    # Codes are compared by code point, days in order sort like their ISO form, and the rest is plain lower case.
    for row in connection.execute(together(queries).order_by(*names, "status", "reason")):
        yield tuple(row)


def page(
    connection: Connection, asked: Asked, moment: Moment, after: After | None, limit: int
) -> list[tuple[Obligation, Status]]:
    """At most `limit` obligations with their status, in order of duty, person, place, window and turn."""
    key = ("duty", "person", "place", "window", "turn")
    queries = []
    for source in printed.sources(connection, asked, moment):
        query = select(*source.columns, source.status).where(*source.where)
        if after is not None:
            query = query.where(tuple_(*(source.c[name] for name in key)) > tuple_(*after))
        queries.append(query)
    rows = connection.execute(together(queries).order_by(*key).limit(limit))
    return [(from_row(row[:-1]), Status(row[-1])) for row in rows]


def near(connection: Connection, person: str, moment: Moment, until: date) -> list[tuple[Obligation, Status]]:
    """The person's obligations that are still open, those of today, and those that open by `until`, soonest first."""
    query = (
        select(*COLUMNS, status_at(moment))
        .where(
            o.person == person,
            o.opens_on <= until,
            or_(
                o.due_on >= moment.today,
                and_(o.due_on >= moment.grace_from, o.verdict == Verdict.OPEN.value),
                o.verdict == Verdict.PENDING.value,
            ),
        )
        .order_by(o.due_on, o.duty, o.place, o.window, o.turn)
    )
    return [(from_row(row[:-1]), Status(row[-1])) for row in connection.execute(query)]


def counts(connection: Connection, asked: Asked, moment: Moment, by: str) -> list[Count]:
    """How many obligations of each status and reason there are by a column: `duty`, `person` or `due_on`."""
    return _grouped(connection, asked, moment, lambda c: c[by])


def counts_below(connection: Connection, asked: Asked, moment: Moment, area: str) -> list[Count]:
    """How many there are by the place one level below an area, a path; by "" for those of the area's own place."""
    on_sqlite = connection.dialect.name == "sqlite"

    def child(c: Columns) -> ColumnElement[Any]:
        rest = func.substr(c.path, len(area) + 1)
        return func.substr(rest, 1, func.instr(rest, "/") - 1) if on_sqlite else func.split_part(rest, "/", 1)

    return _grouped(connection, asked, moment, child, area)


def _grouped(
    connection: Connection,
    asked: Asked,
    moment: Moment,
    by: Callable[[Columns], ColumnElement[Any]],
    area: str | None = None,
) -> list[Count]:
    queries = []
    for source in printed.sources(connection, asked, moment):
        query = select(by(source.c).label("by"), source.status, source.c.reason.label("reason")).where(*source.where)
        queries.append(query if area is None else query.where(inside(source.c.path, area)))
    rows = together(queries).subquery().c
    query = select(rows.by, rows.status, rows.reason, func.count()).group_by(rows.by, rows.status, rows.reason)
    return [(group, status, reason, number) for group, status, reason, number in connection.execute(query)]


def knows_duty(connection: Connection, code: str) -> bool:
    """Whether there is or was a duty of this code."""
    return connection.scalar(select(t.duty.c.code).where(t.duty.c.code == code).limit(1)) is not None


def postings_at(connection: Connection, person: str) -> set[str]:
    """The places where the person has or had a posting."""
    return set(connection.scalars(select(t.posting.c.place).where(t.posting.c.person == person)))


def with_an_envoy(connection: Connection, day: date) -> set[str]:
    """The places where an envoy's posting is in force on the day."""
    p = t.posting.c
    in_force = and_(p.start <= day, or_(p.end.is_(None), p.end >= day))
    return set(connection.scalars(select(p.place).where(p.role == Role.ENVOY.value, in_force).distinct()))


def last_confirmed(connection: Connection, paths: Collection[str], until: date) -> dict[str, date]:
    """The latest day, up to `until`, of a confirmed visit at each of these paths; none: not in the answer."""
    v = t.visit.c
    found: dict[str, date] = {}
    for chunk in chunks(sorted(paths)):
        asked = listed(column("path", Text), name="asked").data([(path,) for path in chunk]).cte()
        # The index hands out a village's days latest first: a look or two for each, however long its history.
        latest = (
            select(v.day)
            .where(v.path == asked.c.path, v.day <= until, v.status == VisitStatus.CONFIRMED.value)
            .order_by(v.day.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = select(asked.c.path, latest)
        found.update({path: day for path, day in connection.execute(query) if day is not None})
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """A visit that needs its person: photos are missing, it came back, or it was rejected."""

    id: str
    place: str
    activity: str
    day: date
    status: str
    missing: tuple[str, ...] = ()


def waiting_visits(connection: Connection, person: str, since: date) -> list[Waiting]:
    """The person's visits from `since` on that are incomplete, returned or rejected, latest first, at most 100."""
    v, p = t.visit.c, t.visit_photo.c
    asked = [VisitStatus.INCOMPLETE.value, VisitStatus.RETURNED.value, VisitStatus.REJECTED.value]
    query = select(v.id, v.place, v.activity, v.day, v.status).where(
        v.person == person, v.day >= since, v.status.in_(asked), v.imported.is_(False)
    )
    rows = connection.execute(query.order_by(v.day.desc(), v.occurred_at.desc(), v.id).limit(100)).all()
    missing: dict[str, list[str]] = {}
    absent = and_(p.received_at.is_(None), p.withdrawn_at.is_(None))
    ids = [row.id for row in rows]
    for visit, digest in connection.execute(
        select(p.visit, p.digest).where(p.visit.in_(ids), absent).order_by(p.visit, p.number)
    ):
        missing.setdefault(visit, []).append(digest)
    return [Waiting(*row, missing=tuple(missing.get(row.id, ()))) for row in rows]
