"""Which earlier photos a visit's photos resemble, shown to its reviewers, however far away the earlier visit was.

Inside a reviewer's area the other photo is shown as any other. Of one outside they learn the day and the office to ask,
and see it so blurred that two pictures can be told to be the same, and nobody's face.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from server.adapters import pictures
from server.adapters.photos import Renditions
from server.domain import problems
from server.domain.access import Caller, scope_of
from server.domain.checkins import Visit
from server.domain.periods import local_day
from server.domain.problems import Problem
from server.services import visit_reading, visits
from server.services.deployment import Deployment
from server.services.visit_reading import Resembling, Seen
from server.storage import likenesses as rows

SHOWN: Final = 20  # earlier photos of one visit
_RETRY_S: Final = 60

_log = structlog.get_logger(__name__)


def add(deployment: Deployment, caller: Caller, seen: Seen, now: datetime) -> Seen:
    """The visit with what its photos resemble, for who reviews it; for anybody else as it was."""
    visit = seen.answers[0].visit
    if not visit_reading.is_reviewer(caller, visit):
        return seen
    return replace(seen, resembles=_found(deployment, caller, seen, now))


def picture(
    deployment: Deployment, caller: Caller, visit: str, digest: str, number: int, now: datetime
) -> tuple[bytes, Visit, str]:
    """An earlier photo by its number, with its visit and digest: for a screen inside the caller's area, else blurred.

    Raises Problem NOT_FOUND for a visit outside the area or without such a photo, FORBIDDEN for one that the caller
    does not review, UNAVAILABLE for a photo that has gone from the disk since.
    """
    seen = visit_reading.see(deployment, caller, visit, now)
    if not visit_reading.is_reviewer(caller, seen.answers[0].visit):
        raise Problem(problems.FORBIDDEN)
    for one in _found(deployment, caller, seen, now):
        other = visits.find(deployment, one.visit) if (one.photo, one.number) == (digest, number) else None
        if other is not None:
            return _drawn(deployment, one), other.visit, one.other
    raise Problem(problems.NOT_FOUND)


def _found(deployment: Deployment, caller: Caller, seen: Seen, now: datetime) -> list[Resembling]:
    answer = seen.answers[0]
    earlier = {other for finding in answer.visit.findings for other in finding.others}
    here = [photo.digest for photo in answer.photos if photo.received_at and photo.withdrawn_at is None]
    if not earlier or not here:
        return []
    with deployment.database.read() as connection:
        least = deployment.limits.near_copy_percent
        found = rows.resembling(connection, here, sorted(earlier), least, SHOWN)
    scope = scope_of(caller, seen.tree, local_day(now, deployment.zone))
    numbers: Counter[str] = Counter()
    told = []
    for one in found:
        numbers[one.photo] += 1
        township = seen.tree.township_of(one.place, one.day)
        office = township or seen.tree[one.place]
        told.append(
            Resembling(
                photo=one.photo,
                number=numbers[one.photo],
                other=one.other,
                visit=one.visit,
                day=one.day,
                percent=one.percent,
                office=office.code,
                office_name=office.name,
                inside=scope.holds(one.person, one.path),
            )
        )
    return told


def _drawn(deployment: Deployment, one: Resembling) -> bytes:
    try:
        if one.inside:
            return Renditions(deployment.photos).get(one.other, "screen")
        return pictures.blurred(deployment.photos.path(one.other))
    except FileNotFoundError:
        _log.error("a photo is missing on disk", digest=one.other)
        raise Problem(problems.UNAVAILABLE, retry_after=_RETRY_S) from None
