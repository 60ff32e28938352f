"""Two people who check in at the same time and place again and again, as when one carries both phones.

No proof of anything: two envoys of one village may well walk together. For reviewers' eyes.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

CROWD = 50  # of others nearby that one check-in is compared with: where more stand, it is a meeting
_DEGREE_M = 110_000  # of latitude, and somewhat less than any


@dataclass(frozen=True, slots=True)
class Sight:
    """As much of a check-in as is needed to see who else was there; degrees in WGS-84."""

    visit: str
    person: str
    place: str
    day: date
    occurred_at: datetime
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two people's check-ins at one time and place, the earlier first, and how far apart they were in metres."""

    one: Sight
    other: Sight
    apart_m: float

    @property
    def apart_s(self) -> float:
        """Seconds between the two."""
        return (self.other.occurred_at - self.one.occurred_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Closeness:
    """What counts as together, and how often as again and again."""

    seconds: float = 120
    metres: float = 20
    times: int = 3


Pair = tuple[str, str]
Distance = Callable[[float, float, float, float], float]


def pairs(sights: Iterable[Sight], limits: Closeness, distance_m: Distance) -> dict[Pair, list[Meeting]]:
    """Who was together with whom often enough, and when; the codes of a pair in order.

    `sights` come in order of time. Each check-in counts once for a pair, so that three in a row are not three meetings.
    """
    span = timedelta(seconds=limits.seconds)
    near: deque[Sight] = deque()
    found: dict[Pair, list[Meeting]] = {}
    counted: dict[Pair, set[str]] = {}
    for sight in sights:
        while near and sight.occurred_at - near[0].occurred_at > span:
            near.popleft()
        compared = 0
        for other in reversed(near):
            if abs(other.latitude - sight.latitude) * _DEGREE_M > limits.metres or other.person == sight.person:
                continue
            apart = distance_m(other.latitude, other.longitude, sight.latitude, sight.longitude)
            if apart > limits.metres:
                continue
            compared += 1
            if compared > CROWD:
                break
            pair = (min(sight.person, other.person), max(sight.person, other.person))
            seen = counted.setdefault(pair, set())
            if sight.visit not in seen and other.visit not in seen:
                seen |= {sight.visit, other.visit}
                found.setdefault(pair, []).append(Meeting(other, sight, apart))
        near.append(sight)
    return {pair: meetings for pair, meetings in found.items() if len(meetings) >= limits.times}
