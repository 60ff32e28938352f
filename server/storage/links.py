"""Addresses that stand for a person without a token: downloads good once, and calendars. Kept only as digests."""

from datetime import datetime

from sqlalchemy import Connection, and_, delete, insert, select, update

from server.domain.access import Caller, Grant, GrantKind
from server.storage import tables as t


def add_download(connection: Connection, digest: bytes, person: str, target: str, expires_at: datetime) -> None:
    """Stores an address that is good once."""
    row = {"hash": digest, "person": person, "target": target, "expires_at": expires_at}
    connection.execute(insert(t.download).values(**row))


def use_download(connection: Connection, digest: bytes, now: datetime) -> tuple[str, str] | None:
    """Uses an address up: whose it is and where it leads; none if it was used before, or its time is over."""
    c = t.download.c
    live = and_(c.hash == digest, c.used_at.is_(None), c.expires_at > now)
    row = connection.execute(update(t.download).where(live).values(used_at=now).returning(c.person, c.target)).first()
    return (row[0], row[1]) if row else None


def forget_downloads(connection: Connection, before: datetime) -> int:
    """Deletes addresses whose time was over at an instant; how many."""
    return connection.execute(delete(t.download).where(t.download.c.expires_at < before)).rowcount


def put_feed(connection: Connection, digest: bytes, person: str, now: datetime) -> None:
    """Stores the address of a person's calendar in place of the one before."""
    end_feeds(connection, person, now)
    connection.execute(insert(t.feed).values(hash=digest, person=person, created_at=now))


def end_feeds(connection: Connection, person: str, now: datetime) -> int:
    """Ends the addresses of a person's calendar; how many were good."""
    live = and_(t.feed.c.person == person, t.feed.c.revoked_at.is_(None))
    return connection.execute(update(t.feed).where(live).values(revoked_at=now)).rowcount


def feed_of(connection: Connection, digest: bytes) -> str | None:
    """Whose calendar this address is, if it is good."""
    found: str | None = connection.scalar(
        select(t.feed.c.person).where(t.feed.c.hash == digest, t.feed.c.revoked_at.is_(None))
    )
    return found


def caller(connection: Connection, person: str) -> Caller | None:
    """A person with an open account, and the grants in force; none without one."""
    p, g = t.person.c, t.grant.c
    query = (
        select(p.name, p.language, g.kind, g.place)
        .join_from(t.account, t.person, p.code == t.account.c.person)
        .outerjoin(t.grant, and_(g.person == p.code, g.ended_at.is_(None)))
        .where(t.account.c.person == person, t.account.c.revoked_at.is_(None))
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    grants = tuple(Grant(GrantKind(kind), place) for *_, kind, place in rows if kind is not None)
    return Caller(person, rows[0][0], rows[0][1], grants)
