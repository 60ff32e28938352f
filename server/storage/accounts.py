"""Accounts, tokens, activation codes, grants, and the failed attempts that slow further ones."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.access import Caller, Grant, GrantKind
from server.storage import tables as t
from server.storage.people import chunks
from server.storage.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Credential:
    """What signing in is decided on: a person with an open account; no password until it is activated."""

    person: str
    name: str
    phone: str
    unit: str
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
_caller = Prepared(
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
    rows = _caller.rows(connection, {"digest": digest, "now": now})
    if not rows:
        return None
    code, name, language, kind, _ = rows[0]
    grants = () if kind is None else tuple(Grant(GrantKind(kind), place) for *_, kind, place in rows)
    return Caller(code, name, language, grants)


# Signing in


def credentials(connection: Connection, code: str, phone: str | None, limit: int) -> list[Credential]:
    """The open accounts of the person with this code and of those with this phone number, at most `limit`."""
    c = t.person.c
    named = c.code == code if phone is None else or_(c.code == code, c.phone == phone)
    query = _credential.where(named, t.account.c.revoked_at.is_(None)).order_by(c.code != code, c.code)
    return [Credential(*row) for row in connection.execute(query.limit(limit))]


def lock(connection: Connection, person: str) -> Credential | None:
    """The person's open account, held against other changes until the transaction ends."""
    query = _credential.where(t.person.c.code == person, t.account.c.revoked_at.is_(None))
    # Lets new rows that refer to it pass: they and we could wait for each other
    row = connection.execute(query.with_for_update(of=t.account, key_share=True)).first()
    return Credential(*row) if row else None


def set_password(connection: Connection, person: str, password: str | None) -> None:
    """Stores the hash of a password, or that there is none."""
    connection.execute(update(t.account).where(t.account.c.person == person).values(password=password))


def add_token(connection: Connection, digest: bytes, person: str, now: datetime, expires_at: datetime) -> None:
    """Stores the digest of a new token."""
    connection.execute(insert(t.token).values(hash=digest, person=person, created_at=now, expires_at=expires_at))


def end_token(connection: Connection, digest: bytes, now: datetime) -> str | None:
    """Revokes one token; whose it was, or none if it was not live."""
    c = t.token.c
    ended = update(t.token).where(c.hash == digest, c.revoked_at.is_(None)).values(revoked_at=now)
    found: str | None = connection.scalar(ended.returning(c.person))
    return found


def end_tokens(connection: Connection, person: str, now: datetime) -> int:
    """Revokes every token of a person; how many were live."""
    c = t.token.c
    live = and_(c.person == person, c.revoked_at.is_(None))
    return connection.execute(update(t.token).where(live).values(revoked_at=now)).rowcount


def token_owner(connection: Connection, digest: bytes) -> str | None:
    """Whose token this is or was, live or not."""
    found: str | None = connection.scalar(select(t.token.c.person).where(t.token.c.hash == digest))
    return found


def forget_tokens(connection: Connection, before: datetime) -> int:
    """Deletes tokens that expired before an instant."""
    return connection.execute(delete(t.token).where(t.token.c.expires_at < before)).rowcount


# Attempts


def failures(connection: Connection, subjects: Sequence[str], since: datetime) -> dict[str, tuple[int, datetime]]:
    """How many failures of each subject there were since an instant, and when the first of them was."""
    c = t.attempt.c
    query = select(c.subject, func.count(), func.min(c.at)).where(c.subject.in_(subjects), c.at > since)
    return {row[0]: (row[1], row[2]) for row in connection.execute(query.group_by(c.subject))}


def add_failures(connection: Connection, subjects: Sequence[str], at: datetime) -> None:
    """Counts a failure for each subject."""
    connection.execute(insert(t.attempt), [{"subject": subject, "at": at} for subject in subjects])


def clear_failures(connection: Connection, subjects: Sequence[str]) -> None:
    """Forgets the failures of these subjects."""
    connection.execute(delete(t.attempt).where(t.attempt.c.subject.in_(subjects)))


def forget_failures(connection: Connection, before: datetime) -> int:
    """Deletes failures from before an instant."""
    return connection.execute(delete(t.attempt).where(t.attempt.c.at < before)).rowcount


# One-time codes


def live_codes(connection: Connection, people: Collection[str], now: datetime) -> list[Code]:
    """The codes of these people that can still be used."""
    c = t.activation.c
    query = select(c.id, c.person, c.hash, c.expires_at).where(c.ended_at.is_(None), c.expires_at > now)
    return [
        Code(*row) for chunk in chunks(sorted(people)) for row in connection.execute(query.where(c.person.in_(chunk)))
    ]


def put_codes(connection: Connection, digests: Mapping[str, bytes], created_at: datetime, expires_at: datetime) -> None:
    """Stores a new code for each person; it replaces the one before."""
    c = t.activation.c
    for chunk in chunks(sorted(digests)):
        old = update(t.activation).where(c.person.in_(chunk), c.ended_at.is_(None))
        connection.execute(old.values(ended_at=created_at))
    rows = [
        {"person": person, "hash": digest, "created_at": created_at, "expires_at": expires_at}
        for person, digest in digests.items()
    ]
    if rows:
        connection.execute(insert(t.activation), rows)


def end_codes(connection: Connection, person: str, now: datetime) -> None:
    """Ends whatever code the person has."""
    c = t.activation.c
    connection.execute(update(t.activation).where(c.person == person, c.ended_at.is_(None)).values(ended_at=now))


def use_code(connection: Connection, code: int, now: datetime) -> bool:
    """Ends a code because it is used; false if it had ended already."""
    c = t.activation.c
    live = and_(c.id == code, c.ended_at.is_(None), c.expires_at > now)
    return connection.execute(update(t.activation).where(live).values(ended_at=now)).rowcount == 1


