"""Working days of China: weekdays, less public holidays, plus the weekend days worked in exchange.

The schedule of a year is published the autumn before and comes with the library `chinesecalendar`.
A year that it does not know counts its weekdays; callers ask `year_known` and show a warning.
"""

from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version


def library_version() -> str:
    """Return the version of the library that the schedules come from."""
    return version("chinesecalendar")


@lru_cache(maxsize=256)
def year_known(year: int) -> bool:
    """Say whether the published schedule of a year is known."""
    from chinese_calendar import holidays

    # A schedule published for January may reach back into December: National Day proves the year's own.
    return any(date(year, 10, day) in holidays for day in (1, 2, 3))


def is_workday(day: date) -> bool:
    """Say whether a day is worked, before any mark of the county; weekdays in an unknown year."""
    return day in _workdays_of(day.year)[1]


def workdays(first: date, last: date) -> tuple[date, ...]:
    """Return the working days from first to last, both included, in order; none if last is before first."""
    if last < first:
        return ()
    if first.year == last.year:
        days = _workdays_of(first.year)[0]
        return days[bisect_left(days, first) : bisect_right(days, last)]
    found: list[date] = []
    for year in range(first.year, last.year + 1):
        days = _workdays_of(year)[0]
        found.extend(days[bisect_left(days, first) : bisect_right(days, last)])
    return tuple(found)


@lru_cache(maxsize=256)
def _workdays_of(year: int) -> tuple[tuple[date, ...], frozenset[date]]:
    """Return the working days of a year in order, and as a set."""
    from chinese_calendar import holidays
    from chinese_calendar import workdays as exchanged

    known = year_known(year)
    length = date(year, 12, 31).timetuple().tm_yday
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(length))
    worked = tuple(
        day for day in days if (known and day in exchanged) or (day.weekday() < 5 and not (known and day in holidays))
    )
    return worked, frozenset(worked)
