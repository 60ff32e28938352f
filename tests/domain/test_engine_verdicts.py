"""What an obligation comes to: which visits count, and the first status that applies (docs/duties.md, Status)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from server.domain.calendar import DayMark
from server.domain.duties import SHIPPED, DayOff, Duty
from server.domain.engine import Obligation, Reason, Status, Verdict, VisitFact, status_of
from server.domain.periods import Moment
from server.domain.postings import Leave
from tests.domain.county import away, closed, d, envoy, judged, leader, off, secretary, visit, work, world

WEEKLY, STUDY, OFFICE, ROUND, LEADER = SHIPPED
SHANGHAI = ZoneInfo("Asia/Shanghai")
TWICE = replace(WEEKLY, times=2)
KEEP_TWICE = replace(TWICE, day_off=DayOff.KEEP)

MET, PENDING, OPEN = Verdict.MET, Verdict.PENDING, Verdict.OPEN
HOLIDAY, LEAVE, CLOSED, DECISION = Reason.HOLIDAY, Reason.LEAVE, Reason.CLOSED, Reason.DECISION


def week(
    *visits: VisitFact,
    label: str = "W46",
    leaves: Sequence[Leave] = (),
    marks: Sequence[DayMark] = (),
    duty: Duty = WEEKLY,
    excused: bool = False,
) -> Obligation:
    """What the envoy of d2 owes in one window."""
    decided = [(duty.code, "d2", f"2018-{label}")] if excused else []
    (found,) = judged(label, [envoy()], visits, leaves, among=world(marks=marks, duties=[duty]), excused=decided)
    return found


def outcome(found: Obligation) -> Verdict | Reason:
    """The verdict, or for an excused one its reason; no other has one."""
    assert (found.verdict is Verdict.EXCUSED) == (found.reason is not Reason.NONE)
    return found.reason if found.verdict is Verdict.EXCUSED else found.verdict


@pytest.mark.parametrize(
    ("made", "counts"),
    [
        pytest.param(visit("11-14"), True, id="a visit that week"),
        pytest.param(visit("11-12"), True, id="on Monday"),
        pytest.param(visit("11-18"), True, id="on Sunday"),
        pytest.param(visit("11-11"), False, id="the Sunday before"),
        pytest.param(visit("11-19"), False, id="the Monday after"),
        pytest.param(visit("11-14", activity="study"), True, id="a study meeting"),
        pytest.param(visit("11-14", activity="office"), False, id="office is no visit"),
        pytest.param(visit("11-14", activity="other"), False, id="nor is anything else"),
        pytest.param(visit("11-14", at="d3"), False, id="another village"),
        pytest.param(visit("11-14", at="D"), False, id="the district above"),
        pytest.param(visit("11-14", at="nowhere"), False, id="a place nobody knows"),
    ],
)
def test_a_visit_counts_by_its_day_activity_and_place(made: VisitFact, counts: bool) -> None:
    assert week(made).verdict is (MET if counts else OPEN)
    assert week(made).visits == ((made.id,) if counts else ())


@pytest.mark.parametrize(
    ("at", "counts"),
    [("T", True), ("D", True), ("d2", True), ("f1", False), ("U", False), ("C", False)],
)
def test_a_leaders_visit_to_any_place_of_the_township_counts_for_it(at: str, counts: bool) -> None:
    (month,) = judged("11", [leader("T")], [visit("11-14", at)])
    assert (month.verdict is MET) is counts


@pytest.mark.parametrize(("at", "counts"), [("d1", True), ("D", False), ("d2", False)])
def test_office_at_the_districts_own_code_is_not_office_at_its_central_village(at: str, counts: bool) -> None:
    (day,) = judged("W46", [secretary(3)], [visit("11-14", at, "office")], duty=OFFICE.code)
    assert (day.verdict is MET) is counts


def test_office_on_another_day_is_not_office_on_the_day() -> None:
    for day, met in [("11-13", False), ("11-14", True), ("11-15", False)]:
        (found,) = judged("W46", [secretary(3)], [visit(day, "d1", "office")], duty=OFFICE.code)
        assert (found.verdict is MET) is met


def test_an_office_day_counts_on_the_day_it_was_shifted_to() -> None:
    for day, met in [("11-14", False), ("11-15", True)]:
        (found,) = judged(
            "W46", [secretary(3)], [visit(day, "d1", "office")], among=world(marks=[off("11-14")]), duty=OFFICE.code
        )
        assert (found.verdict is MET) is met


def test_a_visit_on_a_day_on_which_the_term_was_not_in_force_does_not_count() -> None:
    until_friday = [envoy("d2", "11-01", "11-16")]
    for day, met in [("11-16", True), ("11-17", False)]:
        (found,) = judged("W46", until_friday, [visit(day)], duty=WEEKLY.code)
        assert (found.verdict is MET) is met


def test_one_visit_counts_for_every_obligation_it_fits() -> None:
    found = judged("W46 11", [envoy("d2"), secretary(3), leader("T")], [visit("11-15", "d2", "study")])
    assert {(o.duty, o.place) for o in found if o.verdict is MET} == {
        (WEEKLY.code, "d2"), (STUDY.code, "d2"), (ROUND.code, "d2")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("confirmed", MET),
        ("review", PENDING),
        ("incomplete", PENDING),
        ("rejected", OPEN),
        ("returned", OPEN),
    ],
)
def test_a_visit_counts_by_its_status(status: str, verdict: Verdict) -> None:
    found = week(visit("11-14", status=status))
    assert found.verdict is verdict
    assert bool(found.visits) is (verdict is MET)
    assert bool(found.awaited) is (verdict is PENDING)


@pytest.mark.parametrize(
    ("photos", "status", "verdict"),
    [
        pytest.param(2, "confirmed", MET, id="as many as asked"),
        pytest.param(3, "confirmed", MET, id="more"),
        pytest.param(1, "confirmed", PENDING, id="fewer: as if under review"),
        pytest.param(0, "confirmed", PENDING, id="none: as if under review"),
        pytest.param(None, "confirmed", MET, id="an imported one is exempt"),
        pytest.param(1, "rejected", OPEN, id="a rejected one stays rejected"),
        pytest.param(2, "review", PENDING, id="one under review stays so"),
    ],
)
def test_a_duty_may_ask_for_photos(photos: int | None, status: str, verdict: Verdict) -> None:
    assert week(visit("11-14", status=status, photos=photos), duty=replace(WEEKLY, min_photos=2)).verdict is verdict


def test_a_duty_that_asks_for_none_takes_a_visit_without() -> None:
    assert week(visit("11-14", photos=0)).verdict is MET


@pytest.mark.parametrize(
    ("visits", "verdict"),
    [
        pytest.param([], OPEN, id="none"),
        pytest.param([visit("11-13")], OPEN, id="one day"),
        pytest.param([visit("11-13"), visit("11-13", activity="study")], OPEN, id="twice on one day"),
        pytest.param([visit("11-13"), visit("11-15")], MET, id="two days"),
        pytest.param([visit("11-13"), visit("11-15", status="review")], PENDING, id="one of them under review"),
        pytest.param([visit("11-13"), visit("11-13", status="review")], OPEN, id="the same day under review"),
        pytest.param([visit("11-13", status="incomplete"), visit("11-15", status="review")], PENDING, id="both wait"),
        pytest.param([visit("11-13"), visit("11-15", status="rejected")], OPEN, id="one of them rejected"),
    ],
)
def test_times_counts_different_days(visits: list[VisitFact], verdict: Verdict) -> None:
    assert week(*visits, duty=TWICE).verdict is verdict


@pytest.mark.parametrize(
    ("duty", "leaves", "marks", "needed"),
    [
        pytest.param(TWICE, [], [], 2, id="all free"),
        pytest.param(TWICE, [away("11-12", "11-14")], [], 2, id="two days free"),
        pytest.param(TWICE, [away("11-12", "11-15")], [], 1, id="one day free"),
        pytest.param(TWICE, [away("11-12", "11-14")], [closed("11-15", "d2")], 1, id="one free, leave and closure"),
        pytest.param(TWICE, [away("11-12", "11-15")], [closed("11-12")], 1, id="a day in both is taken off once"),
        pytest.param(TWICE, [away("11-12", "11-15")], [work("11-17")], 2, id="a Saturday worked is free"),
        pytest.param(TWICE, [], [off(f"11-{n}") for n in (12, 13, 14, 15)], 1, id="one working day"),
        pytest.param(TWICE, [], [closed(f"11-{n}", "d3") for n in (12, 13, 14, 15)], 2, id="closed elsewhere"),
        pytest.param(TWICE, [away("11-12", "11-16")], [], 2, id="none free: as many as ever"),
        pytest.param(KEEP_TWICE, [away("11-12", "11-16")], [], 2, id="a weekend free where every day counts"),
        pytest.param(KEEP_TWICE, [away("11-12", "11-17")], [], 1, id="a Sunday free where every day counts"),
    ],
)
def test_the_number_needed_is_at_most_the_counted_days_left(
    duty: Duty, leaves: list[Leave], marks: list[DayMark], needed: int
) -> None:
    assert week(duty=duty, leaves=leaves, marks=marks).needed == needed
    made = [visit(f"11-{n}") for n in (17, 18)]  # a Saturday and a Sunday: any day of the window will do
    assert week(*made[:needed], duty=duty, leaves=leaves, marks=marks).verdict is MET
    assert week(*made[: needed - 1], duty=duty, leaves=leaves, marks=marks).verdict is not MET


ALL_AWAY = [away("11-12", "11-16")]
SHUT = [closed(f"11-{n}", "D") for n in range(12, 17)]


@pytest.mark.parametrize(
    ("leaves", "marks", "expected"),
    [
        pytest.param(ALL_AWAY, [], LEAVE, id="every working day"),
        pytest.param([away("11-12", "11-15")], [], OPEN, id="all but Friday"),
        pytest.param([away("11-13", "11-16")], [], OPEN, id="all but Monday"),
        pytest.param([away("11-12", "11-13"), away("11-14", "11-16")], [], LEAVE, id="two leaves taken together"),
        pytest.param(
            [away("11-01", "11-14"), away("11-13", "11-30")], [], LEAVE, id="two that overlap, over the edges"
        ),
        pytest.param([away("11-12", "11-13"), away("11-15", "11-16")], [], OPEN, id="with a day between"),
        pytest.param(ALL_AWAY, [work("11-17")], OPEN, id="a Saturday worked is not in it"),
        pytest.param([away("11-12", "11-15")], [off("11-16")], LEAVE, id="the day left is off"),
        pytest.param([away("2018-01-01", "9999-12-31")], [], LEAVE, id="without a foreseeable end"),
        pytest.param([], SHUT, CLOSED, id="closed all week"),
        pytest.param([], SHUT[1:], OPEN, id="closed all but a day"),
        pytest.param([away("11-12")], SHUT[1:], CLOSED, id="leave and closures together"),
        pytest.param(ALL_AWAY, SHUT, LEAVE, id="both: leave is named first"),
        pytest.param([], [closed(f"11-{n}", "E") for n in range(12, 17)], OPEN, id="closed elsewhere"),
        pytest.param([], [*SHUT, work("11-14", "d2")], CLOSED, id="a nearer mark lifts no closure"),
        pytest.param([], [*SHUT[1:], off("11-12")], CLOSED, id="the day left is off"),
        pytest.param([], [off(f"11-{n}") for n in range(12, 17)], HOLIDAY, id="no working day"),
        pytest.param(ALL_AWAY, [off(f"11-{n}") for n in range(12, 17)], HOLIDAY, id="holiday is named before leave"),
    ],
)
def test_a_week_is_excused_with_the_first_reason_that_applies(
    leaves: list[Leave], marks: list[DayMark], expected: Verdict | Reason
) -> None:
    assert outcome(week(leaves=leaves, marks=marks)) is expected
    assert outcome(week(visit("11-17"), leaves=leaves, marks=marks)) is MET, "a visit on such days still counts"
    assert outcome(week(visit("11-17", status="review"), leaves=leaves, marks=marks)) is (
        PENDING if expected is OPEN else expected
    )


def test_with_no_day_left_as_many_different_days_as_ever_meet_it() -> None:
    assert outcome(week(visit("11-14"), duty=TWICE, leaves=ALL_AWAY)) is LEAVE
    assert outcome(week(visit("11-14"), visit("11-17"), duty=TWICE, leaves=ALL_AWAY)) is MET
    assert outcome(week(visit("10-03"), label="W40", duty=TWICE)) is HOLIDAY
    assert outcome(week(visit("10-03"), visit("10-07"), label="W40", duty=TWICE)) is MET


FIFTEENTH = {kind: replace(STUDY, day_off=kind) for kind in DayOff}


@pytest.mark.parametrize(
    ("day_off", "label", "leaves", "marks", "expected"),
    [
        pytest.param(DayOff.KEEP, "11", [], [], OPEN, id="nothing done"),
        pytest.param(DayOff.KEEP, "09", [], [], OPEN, id="kept on a Saturday"),
        pytest.param(DayOff.KEEP, "11", [], [off("11-15")], OPEN, id="kept on a day off"),
        pytest.param(DayOff.KEEP, "11", [away("11-15")], [], LEAVE, id="on leave that day"),
        pytest.param(DayOff.KEEP, "11", [away("11-14"), away("11-16", "11-20")], [], OPEN, id="leave around it"),
        pytest.param(DayOff.KEEP, "11", [], [closed("11-15", "d2")], CLOSED, id="closed that day"),
        pytest.param(DayOff.KEEP, "11", [], [closed("11-14")], OPEN, id="closed the day before"),
        pytest.param(DayOff.KEEP, "11", [away("11-15")], [closed("11-15")], LEAVE, id="leave before closure"),
        pytest.param(DayOff.SKIP, "09", [], [], HOLIDAY, id="skipped on a Saturday"),
        pytest.param(DayOff.SKIP, "11", [], [], OPEN, id="a working day is not skipped"),
        pytest.param(DayOff.SKIP, "11", [], [off("11-15")], HOLIDAY, id="skipped on a day off"),
        pytest.param(DayOff.SKIP, "11", [away("11-15")], [off("11-15")], HOLIDAY, id="a day off before leave"),
        pytest.param(DayOff.SHIFT, "09", [], [], OPEN, id="shifted to Monday 17"),
        pytest.param(DayOff.SHIFT, "09", [away("09-15")], [], OPEN, id="leave on the day it left"),
        pytest.param(DayOff.SHIFT, "09", [away("09-17")], [], LEAVE, id="leave on the day it is owed on"),
        pytest.param(DayOff.SHIFT, "09", [], [closed("09-17")], CLOSED, id="closed on the day it is owed on"),
        pytest.param(DayOff.SHIFT, "09", [], [closed("09-15")], OPEN, id="closed on the day it left"),
    ],
)
def test_a_fixed_day_is_excused_by_the_day_it_is_owed_on(
    day_off: DayOff, label: str, leaves: list[Leave], marks: list[DayMark], expected: Verdict | Reason
) -> None:
    found = week(label=label, leaves=leaves, marks=marks, duty=FIFTEENTH[day_off])
    assert outcome(found) is expected
    there = replace(visit("11-15", activity="study"), day=found.due_on)
    assert outcome(week(there, label=label, leaves=leaves, marks=marks, duty=FIFTEENTH[day_off])) is MET


def test_with_nothing_to_shift_to_a_fixed_day_is_a_holiday_on_its_day() -> None:
    marks = [off("11-14"), off("11-15"), off("11-16")]
    (day,) = judged("W46", [secretary(3)], among=world(marks=marks), duty=OFFICE.code)
    assert (outcome(day), day.due_on) == (HOLIDAY, d("11-14"))
    (met,) = judged("W46", [secretary(3)], [visit("11-14", "d1", "office")], among=world(marks=marks), duty=OFFICE.code)
    assert outcome(met) is MET


@pytest.mark.parametrize(
    ("visits", "leaves", "expected"),
    [
        pytest.param([], [], DECISION, id="nothing done"),
        pytest.param([visit("11-14", status="review")], [], DECISION, id="before pending"),
        pytest.param([visit("11-14")], [], MET, id="after met"),
        pytest.param([], ALL_AWAY, LEAVE, id="after leave"),
    ],
)
def test_a_supervisors_decision_is_the_last_reason(
    visits: list[VisitFact], leaves: list[Leave], expected: Verdict | Reason
) -> None:
    assert outcome(week(*visits, leaves=leaves, excused=True)) is expected


@pytest.mark.parametrize(
    "other",
    [
        (STUDY.code, "d2", "2018-W46"),
        (WEEKLY.code, "d3", "2018-W46"),
        (WEEKLY.code, "d2", "2018-W47"),
    ],
)
def test_a_decision_excuses_nothing_else(other: tuple[str, str, str]) -> None:
    (found,) = judged("W46", [envoy()], duty=WEEKLY.code, excused=[other])
    assert outcome(found) is OPEN


def test_visits_are_named_in_order_and_those_that_wait_apart() -> None:
    visits = [visit("11-16"), visit("11-14", status="review"), visit("11-13"), visit("11-12", status="incomplete")]
    found = week(*visits)
    assert found.visits == (visits[2].id, visits[0].id)
    assert found.awaited == (visits[3].id, visits[1].id)
    assert (found.needed, found.done) == (1, 2)


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2018-11-11T23:59:59+08:00", Status.UPCOMING),
        ("2018-11-12T00:00:00+08:00", Status.DUE),
        ("2018-11-18T23:59:59.999999+08:00", Status.DUE),
        ("2018-11-19T00:00:00+08:00", Status.GRACE),
        ("2018-11-21T23:59:59.999999+08:00", Status.GRACE),
        ("2018-11-22T00:00:00+08:00", Status.MISSED),
        ("2018-11-21T16:00:00+00:00", Status.MISSED),
        ("2030-01-01T00:00:00+00:00", Status.MISSED),
    ],
)
def test_the_clock_places_an_open_week_and_nothing_else(now: str, status: Status) -> None:
    moment = Moment.of(datetime.fromisoformat(now), SHANGHAI)
    assert status_of(Verdict.OPEN, d("11-12"), d("11-18"), moment) is status
    for verdict in (Verdict.MET, Verdict.EXCUSED, Verdict.PENDING):
        assert status_of(verdict, d("11-12"), d("11-18"), moment).value == verdict.value


def test_a_clock_change_does_not_shorten_the_hours_of_grace() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for now, status in [("2018-03-28T00:59:59+02:00", Status.GRACE), ("2018-03-28T01:00:00+02:00", Status.MISSED)]:
        moment = Moment.of(datetime.fromisoformat(now), berlin)
        assert status_of(Verdict.OPEN, d("03-24"), d("03-24"), moment) is status
