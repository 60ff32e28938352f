"""What is read of the stored verdicts and of the villages: lists and counts, each within a scope."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, column, false, func, or_, select, tuple_
from sqlalchemy import String as Text
from sqlalchemy import values as listed

from server.domain.access import Scope
from server.domain.checks import VisitStatus
from server.domain.engine import Obligation, Status, Verdict
from server.domain.periods import Moment
from server.domain.postings import Role
from server.storage import tables as t
from server.storage.obligations import COLUMNS, from_row
from server.storage.people import chunks
from server.storage.scoping import inside, seen_by

Row = tuple[str, str, str, str, date, date, str, str]
After = tuple[str, str, str, str, int]  # where a list goes on: duty, person, place, window, turn
Count = tuple[Any, str, str, int]  # what they are grouped by, status, reason, how many

o = t.obligation.c


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


def attendance(connection: Connection, asked: Asked, moment: Moment) -> Iterator[Row]:
    """Duty, person, place, window, opens_on, due_on, status and reason of each obligation, sorted as text by these."""
    columns = (o.duty, o.person, o.place, o.window, o.opens_on, o.due_on, status_at(moment), o.reason)
    query = select(*columns).where(*_conditions(asked, moment))
    # Codes are compared by code point, days in order sort like their ISO form, and the rest is plain lower case.
    for row in connection.execute(query.order_by(*columns)):
        yield tuple(row)


def page(
    connection: Connection, asked: Asked, moment: Moment, after: After | None, limit: int
) -> list[tuple[Obligation, Status]]:
    """At most `limit` obligations with their status, in order of duty, person, place, window and turn."""
    key = (o.duty, o.person, o.place, o.window, o.turn)
    query: Select[Any] = select(*COLUMNS, status_at(moment)).where(*_conditions(asked, moment))
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    rows = connection.execute(query.order_by(*key).limit(limit))
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
    return _grouped(connection, asked, moment, o[by])


def counts_below(connection: Connection, asked: Asked, moment: Moment, area: str) -> list[Count]:
    """How many there are by the place one level below an area, a path; by "" for those of the area's own place."""
    rest = func.substr(o.path, len(area) + 1)
    if connection.dialect.name == "sqlite":
        child: ColumnElement[Any] = func.substr(rest, 1, func.instr(rest, "/") - 1)
    else:
        child = func.split_part(rest, "/", 1)
    return _grouped(connection, asked, moment, child, inside(o.path, area))


def _grouped(
    connection: Connection, asked: Asked, moment: Moment, by: ColumnElement[Any], *where: ColumnElement[bool]
) -> list[Count]:
    inner = select(by.label("by"), status_at(moment).label("status"), o.reason.label("reason"))
    rows = inner.where(*_conditions(asked, moment), *where).subquery().c
    query = select(rows.by, rows.status, rows.reason, func.count()).group_by(rows.by, rows.status, rows.reason)
    return [(group, status, reason, number) for group, status, reason, number in connection.execute(query)]


def status_at(moment: Moment) -> ColumnElement[str]:
    """The status of an obligation at a moment, as `engine.status_of` says it."""
    return case(
        (o.verdict != Verdict.OPEN.value, o.verdict),
        (o.opens_on > moment.today, Status.UPCOMING.value),
        (o.due_on >= moment.today, Status.DUE.value),
        (o.due_on >= moment.grace_from, Status.GRACE.value),
        else_=Status.MISSED.value,
    )


def _conditions(asked: Asked, moment: Moment) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [o.due_on.between(asked.first, asked.last)]
    if asked.areas is not None:
        found.append(_in_any(o.path, asked.areas))
    if asked.person is not None:
        found.append(o.person == asked.person)
    if asked.duty is not None:
        found.append(o.duty == asked.duty)
    if asked.scope is not None:
        found.append(seen_by(asked.scope, o.person, o.path))
    if asked.status is not None:
        found.append(status_at(moment) == asked.status.value)
    return found


def _in_any(path: Any, areas: Iterable[str]) -> ColumnElement[bool]:
    return or_(false(), *(inside(path, area) for area in areas))


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
