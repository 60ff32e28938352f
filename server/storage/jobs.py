"""What the background work looks for, and what it leaves behind; every job is found by a query, so none can be lost."""

import contextlib
import fcntl
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.checks import VisitStatus
from server.storage import tables as t
from server.storage.database import Database
from server.storage.people import chunks

# Any numbers that no other program on the same PostgreSQL database uses
_LOCKS = {"jobs": 0x64616F63756E, "seals": 0x64616F63756F}
_BANDS = (t.photo.c.band0, t.photo.c.band1, t.photo.c.band2, t.photo.c.band3)

Bands = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Print:
    """A picture that was looked at; no fingerprint if it is too flat to compare, unreadable or not there."""

    digest: str
    fingerprint: bytes | None
    bands: Bands | None
    unreadable: bool = False


@contextlib.contextmanager
def alone(database: Database, work: Literal["jobs", "seals"] = "jobs") -> Iterator[bool]:
    """Whether nobody else does this work on the database until the block ends."""
    if database.is_sqlite:
        with _file_lock(database.engine.url.database, work) as held:
            yield held
        return
    lock = _LOCKS[work]
    with database.read() as connection:
        held = bool(connection.scalar(select(func.pg_try_advisory_lock(lock))))
        try:
            yield held
        finally:
            if held:
                connection.scalar(select(func.pg_advisory_unlock(lock)))


@contextlib.contextmanager
def _file_lock(database: str | None, work: str) -> Iterator[bool]:
    if database in (None, "", ":memory:"):
        yield True
        return
    handle = os.open(f"{database}-{work}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def overdue(connection: Connection, received_before: datetime, limit: int) -> list[str]:
    """Visits whose promised pictures have not come, received before an instant and not marked stale already."""
    c = t.visit.c
    query = (
        select(c.id)
        # In the words of the partial index, so that SQLite sees that it serves.
        .where(text("visit.status IN ('incomplete', 'review')"))
        .where(c.status == VisitStatus.INCOMPLETE.value, c.received_at < received_before)
        .where(~exists().where(t.stale_visit.c.visit == c.id))
        .order_by(c.received_at)
        .limit(limit)
    )
    return list(connection.scalars(query))


def unlooked(connection: Connection, limit: int) -> list[str]:
    """Digests of pictures whose fingerprint was not taken yet, those here longest first."""
    c = t.photo.c
    query = select(c.digest).where(c.looked_at.is_(None)).order_by(c.stored_at).limit(limit)
    return list(connection.scalars(query))


def candidates(connection: Connection, prints: Sequence[Print]) -> dict[str, dict[str, bytes]]:
    """For each fingerprint, by its picture's digest: other pictures that share a band with it, with theirs.

    Two fingerprints that differ in at most 3 of 128 bits share at least one of their four bands.
    """
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for some in chunks((p for p in prints if p.bands is not None), 100):
        holders: list[dict[int, list[str]]] = [defaultdict(list) for _ in _BANDS]
        for one in some:
            for number, value in enumerate(one.bands or ()):
                holders[number][value].append(one.digest)
        shares = or_(*(column.in_(list(held)) for column, held in zip(_BANDS, holders, strict=True)))
        query = select(t.photo.c.digest, t.photo.c.fingerprint, *_BANDS).where(shares)
        for digest, fingerprint, *bands in connection.execute(query):
            for held, value in zip(holders, bands, strict=True):
                for mine in held.get(value, ()):
                    if mine != digest:
                        found[mine][digest] = fingerprint
    return found


def keep_prints(connection: Connection, prints: Sequence[Print], now: datetime) -> None:
    """Stores that these pictures were looked at, and what was found."""
    c = t.photo.c
    query = (
        update(t.photo)
        .where(c.digest == bindparam("k_digest"))
        .values(
            looked_at=bindparam("v_looked"),
            fingerprint=bindparam("v_print"),
            unreadable=bindparam("v_unreadable"),
            **{f"band{n}": bindparam(f"v_band{n}") for n in range(4)},
        )
    )
    rows = [
        {"k_digest": p.digest, "v_looked": now, "v_print": p.fingerprint, "v_unreadable": p.unreadable}
        | {f"v_band{n}": value for n, value in enumerate(p.bands or (None,) * 4)}
        for p in prints
    ]
    if rows:
        connection.execute(query, rows)


def keep_alike(connection: Connection, pairs: Iterable[tuple[str, str, int]]) -> None:
    """Stores pairs of pictures that are much alike, with the number of bits they differ in, both ways round."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    adding = dialect.insert(t.photo_likeness).on_conflict_do_nothing()
    rows = [
        {"digest": mine, "other": theirs, "bits": bits}
        for one, other, bits in pairs
        for mine, theirs in ((one, other), (other, one))
    ]
    for chunk in chunks(rows, 5000):
        connection.execute(adding, chunk)


def mark_holders(connection: Connection, digests: Collection[str], cause: str) -> int:
    """Marks stale every visit that has one of these pictures, unless a person has decided it; how many."""
    v, p = t.visit.c, t.visit_photo.c
    visits: set[str] = set()
    for chunk in chunks(sorted(digests)):
        query = (
            select(v.id)
            .join_from(t.visit_photo, t.visit, v.id == p.visit)
            .where(p.digest.in_(chunk), p.received_at.is_not(None), v.decided.is_(False), v.imported.is_(False))
        )
        visits.update(connection.scalars(query))
    if visits:
        connection.execute(insert(t.stale_visit), [{"visit": visit, "cause": cause} for visit in sorted(visits)])
    return len(visits)
