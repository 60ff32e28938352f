"""The work that nobody waits for. A query finds all of it, so that a crash loses none; doing it twice does no harm."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from server.domain.periods import local_day
from server.services import evidence, judging, notices, signing_in, visits
from server.services.deployment import Deployment
from server.storage import jobs as found
from server.storage import people, register
from server.storage import visits as rows

BATCH: Final = 500  # visits in one go
BACK: Final = timedelta(days=35)
LEFT_BEHIND_S: Final = 86_400  # a temporary file older than this is of no upload that still runs

_log = structlog.get_logger(__name__)


def tick(deployment: Deployment, now: datetime, hourly: bool = True) -> dict[str, int]:
    """Does a share of what there is to do; how much was done of each kind, empty if another process is at it.

    A kind that fails is logged and does not keep the others from their turn.
    """
    done: dict[str, int] = {}
    with found.alone(deployment.database) as alone:
        if not alone:
            return done
        for name, job in _JOBS.items():
            if name in _HOURLY and not hourly:
                continue
            try:
                done[name] = job(deployment, now)
            except Exception:
                _log.exception("a job failed", job=name)
                done[name] = 0
    return done


def break_promises(deployment: Deployment, now: datetime) -> int:
    """Marks visits whose promised pictures did not come in time (docs/checks.md): they go to a reviewer."""
    before = now - timedelta(days=deployment.limits.promise_days)
    with deployment.database.read() as connection:
        late = found.overdue(connection, before, BATCH)
    if late:
        with deployment.database.write() as connection:
            rows.mark_stale(connection, late, "promise")
    return len(late)


def rework_visits(deployment: Deployment, now: datetime) -> int:
    """Works out again the findings of visits that are marked for it; one that fails keeps its mark."""
    with deployment.database.read() as connection:
        marked = list(rows.stale(connection, BATCH))
    done = 0
    for visit in marked:
        try:
            done += visits.work_off(deployment, now, [visit])
        except Exception:
            _log.exception("a visit could not be worked out again", visit=visit)
    return done


def judge_marked(deployment: Deployment, _now: datetime) -> int:
    """Judges what was marked and not judged since, as after a crash in between."""
    return judging.work_off(deployment)


def look_ahead(deployment: Deployment, now: datetime) -> int:
    """Keeps verdicts stored to the end of next month; 1 if that needed work. Before the first: from 35 days ago."""
    today = local_day(now, deployment.zone)
    last = judging.horizon(today)
    with deployment.database.read() as connection:
        state = register.state(connection)
        if state.basis == deployment.basis and state.judged_to is not None and state.judged_to >= last:
            return 0
        if people.first_posting(connection) is None:
            return 0
    judging.ensure_judged(deployment, state.judged_from or today - BACK, last)
    return 1


def sweep(deployment: Deployment, _now: datetime) -> int:
    """Removes the temporary files that crashed uploads left behind; how many."""
    return deployment.photos.sweep_temporary(LEFT_BEHIND_S)


_JOBS: Final[dict[str, Callable[[Deployment, datetime], int]]] = {
    "promises": break_promises,
    "pictures": evidence.look_at_pictures,
    "visits": rework_visits,
    "judged": judge_marked,
    "ahead": look_ahead,
    "told": notices.tell_people,
    "offices": notices.tell_offices,
    "forgotten": notices.forget,
    "swept": sweep,
    "tidied": signing_in.tidy,
}
_HOURLY: Final = frozenset({"offices", "forgotten", "swept", "tidied"})
