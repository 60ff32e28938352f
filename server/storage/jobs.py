"""What the background work looks for, and what it leaves behind; every job is found by a query, so none can be lost."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, exists, func, select, text

from server.domain.checks import VisitStatus
from server.storage import tables as t
from server.storage.database import Database

# Any numbers that no other program on the same PostgreSQL database uses
_LOCKS = {"jobs": 0x64616F63756E, "seals": 0x64616F63756F, "digests": 0x64616F637570}


@contextlib.contextmanager
def alone(database: Database, work: Literal["jobs", "seals", "digests"] = "jobs") -> Iterator[bool]:
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
