"""Duties as data: what is shipped, what makes sense, and which version judges a window."""

from dataclasses import replace

import pytest

from server.domain.duties import SHIPPED, DayOff, Duty, DutyBook, Fixed, Target, ended, faults
from tests.domain.county import d, window

WEEKLY, STUDY, OFFICE, ROUND, LEADER = SHIPPED

# Straight from the table of docs/duties.md.
TABLE = {
    "envoy-weekly-visit": ("envoy", "visit study", "posting", "week", "any", None, "skip"),
    "envoy-study-day": ("envoy", "study", "posting", "month", "month-day", 15, "keep"),
    "secretary-office-day": (
        "district-secretary",
        "office",
        "central-village",
        "week",
        "office-weekday",
        None,
        "shift",
    ),
    "secretary-monthly-round": (
        "district-secretary",
        "visit office study",
        "each-village",
        "month",
        "any",
        None,
        "skip",
    ),
    "leader-monthly-day": ("paired-leader", "office visit", "posting", "month", "any", None, "skip"),
}


def test_the_shipped_duties_are_those_of_the_rules() -> None:
    shipped = {
        duty.code: (
            duty.role, " ".join(sorted(duty.activities)), duty.target, duty.every, duty.fixed, duty.number, duty.day_off
        )
        for duty in SHIPPED
    }  # fmt: skip
    assert shipped == {code: (row[0], " ".join(sorted(row[1].split())), *row[2:]) for code, row in TABLE.items()}


def test_a_shipped_duty_asks_for_one_day_and_no_more_photos_than_the_activity_needs_from_the_beginning() -> None:
    assert {(duty.times, duty.min_photos, duty.active) for duty in SHIPPED} == {(1, 0, True)}
    assert all(duty.since <= d("0001-01-01") for duty in SHIPPED)


@pytest.mark.parametrize("duty", SHIPPED, ids=lambda duty: duty.code)
def test_a_shipped_duty_makes_sense(duty: Duty) -> None:
    assert faults(duty) == []


@pytest.mark.parametrize(
    ("duty", "expected"),
    [
        pytest.param(replace(WEEKLY, day_off=DayOff.SHIFT), [("day_off", "shift-any-day")], id="shift with any day"),
        pytest.param(replace(WEEKLY, day_off=DayOff.KEEP), [], id="keep with any day"),
        pytest.param(replace(STUDY, times=2), [("times", "times-fixed-day")], id="a fixed day twice"),
        pytest.param(replace(WEEKLY, times=2), [], id="any day twice"),
        pytest.param(replace(STUDY, day_off=DayOff.SHIFT), [], id="shift with a fixed day"),
        pytest.param(replace(STUDY, day_off=DayOff.SKIP), [], id="skip with a fixed day"),
        pytest.param(replace(STUDY, every="week"), [("every", "month-day-every-month")], id="the 15th of a week"),
        pytest.param(
            replace(STUDY, fixed=Fixed.WEEKDAY, number=5), [("every", "weekday-every-week")], id="the Friday of a month"
        ),
        pytest.param(replace(WEEKLY, fixed=Fixed.WEEKDAY, number=1), [], id="each Monday"),
        pytest.param(replace(WEEKLY, fixed=Fixed.WEEKDAY, number=7), [], id="each Sunday"),
        pytest.param(
            replace(WEEKLY, fixed=Fixed.WEEKDAY, number=8), [("number", "number-range")], id="the eighth weekday"
        ),
        pytest.param(
            replace(WEEKLY, fixed=Fixed.WEEKDAY, number=0), [("number", "number-range")], id="the weekday before Monday"
        ),
        pytest.param(replace(WEEKLY, fixed=Fixed.WEEKDAY), [("number", "number-range")], id="no weekday"),
        pytest.param(replace(STUDY, number=1), [], id="the 1st"),
        pytest.param(replace(STUDY, number=31), [], id="the 31st, in months that have one"),
        pytest.param(replace(STUDY, number=0), [("number", "number-range")], id="the 0th"),
        pytest.param(replace(STUDY, number=32), [("number", "number-range")], id="the 32nd"),
        pytest.param(replace(WEEKLY, number=3), [("number", "number-without-fixed-day")], id="a number with any day"),
        pytest.param(
            replace(OFFICE, number=3), [("number", "number-without-fixed-day")], id="a number with the office weekday"
        ),
        pytest.param(replace(OFFICE, role="envoy"), [("role", "office-weekday-role")], id="an envoy's office weekday"),
        pytest.param(
            replace(OFFICE, every="month"), [("every", "weekday-every-week")], id="the office weekday of a month"
        ),
        pytest.param(
            replace(WEEKLY, activities=frozenset()), [("activities", "activities-empty")], id="nothing counts"
        ),
        pytest.param(replace(WEEKLY, times=0), [("times", "times-range")], id="no times"),
        pytest.param(replace(ROUND, times=31), [], id="every day of a month"),
        pytest.param(replace(ROUND, times=32), [("times", "times-range")], id="more days than a month has"),
        pytest.param(replace(WEEKLY, min_photos=20), [], id="twenty photos"),
        pytest.param(replace(WEEKLY, min_photos=21), [("min_photos", "min-photos-range")], id="too many photos"),
        pytest.param(replace(WEEKLY, min_photos=-1), [("min_photos", "min-photos-range")], id="fewer photos than none"),
        pytest.param(
            replace(STUDY, times=0, number=None),
            [("number", "number-range"), ("times", "times-range")],
            id="two faults",
        ),
    ],
)
def test_what_makes_no_sense_is_named(duty: Duty, expected: list[tuple[str, str]]) -> None:
    assert faults(duty) == expected