def count_wrong(connection: Connection, codes: Sequence[int], now: datetime, most: int) -> None:
    """Counts a wrong try for each of these codes; the last one it may have ends it."""
    c = t.activation.c
    tried = c.wrong_tries + 1
    connection.execute(
        update(t.activation)
        .where(c.id.in_(codes), c.ended_at.is_(None))
        .values(wrong_tries=tried, ended_at=case((tried >= most, now), else_=None))
    )


# Accounts


def find(connection: Connection, person: str) -> Account | None:
    """The account of a person, revoked or not."""
    row = connection.execute(_account.where(t.account.c.person == person)).first()
    return Account(*row) if row else None


def page(
    connection: Connection, after: str, limit: int, people: Collection[str] | None, person: str | None = None
) -> list[Account]:
    """Accounts in order of the person's code, after one, at most `limit`; of these people only, unless None."""
    c = t.account.c
    query = _account.where(c.person > after).order_by(c.person)
    if person is not None:
        query = query.where(c.person == person)
    if people is None:
        return [Account(*row) for row in connection.execute(query.limit(limit))]
    found: list[Account] = []
    for chunk in chunks(sorted(code for code in people if code > after)):
        missing = limit - len(found)
        found += [Account(*row) for row in connection.execute(query.where(c.person.in_(chunk)).limit(missing))]
        if len(found) == limit:
            break
    return found


def open_accounts(connection: Connection, people: Collection[str], now: datetime) -> set[str]:
    """Gives these people accounts, or opens revoked ones again without their password; those that were not open."""
    c = t.account.c
    opened: set[str] = set()
    for chunk in chunks(sorted(people)):
        rows = [{"person": person, "created_at": now} for person in chunk]
        opened.update(connection.scalars(_insert_new(connection, t.account).returning(c.person), rows))
        again = update(t.account).where(c.person.in_(chunk), c.revoked_at.is_not(None))
        opened.update(connection.scalars(again.values(revoked_at=None, password=None).returning(c.person)))
    return opened


def revoke(connection: Connection, person: str, now: datetime) -> bool:
    """Closes an account; false if it was not open."""
    c = t.account.c
    open_one = and_(c.person == person, c.revoked_at.is_(None))
    return connection.execute(update(t.account).where(open_one).values(revoked_at=now)).rowcount == 1


def sessions(connection: Connection, people: Collection[str], now: datetime) -> dict[str, int]:
    """How many live tokens each of these people has, if any."""
    c = t.token.c
    query = select(c.person, func.count()).where(c.revoked_at.is_(None), c.expires_at > now).group_by(c.person)
    found: dict[str, int] = {}
    for chunk in chunks(sorted(people)):
        found.update((row[0], row[1]) for row in connection.execute(query.where(c.person.in_(chunk))))
    return found


# Grants


def grants_of(connection: Connection, people: Collection[str]) -> dict[str, list[HeldGrant]]:
    """The grants in force of these people, oldest first."""
    found: dict[str, list[HeldGrant]] = defaultdict(list)
    c = t.grant.c
    for chunk in chunks(sorted(people)):
        query = _held.where(c.person.in_(chunk), c.ended_at.is_(None)).order_by(c.id)
        for row in connection.execute(query):
            found[row.person].append(_held_grant(row))
    return found


def holders(connection: Connection, places: Collection[str]) -> set[str]:
    """Everybody who holds a grant in force for one of these places."""
    c = t.grant.c
    found: set[str] = set()
    for chunk in chunks(sorted(places)):
        found.update(connection.scalars(select(c.person).where(c.place.in_(chunk), c.ended_at.is_(None))))
    return found


def add_grant(connection: Connection, person: str, grant: Grant, by: str, now: datetime) -> HeldGrant | None:
    """Gives a grant; none if the person holds it already."""
    values = {"person": person, "kind": grant.kind.value, "place": grant.place, "granted_by": by, "granted_at": now}
    added = connection.scalar(_insert_new(connection, t.grant).values(**values).returning(t.grant.c.id))
    return None if added is None else HeldGrant(added, person, grant.kind, grant.place, by, now)


def grant(connection: Connection, person: str, number: int) -> HeldGrant | None:
    """One grant in force of a person."""
    c = t.grant.c
    row = connection.execute(_held.where(c.id == number, c.person == person, c.ended_at.is_(None))).first()
    return _held_grant(row) if row else None


def end_grants(connection: Connection, grants: Collection[int], now: datetime) -> int:
    """Ends grants; how many were in force."""
    c = t.grant.c
    ended = update(t.grant).where(c.id.in_(grants), c.ended_at.is_(None)).values(ended_at=now)
    return connection.execute(ended).rowcount


_credential = select(
    t.person.c.code, t.person.c.name, t.person.c.phone, t.person.c.unit, t.person.c.language, t.account.c.password
).join_from(t.account, t.person, t.person.c.code == t.account.c.person)

_account = select(
    t.account.c.person,
    t.person.c.name,
    t.person.c.phone,
    t.person.c.unit,
    t.account.c.created_at,
    t.account.c.revoked_at,
    t.account.c.password.is_not(None).label("activated"),
).join_from(t.account, t.person, t.person.c.code == t.account.c.person)

_held = select(
    t.grant.c.id, t.grant.c.person, t.grant.c.kind, t.grant.c.place, t.grant.c.granted_by, t.grant.c.granted_at
)


def _held_grant(row: Any) -> HeldGrant:
    return HeldGrant(row.id, row.person, GrantKind(row.kind), row.place, row.granted_by, row.granted_at)


def _insert_new(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that passes over rows which are there already."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()
