"""What the office does to keep a deployment sound: which days are judged, whether the log and the photos are whole."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Final

from server.domain.chain import Block, Check
from server.domain.chain import Fault as LogFault
from server.domain.periods import local_day, month_of
from server.services.deployment import Deployment
from server.services.judging import Progress, no_progress
from server.storage import people, readiness, register, seals
from server.storage import upkeep as rows

EXTRA_AFTER_S: Final = 86_400
LEFT_OUT: Final = 1000  # lines told of one by one


@dataclass(frozen=True, slots=True)
class Fault:
    """A photo that is `missing`, `damaged` or `extra`, with the visits it belongs to."""

    fault: str
    digest: str
    visits: tuple[str, ...]


def stored_span(deployment: Deployment, now: datetime) -> tuple[date, date]:
    """The days whose verdicts are stored; if none are, from the first posting to the end of this month."""
    with deployment.database.read() as connection:
        state = register.state(connection)
        earliest = people.first_posting(connection)
    today = local_day(now, deployment.zone)
    if state.judged_from is not None and state.judged_to is not None:
        return state.judged_from, state.judged_to
    return month_of(min(earliest or today, today)).first, month_of(today).last


def check_ready(deployment: Deployment) -> None:
    """Raises RuntimeError unless the database has its tables, of this version, and photos can be written."""
    if readiness.file_is_missing(deployment.settings.database_url):
        raise RuntimeError("the database's file is gone")
    state = readiness.readiness(deployment.database)
    if state is not readiness.Readiness.READY:
        raise RuntimeError(f"the database is {state.value}")
    with deployment.database.read() as connection:
        missing = rows.missing_tables(connection)
    if missing:
        raise RuntimeError(f"tables are missing: {', '.join(sorted(missing))}")
    if not deployment.photos.can_write():
        raise RuntimeError("photos cannot be written")


def is_whole(deployment: Deployment) -> bool:
    """Whether the database's file is built as it should be, as far as it can be asked."""
    with deployment.database.read() as connection:
        return rows.is_whole(connection)


def check_photos(deployment: Deployment, now: datetime, progress: Progress = no_progress) -> Iterator[Fault]:
    """Reads every photo that a visit rests on and compares it with its digest; those that differ, and strange files.

    A file that no record names is `extra` once it is a day old: until then its record may be on the way. Rows and files
    are gone through side by side, in order of digest, so that it takes no memory however many they are.
    """
    store = deployment.photos
    with deployment.database.read() as connection:
        all_ = rows.photo_count(connection)
        files = store.digests()
        file = next(files, None)
        for done, digest in enumerate(chain(rows.photo_digests(connection), [None]), start=1):
            while file is not None and (digest is None or file < digest):
                if store.age_s(file, now) > EXTRA_AFTER_S:
                    yield Fault("extra", file, ())
                file = next(files, None)
            if digest is None:
                return
            if file == digest:
                file = next(files, None)
            if not store.verify(digest):
                visits = rows.visits_with(connection, [digest]).get(digest, [])
                yield Fault("damaged" if store.exists(digest) else "missing", digest, tuple(visits))
            progress(done, all_)


def check_log(
    deployment: Deployment, heads: Iterable[tuple[int, str]] = (), progress: Progress = no_progress
) -> Iterator[LogFault | Block]:
    """Works out every hash of the log's chain again: everything that is wrong, and at the end its head, if it has any.

    `heads` are numbers of blocks with their hashes, as they were kept elsewhere.
    """
    kept = dict(heads)
    with deployment.database.read() as connection, deployment.database.read() as other:
        head, highest = seals.standing(connection)
        newest = head.number if head else 0

        def told(blocks: Iterable[Block]) -> Iterator[Block]:
            for block in blocks:
                progress(block.last, highest)
                if kept.pop(block.number, block.head.hex()) != block.head.hex():
                    differing.append(block.number)
                yield block

        differing: list[int] = []
        yield from Check(seals.sealed(connection, highest), highest).faults(told(seals.blocks(other, newest)))
        for number in differing:
            yield LogFault("head-differs", block=number)
        for number in sorted(kept):
            yield LogFault("head-missing", block=number)
        if head is not None:
            for line in seals.left_out(connection, head.settled, LEFT_OUT):
                yield LogFault("line-unsealed", line=line)
            yield head
