"""What the office does to keep a deployment sound: which days are judged, and whether the photos are whole."""

from dataclasses import dataclass
from datetime import date, datetime

from server.domain.periods import local_day, month_of
from server.services.deployment import Deployment
from server.services.judging import Progress, no_progress
from server.storage import people, readiness, register
from server.storage import upkeep as rows


@dataclass(frozen=True, slots=True)
class Fault:
    """A photo that is `missing` or `damaged`, with the visits it belongs to."""

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


def scrub(deployment: Deployment, progress: Progress = no_progress) -> tuple[int, list[Fault]]:
    """Reads every photo that a visit rests on and compares it with its digest; how many, and those that differ."""
    with deployment.database.read() as connection:
        digests = rows.photo_digests(connection)
    wrong: dict[str, str] = {}
    for number, digest in enumerate(digests, start=1):
        if not deployment.photos.verify(digest):
            wrong[digest] = "damaged" if deployment.photos.exists(digest) else "missing"
        progress(number, len(digests))
    with deployment.database.read() as connection:
        visits = rows.visits_with(connection, wrong)
    return len(digests), [Fault(fault, digest, tuple(visits.get(digest, ()))) for digest, fault in wrong.items()]
