"""The work that nobody waits for. A query finds all of it, so that a crash loses none; doing it twice does no harm."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from server.adapters import fingerprint
from server.domain import problems
from server.domain.periods import local_day
from server.domain.problems import Problem
from server.services import judging, signing_in, visits
from server.services.deployment import Deployment
from server.storage import jobs as found
from server.storage import people, register
from server.storage import visits as rows

BATCH: Final = 500  # visits in one go
PICTURES: Final = 24  # decoded before anything is stored: less than a second's work
LINKS: Final = 20  # of a new picture to others much like it: of a thousand copies all pairs would be a million
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


def look_at_pictures(deployment: Deployment, now: datetime) -> int:
    """Takes the fingerprints of new pictures.

    Marks every visit that shares a picture much like another's, and those with a picture that cannot be decoded.
    """
    if not deployment.photos.root.is_dir():
        return 0  # not mounted, perhaps: then nothing is missing
    with deployment.database.read() as connection:
        digests = found.unlooked(connection, PICTURES)
    if not digests:
        return 0
    prints = [_print(deployment, digest) for digest in digests]
    with deployment.database.read() as connection:
        others = found.candidates(connection, prints)
    alike = _alike(prints, others, deployment.limits.near_copy_bits)
    with deployment.database.write() as connection:
        rows.hold_photos(connection, {p.digest for p in prints}.union(*(pair[:2] for pair in alike)))
        found.keep_prints(connection, prints, now)
        found.keep_alike(connection, alike)
        found.mark_holders(connection, {digest for pair in alike for digest in pair[:2]}, "likeness")
        found.mark_holders(connection, {p.digest for p in prints if p.unreadable}, "unreadable")
    return len(prints)


def _print(deployment: Deployment, digest: str) -> found.Print:
    taken = None
    unreadable = False
    try:
        path = deployment.photos.path(digest)
        if path.is_file():
            taken = fingerprint.fingerprint(path)
        else:
            _log.error("a picture is missing", digest=digest)
    except Problem as refused:
        unreadable = refused.kind is not problems.UNAVAILABLE
        _log.warning("a picture cannot be decoded", digest=digest, problem=refused.kind.code)
    except Exception:
        # Whatever a picture does to the decoder, the next one gets its turn.
        _log.exception("a picture could not be looked at", digest=digest)
    return found.Print(digest, taken, fingerprint.bands(taken) if taken else None, unreadable)


def _alike(prints: list[found.Print], others: dict[str, dict[str, bytes]], most: int) -> list[tuple[str, str, int]]:
    pairs: dict[tuple[str, str], int] = {}
    for number, one in enumerate(prints):
        if one.fingerprint is None:
            continue
        known = dict(others.get(one.digest, {}))
        known |= {p.digest: p.fingerprint for p in prints[:number] if p.fingerprint is not None}
        distances = ((fingerprint.distance(one.fingerprint, theirs), digest) for digest, theirs in known.items())
        for bits, digest in sorted(near for near in distances if near[0] <= most)[:LINKS]:
            pairs[(min(one.digest, digest), max(one.digest, digest))] = bits
    return [(one, other, bits) for (one, other), bits in sorted(pairs.items())]


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
    "pictures": look_at_pictures,
    "visits": rework_visits,
    "judged": judge_marked,
    "ahead": look_ahead,
    "swept": sweep,
    "tidied": signing_in.tidy,
}
_HOURLY: Final = frozenset({"swept", "tidied"})
