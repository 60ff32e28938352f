"""Sealing the log: lines are chained in blocks after their commit, so that nobody who writes waits for anybody.

Which lines wait is asked of a window at the end of the log: above the id up to which every line is sealed. An id may
commit late (PostgreSQL hands ids out before the commit), so the window's lower end only moves once every transaction
that may hold an older id has ended.
"""

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from server.adapters import clock
from server.domain.chain import GENESIS, Block, head_of, line_hash
from server.services.deployment import Deployment
from server.storage import jobs, seals
from server.storage.types import as_text

BATCH: Final = 1000  # lines in one block: a short transaction
REST_S: Final = 0.3  # a line is sealed within a second
_RETRY_S: Final = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the log is settled, and how far it will be once these writers have ended; kept from round to round."""

    settled: int = 0
    reach: int | None = None  # none: nothing is waited for
    writers: frozenset[str] = frozenset()


def seal(deployment: Deployment, mark: Mark, now: datetime) -> tuple[int, Mark]:
    """Seals the lines that wait, at most `BATCH`; how many, and the mark for the next round.

    Only for who is alone at it. A mark that is behind costs time and misses nothing.
    """
    with deployment.database.read() as connection:
        # In this order: what held an id up to `reach` and has ended is seen by what is asked after.
        reach = mark.reach if mark.reach is not None else seals.issued(connection)
        if mark.reach is None and reach == mark.settled:
            return 0, mark
        present = seals.writers(connection)
        last = seals.last_block(connection)
        settled = max(mark.settled, last.settled if last else 0)
        lines = seals.unsealed(connection, settled, BATCH)
    writers = present if mark.reach is None else mark.writers & present
    after = Mark(settled, reach, writers)
    if not writers:
        seen = min(reach, lines[-1][0]) if len(lines) == BATCH else reach
        after = Mark(max(settled, seen))
    if lines:
        before, hashed = last.head if last else GENESIS, []
        for line, fields in lines:
            before = line_hash(before, fields)
            hashed.append((line, before))
        number, first = (last.number + 1, last.last + 1) if last else (1, 1)
        block = Block(number, first, first + len(lines) - 1, after.settled, as_text(now).encode(), b"")
        block = replace(block, head=head_of(before, block))
        with deployment.database.write() as connection:
            seals.add_block(connection, block, now, hashed)
    return len(lines), after


def seal_all(deployment: Deployment, now: datetime) -> int | None:
    """Seals every line that waits now; how many, none at all if another process is at it."""
    with jobs.alone(deployment.database, "seals") as alone:
        if not alone:
            return None
        done, mark = 0, Mark()
        while True:
            sealed, mark = seal(deployment, mark, now)
            done += sealed
            if sealed < BATCH:
                return done


def head(deployment: Deployment) -> Block | None:
    """The block sealed last."""
    with deployment.database.read() as connection:
        return seals.last_block(connection)


def keep_sealing(deployment: Deployment, stop: threading.Event) -> None:
    """Seals what comes until told to stop; while another process does it, it only asks now and then."""
    while not stop.is_set():
        try:
            with jobs.alone(deployment.database, "seals") as alone:
                mark = Mark()
                while alone and not stop.is_set():
                    done, mark = seal(deployment, mark, clock.now())
                    if done < BATCH:
                        stop.wait(REST_S)
        except Exception:
            _log.exception("the log could not be sealed")
        stop.wait(_RETRY_S)
