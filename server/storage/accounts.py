"""Accounts, tokens, activation codes, grants, and the failed attempts that slow further ones."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, select

from server.domain.access import Caller, Grant, GrantKind
from server.storage import tables as t


@dataclass(frozen=True, slots=True)
class Credential:
    """What signing in is decided on: a person with an open account; no password until it is activated."""

    person: str
    name: str
    phone: str
    language: str
    password: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """One account with its person, as an administrator sees it."""

    person: str
    name: str
    phone: str
    unit: str
    created_at: datetime
    revoked_at: datetime | None
    activated: bool


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """A grant in force."""

    id: int
    person: str
    kind: GrantKind
    place: str
    granted_by: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code that has not ended."""

    id: int
    person: str
    hash: bytes
    expires_at: datetime


_grant_in_force = and_(t.grant.c.person == t.token.c.person, t.grant.c.ended_at.is_(None))
_caller = (
    select(t.person.c.code, t.person.c.name, t.person.c.language, t.grant.c.kind, t.grant.c.place)
    .join_from(t.token, t.account, t.account.c.person == t.token.c.person)
    .join(t.person, t.person.c.code == t.token.c.person)
    .outerjoin(t.grant, _grant_in_force)
    .where(
        t.token.c.hash == bindparam("digest"),
        t.token.c.expires_at > bindparam("now"),
        t.token.c.revoked_at.is_(None),
        t.account.c.revoked_at.is_(None),
    )
)


def caller(connection: Connection, digest: bytes, now: datetime) -> Caller | None:
    """Whose live token this is, with their grants in force; one query, for every request asks it."""
    rows = connection.execute(_caller, {"digest": digest, "now": now}).all()
    if not rows:
        return None
    code, name, language, kind, _ = rows[0]
    grants = () if kind is None else tuple(Grant(GrantKind(row.kind), row.place) for row in rows)
    return Caller(code, name, language, grants)
