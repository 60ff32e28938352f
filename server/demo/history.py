"""What the people of the demo county did: what their duties ask, on plausible days, with plausible misses."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from server.demo.staff import EXAMPLE_VILLAGE, Staff, envoy_code
from server.domain.calendar import Calendar
from server.domain.duties import Activity
from server.domain.imports import PostingRow
from server.domain.periods import DAY, month_of, week_of, windows
from server.domain.places import Tree
from server.domain.postings import Role

STUDY_DAY = 15


@dataclass(frozen=True, slots=True)
class Trip:
    """One person at one place at one local time."""

    person: str
    place: str
    activity: Activity
    at: datetime


@dataclass(frozen=True, slots=True)
class County:
    """What the trips depend on."""

    tree: Tree
    calendar: Calendar
    zone: ZoneInfo
    first: date
    now: datetime

    @property
    def today(self) -> date:
        """The local day it is."""
        return self.now.astimezone(self.zone).date()


def trips(county: County, staff: Staff, rng: Random) -> list[Trip]:
    """Everything that was done from the first day up to now, by person and time."""
    away: dict[str, set[date]] = defaultdict(set)
    for leave in staff.leaves:
        away[leave.person].update(_days(leave.start, leave.end))
    plans: dict[Role, Callable[..., Iterable[tuple[str, Activity, date]]]] = {
        Role.ENVOY: _envoy,
        Role.DISTRICT_SECRETARY: _secretary,
        Role.PAIRED_LEADER: _leader,
    }
    wanted: dict[tuple[str, date], dict[str, Activity]] = defaultdict(dict)
    diligence = {person.code: 1 - 0.5 * rng.random() ** 8 for person in staff.people}
    for posting in staff.postings:
        for place, activity, day in plans[posting.role](county, posting, diligence[posting.person], rng):
            if _goes(county, posting, place, day, away[posting.person]):
                wanted[(posting.person, day)].setdefault(place, activity)
    found = []
    for (person, day), places in sorted(wanted.items()):
        found += _day_out(county, person, day, places, rng)
    return found


def _goes(county: County, posting: PostingRow, place: str, day: date, away: set[date]) -> bool:
    if not county.first <= day <= county.today or day in away or county.calendar.closed(place, day):
        return False
    if day < posting.start or (posting.end is not None and day > posting.end):
        return False
    # Left for whoever tries the service out: the example's envoy has yet to come this week.
    this_week = day >= week_of(county.today).first
    return not (posting.person == envoy_code(EXAMPLE_VILLAGE) and this_week)


def _envoy(county: County, posting: PostingRow, diligence: float, rng: Random) -> Iterator[tuple[str, Activity, date]]:
    for window in windows(county.first, county.today):
        if window.every == "month":
            study = window.first.replace(day=STUDY_DAY)
            if rng.random() < 0.96 * diligence:
                yield posting.place, Activity.STUDY, study
            continue
        days = county.calendar.working_days(posting.place, window)
        if days and rng.random() < 0.97 * diligence:
            for day in rng.sample(days, k=2 if len(days) > 1 and rng.random() < 0.05 else 1):
                yield posting.place, Activity.VISIT, day


def _secretary(
    county: County, posting: PostingRow, diligence: float, rng: Random
) -> Iterator[tuple[str, Activity, date]]:
    for window in windows(county.first, county.today):
        if window.every == "week":
            office = county.tree.central_village(posting.place, window.last)
            day = _office_day(county, posting, window.first)
            if office and day and rng.random() < 0.97 * diligence:
                yield office, Activity.OFFICE, day
            continue
        villages = list(county.tree.villages_in(posting.place, window.last))
        rng.shuffle(villages)
        days = sorted(rng.sample(county.calendar.working_days(posting.place, window), k=3))
        for number, village in enumerate(villages):
            if rng.random() < 0.98 * diligence:
                yield village, Activity.VISIT, days[number % len(days)]


def _office_day(county: County, posting: PostingRow, monday: date) -> date | None:
    if posting.office_weekday is None:
        return None
    day = monday + (posting.office_weekday - 1) * DAY
    while day < monday + 7 * DAY:
        if county.calendar.works(posting.place, day):
            return day
        day += DAY
    return None


def _leader(county: County, posting: PostingRow, diligence: float, rng: Random) -> Iterator[tuple[str, Activity, date]]:
    for window in windows(county.first, county.today):
        days = county.calendar.working_days(posting.place, window)
        if window.every == "month" and days and rng.random() < diligence:
            yield posting.place, Activity.OFFICE, rng.choice(days)


def _day_out(county: County, person: str, day: date, places: dict[str, Activity], rng: Random) -> list[Trip]:
    """The places of one day, one after the other, with the way between."""
    at = datetime.combine(day, time(8, rng.randrange(10, 59), rng.randrange(60)), county.zone)
    at += timedelta(minutes=rng.randrange(0, 330) if len(places) < 3 else 0)
    found = []
    for place, activity in places.items():
        if at < county.now - timedelta(minutes=2):
            found.append(Trip(person, place, activity, at))
        at += timedelta(minutes=rng.randrange(45, 90), seconds=rng.randrange(60))
    return found


def kept_elsewhere(trip: Trip, county: County) -> bool:
    """Whether the trip was long enough ago to be a record of the time before the service: over two weeks."""
    return trip.at.date() <= county.today - 14 * DAY


def moved(trip: Trip, minutes: float) -> Trip:
    """The same trip, some minutes later."""
    return replace(trip, at=trip.at + timedelta(minutes=minutes))


def first_day(today: date) -> date:
    """The Monday eight weeks before this week's, or the first of its month where no whole month would lie between."""
    monday = week_of(today).first - 56 * DAY
    following = month_of(month_of(monday).last + DAY)
    return month_of(monday).first if monday.day > 1 and following.last > today else monday


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY
