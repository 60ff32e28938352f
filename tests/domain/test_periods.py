"""Weeks, months and moments, in local days."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.periods import Moment, Window, local_day, midnight, month_of, week_of, window_named, windows
from tests.domain.county import d
from tests.domain.effort import effort

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")  # changes its clocks at 01:00 UTC
HAVANA = ZoneInfo("America/Havana")  # changes its clocks at midnight, so that a day may begin at 01:00 or twice
DAYS = st.dates(date(1990, 1, 1), date(2199, 12, 31))


@pytest.mark.parametrize(
    ("day", "label", "first", "last"),
    [
        ("2018-11-19", "2018-W47", "2018-11-19", "2018-11-25"),
        ("2018-11-25", "2018-W47", "2018-11-19", "2018-11-25"),
        ("2018-12-31", "2019-W01", "2018-12-31", "2019-01-06"),
        ("2021-01-03", "2020-W53", "2020-12-28", "2021-01-03"),
        ("2024-02-29", "2024-W09", "2024-02-26", "2024-03-03"),
    ],
)
def test_a_week_runs_from_monday_to_sunday_and_is_named_by_iso_8601(
    day: str, label: str, first: str, last: str
) -> None:
    assert week_of(d(day)) == Window("week", label, d(first), d(last))


@pytest.mark.parametrize(
    ("day", "label", "first", "last"),
    [
        ("2018-11-01", "2018-11", "2018-11-01", "2018-11-30"),
        ("2018-12-31", "2018-12", "2018-12-01", "2018-12-31"),
        ("2023-02-10", "2023-02", "2023-02-01", "2023-02-28"),
        ("2024-02-29", "2024-02", "2024-02-01", "2024-02-29"),
    ],
)
def test_a_month_runs_from_its_first_to_its_last_day(day: str, label: str, first: str, last: str) -> None:
    assert month_of(d(day)) == Window("month", label, d(first), d(last))


@effort(60)
@given(DAYS)
def test_every_day_lies_in_its_week_and_its_month(day: date) -> None:
    for window in (week_of(day), month_of(day)):
        assert day in window
        assert window.first - timedelta(days=1) not in window
        assert window.last + timedelta(days=1) not in window
        days = list(window.days())
        assert days == sorted(set(days))
        assert (days[0], days[-1], len(days)) == (window.first, window.last, (window.last - window.first).days + 1)


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2018-11-19", "2018-11-25", ["2018-W47", "2018-11"]),
        ("2018-11-25", "2018-11-26", ["2018-W47", "2018-W48", "2018-11"]),
        ("2018-11-30", "2018-12-01", ["2018-W48", "2018-11", "2018-12"]),
        ("2018-12-31", "2019-01-01", ["2019-W01", "2018-12", "2019-01"]),
        ("2018-11-20", "2018-11-20", ["2018-W47", "2018-11"]),
    ],
)
def test_a_span_has_every_week_and_month_that_shares_a_day_with_it(first: str, last: str, labels: list[str]) -> None:
    assert [window.label for window in windows(d(first), d(last))] == labels


@effort(60)
@given(DAYS, st.integers(0, 80))
def test_the_windows_of_a_span_are_those_of_its_days(first: date, length: int) -> None:
    span = [first + timedelta(days=n) for n in range(length + 1)]
    expected = list(dict.fromkeys(map(week_of, span))) + list(dict.fromkeys(map(month_of, span)))
    assert windows(first, span[-1]) == expected


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2018-11-18T23:59:59+08:00", "2018-11-18"),
        ("2018-11-18T15:30:00+00:00", "2018-11-18"),
        ("2018-11-18T16:00:00+00:00", "2018-11-19"),
        ("2018-11-18T11:00:00-05:00", "2018-11-19"),
        ("2018-11-19T01:00:00+10:00", "2018-11-18"),
    ],
)
def test_an_instant_falls_on_the_countys_day_whatever_offset_it_was_written_with(written: str, day: str) -> None:
    assert local_day(datetime.fromisoformat(written), SHANGHAI) == d(day)


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        (SHANGHAI, "2018-11-19", "2018-11-18T16:00:00+00:00"),
        (BERLIN, "2018-07-01", "2018-06-30T22:00:00+00:00"),
        (BERLIN, "2018-12-01", "2018-11-30T23:00:00+00:00"),
        (HAVANA, "2018-03-11", "2018-03-11T05:00:00+00:00"),  # 00:00 never was: the day began at 01:00
        (HAVANA, "2018-11-04", "2018-11-04T04:00:00+00:00"),  # 00:00 was twice: the day began with the first
    ],
)
def test_a_day_begins_at_its_first_instant(zone: ZoneInfo, day: str, begins: str) -> None:
    assert midnight(d(day), zone) == datetime.fromisoformat(begins)
    assert midnight(d(day), zone).tzinfo is UTC


@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN, HAVANA], ids=str)
@effort(60)
@given(day=DAYS)
def test_midnight_is_the_first_instant_whose_local_day_it_is(zone: ZoneInfo, day: date) -> None:
    begins = midnight(day, zone)
    assert local_day(begins, zone) == day
    assert local_day(begins - timedelta(microseconds=1), zone) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "now", "today", "grace_from"),
    [
        (SHANGHAI, "2018-11-28T23:59:59+08:00", "2018-11-28", "2018-11-25"),
        (SHANGHAI, "2018-11-29T00:00:00+08:00", "2018-11-29", "2018-11-26"),
        (SHANGHAI, "2018-11-28T16:00:00+00:00", "2018-11-29", "2018-11-26"),
        # The clocks went on an hour on Sunday 2018-03-25: 72 hours after the midnight that ended Saturday it is 01:00.
        (BERLIN, "2018-03-28T00:59:59+02:00", "2018-03-28", "2018-03-24"),
        (BERLIN, "2018-03-28T01:00:00+02:00", "2018-03-28", "2018-03-25"),
        # They went back an hour on Sunday 2018-10-28: the 72 hours are over at 23:00.
        (BERLIN, "2018-10-30T22:59:59+01:00", "2018-10-30", "2018-10-27"),
        (BERLIN, "2018-10-30T23:00:00+01:00", "2018-10-30", "2018-10-28"),
    ],
)
def test_grace_ends_72_elapsed_hours_after_the_due_day(zone: ZoneInfo, now: str, today: str, grace_from: str) -> None:
    assert Moment.of(datetime.fromisoformat(now), zone) == Moment(d(today), d(grace_from))


@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN, HAVANA], ids=str)
@effort(60)
@given(
    now=st.datetimes(datetime(2017, 1, 1), datetime(2019, 12, 31), timezones=st.just(UTC)),
    offset=st.sampled_from([0, 480, -300]),
)
def test_a_moment_says_of_every_day_what_its_clock_says(zone: ZoneInfo, now: datetime, offset: int) -> None:
    moment = Moment.of(now.astimezone(timezone(timedelta(minutes=offset))), zone)
    for ago in range(-2, 7):
        due = moment.today - timedelta(days=ago)
        over = midnight(due + timedelta(days=1), zone)
        assert (moment.today <= due) == (now < over)
        assert (due >= moment.grace_from) == (now - over < timedelta(hours=72))


@pytest.mark.parametrize("label", ["2018-W47", "2018-11", "2020-W53", "2018-01"])
def test_a_window_is_found_by_its_label(label: str) -> None:
    found = window_named(label)
    assert found is not None
    assert found.label == label


@pytest.mark.parametrize("label", ["2018-W54", "2018-13", "2018-1", "2018", "", "2018-W", "x-W01", "18-11"])
def test_what_is_no_window_is_not_found(label: str) -> None:
    assert window_named(label) is None
