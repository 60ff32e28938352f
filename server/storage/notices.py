"""What people are told: the notices themselves, and the grants by which they reach an office."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.access import Grant, GrantKind
from server.domain.notices import Notice, NoticeKind
from server.storage import tables as t
from server.storage.people import chunks

c = t.notice.c
_OLDEST = 1000  # looked at in one go for some that can go


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it is stored; without `read_at` it is unread."""

    id: int
    kind: NoticeKind
    subject: str
    detail: Mapping[str, Any]
    at: datetime
    read_at: datetime | None


def add(connection: Connection, notices: Iterable[Notice]) -> None:
    """Stores notices, but none that the person was told before."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    adding = dialect.insert(t.notice).on_conflict_do_nothing()
    rows = [
        {"person": n.person, "kind": n.kind.value, "subject": n.subject, "detail": dict(n.detail), "at": n.at}
        for n in notices
    ]
    if rows:
        connection.execute(adding, rows)


def untold(connection: Connection, notices: Sequence[Notice]) -> list[Notice]:
    """Those of the notices that their person was not told before."""
    told: set[tuple[str, str, str]] = set()
    for chunk in chunks(notices, 200):
        keys = [(n.person, n.kind.value, n.subject) for n in chunk]
        query = select(c.person, c.kind, c.subject).where(tuple_(c.person, c.kind, c.subject).in_(keys))
        told.update((person, kind, subject) for person, kind, subject in connection.execute(query))
    return [n for n in notices if (n.person, n.kind.value, n.subject) not in told]


def page(connection: Connection, person: str, unread: bool, after: int | None, limit: int) -> list[Told]:
    """At most `limit` notices of the person, newest first."""
    query = select(c.id, c.kind, c.subject, c.detail, c.at, c.read_at).where(c.person == person)
    if unread:
        query = query.where(c.read_at.is_(None))
    if after is not None:
        query = query.where(c.id < after)
    rows = connection.execute(query.order_by(c.id.desc()).limit(limit))
    return [Told(number, NoticeKind(kind), *rest) for number, kind, *rest in rows]


def unread(connection: Connection, person: str) -> int:
    """How many notices of the person are unread."""
    return connection.scalar(select(func.count()).where(c.person == person, c.read_at.is_(None))) or 0


def find(connection: Connection, person: str, number: int) -> Told | None:
    """One notice of the person."""
    columns = (c.id, c.kind, c.subject, c.detail, c.at, c.read_at)
    row = connection.execute(select(*columns).where(c.id == number, c.person == person)).first()
    return Told(row.id, NoticeKind(row.kind), *row[2:]) if row else None


def mark_read(connection: Connection, person: str, now: datetime, one: int | None = None, until: int = 0) -> int:
    """Marks one notice of the person as read, or all up to an id; how many were unread."""
    unread = update(t.notice).where(c.person == person, c.read_at.is_(None))
    unread = unread.where(c.id == one) if one is not None else unread.where(c.id <= until)
    return connection.execute(unread.values(read_at=now)).rowcount


def old(connection: Connection, before: datetime) -> int | None:
    """The id up to which some of the oldest notices are from before an instant; none: there are none."""
    oldest = select(c.id, c.at).order_by(c.id).limit(_OLDEST).subquery().c
    found: int | None = connection.scalar(select(func.max(oldest.id)).where(oldest.at < before))
    return found


def forget(connection: Connection, until: int, before: datetime) -> int:
    """Removes notices up to an id that are from before an instant; how many."""
    return connection.execute(delete(t.notice).where(c.id <= until, c.at < before)).rowcount


def holders(connection: Connection, kinds: Collection[GrantKind]) -> dict[str, list[Grant]]:
    """Everybody's grants in force of these kinds."""
    found: dict[str, list[Grant]] = defaultdict(list)
    g = t.grant.c
    query = select(g.person, g.kind, g.place).where(g.ended_at.is_(None), g.kind.in_([k.value for k in kinds]))
    for person, kind, place in connection.execute(query.order_by(g.person, g.id)):
        found[person].append(Grant(GrantKind(kind), place))
    return found
