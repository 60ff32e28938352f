"""Days, weeks and months as the county counts them: everything here is about local days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Every = Literal["week", "month"]

DAY = timedelta(days=1)
GRACE = timedelta(hours=72)  # a phone may still come back into signal


@dataclass(frozen=True, slots=True)
class Window:
    """The span of local days in which a duty must be done once: an ISO week or a calendar month."""

    every: Every
    label: str  # 2018-W47 or 2018-11
    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def days(self) -> Iterator[date]:
        """Each day of the window in order."""
        day = self.first
        while day <= self.last:
            yield day
            day += DAY


@lru_cache(maxsize=4096)
def week_of(day: date) -> Window:
    """The ISO week, Monday to Sunday, that holds the day."""
    year, week, weekday = day.isocalendar()
    monday = day - timedelta(days=weekday - 1)
    return Window("week", f"{year:04d}-W{week:02d}", monday, monday + timedelta(days=6))


@lru_cache(maxsize=4096)
def month_of(day: date) -> Window:
    """The calendar month that holds the day."""
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Window("month", f"{first.year:04d}-{first.month:02d}", first, following - DAY)


def window_named(label: str) -> Window | None:
    """The week or month of a label such as `2018-W47` or `2018-11`; none if there is no such."""
    year, _, rest = label.partition("-")
    try:
        if rest.startswith("W"):
            found = week_of(date.fromisocalendar(int(year), int(rest[1:]), 1))
        else:
            found = month_of(date(int(year), int(rest), 1))
    except (ValueError, OverflowError):  # the last week or month that a date can say has no end
        return None
    return found if found.label == label else None


def windows(first: date, last: date) -> list[Window]:
    """Every week and month that shares a day with the span from `first` to `last`, weeks before months."""
    found: list[Window] = []
    for window_of in (week_of, month_of):
        window = window_of(first)
        while window.first <= last:
            found.append(window)
            window = window_of(window.last + DAY)
    return found


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the local day begins."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The local day in which the instant falls, whatever offset it was written with."""
    return instant.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Moment:
    """`now`, as the statuses need it: two local days instead of a clock, so that a query can use them too."""

    today: date
    grace_from: date  # the earliest due day whose 72 hours of grace still run

    @classmethod
    def of(cls, now: datetime, zone: ZoneInfo) -> "Moment":
        """Places the clock for upcoming, due, grace and missed (duties.md, Status 4 to 7)."""
        today = local_day(now, zone)
        due = today
        # Elapsed hours, not calendar days: a clock change makes three local days longer or shorter than 72 hours.
        while now - midnight(due, zone) < GRACE:
            due -= DAY
        return cls(today=today, grace_from=due)
