"""What a change touches: the marks it leaves, and what is stored of those marked, before and after."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from server.domain.engine import Obligation
from server.storage import obligations
from server.storage import tables as t
from server.storage.people import chunks


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest marks there are: whatever is newer was left by what was done since."""

    span: int
    visit: int


def newest(connection: Connection) -> Newest:
    """The newest marks; to be asked while no others can be left, that is with the register and the people held."""
    span = connection.scalar(select(func.max(t.stale_span.c.id)))
    visit = connection.scalar(select(func.max(t.stale_visit.c.id)))
    return Newest(span or 0, visit or 0)


def marked_spans(connection: Connection, after: Newest) -> list[tuple[str, date, date]]:
    """Whose windows were marked since, with the first and last day."""
    c = t.stale_span.c
    query = select(c.person, c.first, c.last).where(c.id > after.span)
    return [(person, first, last) for person, first, last in connection.execute(query)]


def waited(connection: Connection, before: Newest, codes: Collection[str]) -> bool:
    """Whether windows of these people had to be judged again even before."""
    c = t.stale_span.c
    for chunk in chunks(sorted(codes)):
        query = select(c.id).where(c.id <= before.span, c.person.in_(chunk)).limit(1)
        if connection.scalar(query) is not None:
            return True
    return False


def marked_visits(connection: Connection, after: Newest) -> list[tuple[str, str, date]]:
    """Which visits were marked since, with their person and day."""
    v, s = t.visit.c, t.stale_visit.c
    query = select(v.id, v.person, v.day).join_from(t.stale_visit, t.visit, s.visit == v.id).where(s.id > after.visit)
    return [(visit, person, day) for visit, person, day in connection.execute(query.distinct())]


def obligations_since(connection: Connection, since: Mapping[str, date]) -> dict[obligations.Key, Obligation]:
    """The stored obligations of these people that are due on or after each one's day."""
    o = t.obligation.c
    found: dict[obligations.Key, Obligation] = {}
    for chunk in chunks(sorted(since, key=lambda person: (since[person], person))):
        query = select(*obligations.COLUMNS).where(o.person.in_(chunk), o.due_on >= since[chunk[0]])
        for row in connection.execute(query):
            owed = obligations.from_row(row)
            if owed.due_on >= since[owed.person]:
                found[obligations.key(owed)] = owed
    return found


def visit_states(connection: Connection, since: Mapping[str, date]) -> dict[str, tuple[str, str, str]]:
    """Status, place and path of these people's visits from each one's day on."""
    v = t.visit.c
    found: dict[str, tuple[str, str, str]] = {}
    for chunk in chunks(sorted(since, key=lambda person: (since[person], person))):
        query = select(v.id, v.person, v.day, v.status, v.place, v.path).where(
            v.person.in_(chunk), v.day >= since[chunk[0]]
        )
        for visit, person, day, status, place, path in connection.execute(query):
            if day >= since[person]:
                found[visit] = (status, place, path)
    return found
