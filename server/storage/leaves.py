"""Leave that is asked for, decided on and cancelled; what is approved is a fact of its own, which verdicts rest on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    cast,
    delete,
    exists,
    false,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy import String as Text

from server.domain.postings import Leave
from server.storage import tables as t
from server.storage.types import Instant

WAITING, APPROVED, REFUSED, WITHDRAWN = "waiting", "approved", "refused", "withdrawn"
ASKED, FILED = "r", "f"  # how the ids begin: of one that was asked for, and of one that came in a file


@dataclass(frozen=True, slots=True)
class Entry:
    """Leave as it was asked for or entered; one from a file was approved elsewhere, nobody knows when."""

    id: str
    person: str
    start: date
    end: date
    kind: str
    note: str
    status: str
    at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str

    @property
    def leave(self) -> Leave:
        """The days away themselves."""
        return Leave(self.person, self.start, self.end, self.kind, self.note)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which leave is asked for: of whoever is posted to one of these places then, or of one's own."""

    places: Collection[str] | None = None
    own: str | None = None
    person: str | None = None
    status: str | None = None


r, f = t.leave_request.c, t.leave.c
_NAMES = [field.name for field in fields(Entry)]
_same = and_(r.person == f.person, r.start == f.start, r.end == f.end, r.kind == f.kind, r.status == APPROVED)
_asked = select(
    (literal(ASKED) + cast(r.id, Text)).label("id"), *(r[name] for name in _NAMES[1:])
)  # fmt: skip
_filed = select(
    (literal(FILED) + cast(f.id, Text)).label("id"),
    *(f[name] for name in ("person", "start", "end", "kind", "note")),
    literal(APPROVED).label("status"),
    cast(null(), Instant).label("at"),
    cast(null(), Text).label("decided_by"),
    cast(null(), Instant).label("decided_at"),
    literal("").label("reason"),
).where(~exists().where(_same))
_all = union_all(_asked, _filed).subquery()


def find(connection: Connection, code: str) -> Entry | None:
    """The leave of this id."""
    number = code[1:]
    if not number.isdigit() or len(number) > 18 or code[0] not in (ASKED, FILED):
        return None
    query = _asked.where(r.id == int(number)) if code[0] == ASKED else _filed.where(f.id == int(number))
    row = connection.execute(query).first()
    return Entry(*row) if row else None


def page(connection: Connection, sought: Sought, after: tuple[date, str] | None, limit: int) -> list[Entry]:
    """At most `limit` of it, latest first day first."""
    c = _all.c
    query = select(*(c[name] for name in _NAMES)).order_by(c.start.desc(), c.id.desc()).limit(limit)
    if sought.places is not None:
        query = query.where(or_(false(), c.person == sought.own, _posted(c, sought.places)))
    if sought.person is not None:
        query = query.where(c.person == sought.person)
    if sought.status is not None:
        query = query.where(c.status == sought.status)
    if after is not None:
        query = query.where(tuple_(c.start, c.id) < tuple_(*after))
    return [Entry(*row) for row in connection.execute(query)]


def _posted(leave: Any, places: Collection[str]) -> ColumnElement[bool]:
    p = t.posting.c
    during = and_(p.start <= leave.end, or_(p.end.is_(None), p.end >= leave.start))
    return exists().where(p.person == leave.person, p.place.in_(sorted(places)), during)


def add(
    connection: Connection, leave: Leave, at: datetime, status: str = WAITING, decided_by: str | None = None
) -> str:
    """Stores leave that is asked for, or entered as decided by somebody at the same moment; its id."""
    decided_at = at if decided_by else None
    values = {name: getattr(leave, name) for name in ("person", "start", "end", "kind", "note")}
    new = insert(t.leave_request).values(**values, at=at, status=status, decided_by=decided_by, decided_at=decided_at)
    return f"{ASKED}{connection.scalar(new.returning(r.id))}"


def decide(connection: Connection, code: str, before: str, status: str, by: str, now: datetime, reason: str) -> bool:
    """Says what became of leave that stands as `before`; false if it stands otherwise."""
    standing = update(t.leave_request).where(r.id == int(code[1:]), r.status == before)
    decided = standing.values(status=status, decided_by=by, decided_at=now, reason=reason)
    return connection.execute(decided).rowcount == 1


def waiting(connection: Connection, person: str) -> Sequence[Leave]:
    """What a person has asked for and nobody has decided on."""
    query = select(r.person, r.start, r.end, r.kind, r.note).where(r.person == person, r.status == WAITING)
    return [Leave(*row) for row in connection.execute(query)]


def remove(connection: Connection, leave: Leave) -> int:
    """Takes approved leave away; how much there was of it."""
    this = and_(f.person == leave.person, f.start == leave.start, f.end == leave.end, f.kind == leave.kind)
    return connection.execute(delete(t.leave).where(this)).rowcount
