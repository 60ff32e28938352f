"""Changes that wait for a second person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from server.storage import tables as t
from server.storage.scoping import inside

WAITING, APPROVED, REFUSED, WITHDRAWN = "waiting", "approved", "refused", "withdrawn"
EXCUSE, EXCUSE_END = "excuse", "excuse-end"  # kinds that are about somebody else than their author
_WORDS = frozenset({"reason", "note"})  # members of a body that hold words of one's own
EVERYWHERE = "/"  # the path of a change that concerns no single place


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that touches what its author owes: kind and body as they were sent, and what became of it."""

    id: int
    kind: str
    body: Mapping[str, Any]
    path: str
    by: str
    at: datetime
    status: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str


_FIELDS = [t.proposal.c[field.name] for field in fields(Proposal)]


def add(connection: Connection, kind: str, body: Mapping[str, Any], path: str, by: str, now: datetime) -> Proposal:
    """Stores a proposal, which waits from now on."""
    new = insert(t.proposal).values(kind=kind, body=dict(body), path=path, by=by, at=now)
    return _proposal(connection.execute(new.returning(*_FIELDS)).one())


def find(connection: Connection, number: int) -> Proposal | None:
    """The proposal of this number."""
    row = connection.execute(select(*_FIELDS).where(t.proposal.c.id == number)).first()
    return _proposal(row) if row else None


def page(
    connection: Connection, areas: Sequence[str] | None, by: str, status: str | None, after: int | None, limit: int
) -> list[Proposal]:
    """Proposals that concern one of the areas (paths; None: whatever they concern) or are one's own, latest first."""
    c = t.proposal.c
    query = select(*_FIELDS).order_by(c.id.desc()).limit(limit)
    if areas is not None:
        query = query.where(or_(c.by == by, *(inside(c.path, area) for area in areas)))
    if status is not None:
        query = query.where(c.status == status)
    if after is not None:
        query = query.where(c.id < after)
    return [_proposal(row) for row in connection.execute(query)]


def decide(connection: Connection, number: int, status: str, by: str, now: datetime, reason: str) -> bool:
    """Says what became of a proposal; false if it waits no longer."""
    c = t.proposal.c
    waiting = update(t.proposal).where(c.id == number, c.status == WAITING)
    decided = waiting.values(status=status, decided_by=by, decided_at=now, reason=reason)
    return connection.execute(decided).rowcount == 1


def blank_texts(connection: Connection, person: str) -> None:
    """Takes away the words of what a person proposed, of why it was decided so, and of what would excuse them."""
    c = t.proposal.c
    excuses = set(connection.scalars(select(t.excuse.c.id).where(t.excuse.c.person == person)))
    theirs = or_(c.by == person, c.kind.in_((EXCUSE, EXCUSE_END)))
    for row in connection.execute(select(c.id, c.kind, c.body, c.by).where(theirs)).all():
        about = row.body["id"] in excuses if row.kind == EXCUSE_END else row.body.get("person") == person
        if row.by == person or about:
            body = {name: "" if name in _WORDS else value for name, value in row.body.items()}
            connection.execute(update(t.proposal).where(c.id == row.id).values(body=body, reason=""))


def _proposal(row: Any) -> Proposal:
    return Proposal(*row)
