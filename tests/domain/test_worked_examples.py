"""The worked examples of docs/duties.md, one test each, in its order."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from server.domain.duties import SHIPPED
from server.domain.engine import Obligation, Status, Verdict, status_of
from server.domain.periods import Moment, local_day
from tests.domain.county import away, closed, d, envoy, judged, secretary, visit, world

WEEKLY, STUDY, OFFICE, ROUND, LEADER = (duty.code for duty in SHIPPED)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def said(found: Obligation) -> str:
    return " ".join([f"{found.due_on:%m-%d}", found.verdict, found.reason]).rstrip()


def test_national_day_excuses_the_weekly_visit_and_the_wednesday_office_day() -> None:
    assert [said(o) for o in judged("W40", [envoy(), secretary(3)])] == [
        "10-07 excused holiday", "10-03 excused holiday"
    ]  # fmt: skip


def test_the_monday_office_day_of_mid_autumn_shifts_to_tuesday() -> None:
    assert [said(o) for o in judged("W39", [secretary(1)])] == ["09-25 open"]


def test_the_study_day_stays_on_a_saturday() -> None:
    assert [said(o) for o in judged("09", [envoy()])] == ["09-15 open"]


def test_an_envoy_posted_from_a_tuesday_owes_the_next_week_and_the_study_day() -> None:
    found = judged("W45 W46 W47 11", [envoy(start="11-13")])
    assert [(o.duty, o.window, o.opens_on, o.due_on) for o in found] == [
        (WEEKLY, "2018-W47", d("11-19"), d("11-25")),
        (STUDY, "2018-11", d("11-15"), d("11-15")),
    ]


def test_an_envoy_on_leave_monday_to_friday_who_visits_on_saturday_has_met_the_week() -> None:
    leaves = [away("11-12", "11-16")]
    assert [said(o) for o in judged("W46", [envoy()], [visit("11-17")], leaves)] == ["11-18 met"]
    assert [said(o) for o in judged("W46", [envoy()], [], leaves)] == ["11-18 excused leave"]


def test_a_flood_on_the_15th_excuses_the_study_day_and_not_the_week() -> None:
    flooded = world(marks=[closed("10-15", "d2")])
    assert [said(o) for o in judged("10 W42", [envoy()], among=flooded)] == ["10-15 excused closed", "10-21 open"]


def test_a_changed_weekday_changes_the_office_day_and_leaves_the_round_whole() -> None:
    held = [secretary(3, "09-01", "11-18"), secretary(5, "11-19")]
    assert [o.due_on for o in judged("W46 W47", held, duty=OFFICE)] == [d("11-14"), d("11-23")]
    assert [o.place for o in judged("11", held, duty=ROUND)] == ["d1", "d2", "d3"]


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2018-11-25T23:59:59+08:00", Status.DUE),
        ("2018-11-28T23:59:59+08:00", Status.GRACE),
        ("2018-11-29T00:00:00+08:00", Status.MISSED),
        ("2018-11-28T16:00:00Z", Status.MISSED),
    ],
)
def test_a_week_is_missed_72_hours_after_its_sunday(now: str, status: Status) -> None:
    (week,) = judged("W47", [envoy()])
    moment = Moment.of(datetime.fromisoformat(now), SHANGHAI)
    assert status_of(week.verdict, week.opens_on, week.due_on, moment) is status


def test_a_study_meeting_on_the_15th_meets_both_duties() -> None:
    found = judged("W46 11", [envoy()], [visit("11-15", activity="study")])
    assert [(o.duty, o.verdict) for o in found] == [(WEEKLY, Verdict.MET), (STUDY, Verdict.MET)]


def test_sunday_evening_written_in_utc_is_still_that_week() -> None:
    day = local_day(datetime.fromisoformat("2018-11-18T15:30:00Z"), SHANGHAI)
    found = judged("W46 W47", [envoy()], [visit(day.isoformat())])
    assert [o.verdict for o in found] == [Verdict.MET, Verdict.OPEN]
