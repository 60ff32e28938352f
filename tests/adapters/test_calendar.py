from datetime import date, timedelta

import pytest

from server.adapters import calendar

WORKED = {
    "an ordinary Thursday": (date(2018, 11, 15), True),
    "an ordinary Sunday": (date(2018, 11, 18), False),
    "National Day, a Monday": (date(2018, 10, 1), False),
    "the Sunday worked for National Day": (date(2018, 9, 30), True),
    "the Saturday worked for National Day": (date(2018, 9, 29), True),
    "Mid-Autumn, a Monday": (date(2018, 9, 24), False),
    "New Year's Eve given for New Year": (date(2018, 12, 31), False),
    "the Saturday worked for New Year": (date(2018, 12, 29), True),
    "the longer Spring Festival of 2020": (date(2020, 1, 31), False),
    "a weekday in a year not yet published": (date(2199, 10, 1), True),
    "a weekend in a year not yet published": (date(2199, 10, 5), False),
    "National Day before the library begins": (date(2003, 10, 1), True),
    "the first day there is": (date.min, True),
    "the last day there is": (date.max, True),
}


@pytest.mark.parametrize(("day", "worked"), WORKED.values(), ids=WORKED)
def test_a_day_is_worked_or_not(day: date, worked: bool) -> None:
    assert calendar.is_workday(day) is worked


@pytest.mark.parametrize(("year", "known"), [(2003, False), (2004, True), (2018, True), (2199, False)])
def test_a_year_is_known_when_its_schedule_was_published(year: int, known: bool) -> None:
    assert calendar.year_known(year) is known


def test_the_week_of_national_day_has_no_working_day() -> None:
    assert calendar.workdays(date(2018, 10, 1), date(2018, 10, 7)) == ()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2018, 9, 24), date(2018, 9, 30)),
        (date(2018, 12, 20), date(2020, 2, 10)),
        (date(2003, 12, 25), date(2004, 1, 10)),
        (date(2018, 11, 15), date(2018, 11, 15)),
        (date(2018, 11, 16), date(2018, 11, 15)),
    ],
)
def test_the_days_of_a_span_are_those_worked_one_by_one(first: date, last: date) -> None:
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    assert calendar.workdays(first, last) == tuple(day for day in span if calendar.is_workday(day))


def test_the_version_of_the_schedules_is_named() -> None:
    assert calendar.library_version().split(".")[0].isdigit()
