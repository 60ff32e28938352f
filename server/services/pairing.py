"""Who checks in together again and again: a report for reviewers, never a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final

from server.adapters import geodesy
from server.domain.access import Caller, GrantKind, areas
from server.domain.pairs import Closeness, Meeting, Pair, Sight, pairs
from server.domain.periods import local_day, midnight
from server.domain.places import Tree
from server.domain.problems import invalid
from server.services import record
from server.services.deployment import Deployment
from server.services.reports import last_link
from server.storage import people, sights

DAYS: Final = 92
BACK: Final = 30  # days, unless asked otherwise
BEGINNING = date(2000, 1, 1)  # before it no visit can have been captured
MOST: Final = 500_000  # check-ins looked through


@dataclass(frozen=True, slots=True)
class Member:
    """One of a pair, with the township they belong to."""

    person: str
    name: str
    township: str | None
    township_name: str | None


@dataclass(frozen=True, slots=True)
class Together:
    """Two people, and when they checked in together, earliest first."""

    members: tuple[Member, Member]
    meetings: Sequence[Meeting]

    @property
    def order(self) -> tuple[int, str, str]:
        """Most often first."""
        return (-len(self.meetings), self.members[0].person, self.members[1].person)


@dataclass(frozen=True, slots=True)
class Report:
    """The pairs of some local days, both included."""

    first: date
    last: date
    limits: Closeness
    found: list[Together]
    tree: Tree
    complete: bool  # all check-ins of these days were looked through, not only the earliest of them


def report(
    deployment: Deployment, caller: Caller, now: datetime, first: date | None, last: date | None, place: str | None
) -> Report:
    """Pairs whose check-ins lie where the caller reviews, most often together first; none that the caller is one of.

    The last 30 days unless said otherwise. Raises Problem INVALID for more than 92 days and for a place outside.
    """
    today = local_day(now, deployment.zone)
    last = last or (min(today, first + timedelta(days=DAYS - 1)) if first else today)
    first = first or max(last - timedelta(days=BACK - 1), min(last, BEGINNING))
    if not timedelta() <= last - first < timedelta(days=DAYS):
        longest = first + timedelta(days=DAYS - 1)
        raise invalid("/to", "range", min=first.isoformat(), max=longest.isoformat())
    settings = deployment.settings
    limits = Closeness(settings.pair_seconds, settings.pair_m, settings.pair_times)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        reach: Sequence[str] = areas(caller.grants, tree, today, {GrantKind.REVIEWER})
        if place is not None:
            path = tree.path(place, today) if place in tree else ""
            if not path or not path.startswith(tuple(reach)):
                raise invalid("/place", "not-exist")
            reach = [path]
        begins, ends = midnight(first, deployment.zone), midnight(last + timedelta(days=1), deployment.zone)
        seen = _First(sights.sights(connection, reach, begins, ends, MOST + 1), MOST)
        found = {
            pair: meetings
            for pair, meetings in pairs(seen, limits, geodesy.distance_m).items()
            if caller.person not in pair
        }
        everybody = {person for pair in found for person in pair}
        named = people.named(connection, everybody)
        homes = record.homes(connection, deployment, everybody, now)

    def member(person: str) -> Member:
        lives = last_link(homes[person]) if homes.get(person) else None
        township = tree.township_of(lives, today) if lives else None
        return Member(
            person, named[person].name, township.code if township else None, township.name if township else None
        )

    def together(pair: Pair) -> Together:
        return Together((member(pair[0]), member(pair[1])), found[pair])

    return Report(first, last, limits, sorted(map(together, found), key=lambda one: one.order), tree, not seen.more)


class _First:
    """So many of some check-ins at most, and whether there were more."""

    def __init__(self, seen: Iterator[Sight], most: int) -> None:
        self._seen = seen
        self._most = most
        self.more = False

    def __iter__(self) -> Iterator[Sight]:
        yield from islice(self._seen, self._most)
        self.more = next(self._seen, None) is not None