def judging(book: DutyBook, label: str, role: str = "envoy") -> list[tuple[str, int]]:
    """The duties that judge a window, by code and number of times."""
    return [(duty.code, duty.times) for duty in book.owed_in(window(label), role)]


def test_each_role_has_its_duties_by_window_in_order_of_code() -> None:
    book = DutyBook(reversed(SHIPPED))
    assert judging(book, "W46") == [("envoy-weekly-visit", 1)]
    assert judging(book, "11") == [("envoy-study-day", 1)]
    assert judging(book, "W46", "district-secretary") == [("secretary-office-day", 1)]
    assert judging(book, "11", "district-secretary") == [("secretary-monthly-round", 1)]
    assert judging(book, "11", "paired-leader") == [("leader-monthly-day", 1)]
    assert judging(book, "W46", "paired-leader") == []
    assert judging(book, "11", "first-secretary") == []
    extra = replace(STUDY, code="a-first", number=20)
    assert judging(DutyBook([*SHIPPED, extra]), "11") == [("a-first", 1), ("envoy-study-day", 1)]


@pytest.mark.parametrize(
    ("since", "label", "times"),
    [
        pytest.param("11-12", "W46", 2, id="the window begins on its date"),
        pytest.param("11-13", "W46", 1, id="the window began the day before"),
        pytest.param("11-13", "W47", 2, id="the first window after its date"),
        pytest.param("11-18", "W46", 1, id="the last day of the window"),
        pytest.param("11-12", "W45", 1, id="the past stays as it was"),
    ],
)
def test_a_changed_duty_holds_from_the_first_window_that_begins_on_or_after_its_date(
    since: str, label: str, times: int
) -> None:
    for versions in [
        (WEEKLY, replace(WEEKLY, times=2, since=d(since))),
        (replace(WEEKLY, times=2, since=d(since)), WEEKLY),
    ]:
        assert judging(DutyBook(versions), label) == [("envoy-weekly-visit", times)]


def test_of_several_changes_the_latest_before_the_window_judges() -> None:
    book = DutyBook([WEEKLY, *(replace(WEEKLY, times=n, since=d(day)) for n, day in [(2, "11-05"), (3, "11-19")])])
    assert [judging(book, label)[0][1] for label in ("W44", "W45", "W46", "W47")] == [1, 2, 2, 3]


def test_a_duty_changed_from_week_to_month_is_owed_by_the_week_until_then_and_by_whole_months_after() -> None:
    book = DutyBook([WEEKLY, replace(WEEKLY, every="month", since=d("11-14"))])
    assert [bool(judging(book, label)) for label in ("W45", "W46", "W47", "W48")] == [True, True, False, False]
    assert [bool(judging(book, label)) for label in ("10", "11", "12")] == [False, False, True]


def test_a_duty_given_to_another_role_leaves_the_first() -> None:
    book = DutyBook([WEEKLY, replace(WEEKLY, role="first-secretary", since=d("11-12"))])
    assert judging(book, "W45")
    assert not judging(book, "W46")
    assert judging(book, "W46", "first-secretary")
    assert not judging(book, "W45", "first-secretary")


def test_an_ended_duty_is_owed_no_more_and_can_come_back() -> None:
    back = replace(WEEKLY, since=d("11-26"))
    book = DutyBook([WEEKLY, ended(WEEKLY, d("11-14")), back])
    assert [bool(judging(book, label)) for label in ("W45", "W46", "W47", "W48")] == [True, True, False, True]
    assert ended(WEEKLY, d("11-14")) == replace(WEEKLY, since=d("11-14"), active=False)


def test_a_duty_of_its_own_begins_with_its_first_version() -> None:
    twenty_days = Duty(
        "first-secretary-days", "first-secretary", frozenset({"visit"}), Target.POSTING, "month", times=20
    )
    book = DutyBook([*SHIPPED, replace(twenty_days, since=d("11-01"))])
    assert judging(book, "10", "first-secretary") == []
    assert judging(book, "11", "first-secretary") == [("first-secretary-days", 20)]
