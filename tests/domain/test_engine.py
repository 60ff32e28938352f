"""Which obligations exist: who owes what, where and on which days (docs/duties.md, When an obligation exists)."""

from dataclasses import replace
from typing import ClassVar

import pytest

from server.domain.calendar import DayMark
from server.domain.duties import SHIPPED, DayOff, Duty, Fixed, Target, ended
from server.domain.engine import Verdict
from server.domain.postings import Posting
from tests.domain.county import (
    away,
    closed,
    d,
    envoy,
    judged,
    leader,
    off,
    posting,
    secretary,
    visit,
    window,
    work,
    world,
)  # fmt: skip

WEEKLY, STUDY, OFFICE, ROUND, LEADER = SHIPPED


def owed(labels: str, *postings: Posting, duty: Duty | None = None, marks: tuple[DayMark, ...] = ()) -> list[str]:
    """Each obligation as its place and its days, `d2 11-12..11-18`."""
    among = world(marks=marks, duties=[duty] if duty else SHIPPED)
    return [f"{o.place} {o.opens_on:%m-%d}..{o.due_on:%m-%d}" for o in judged(labels, postings, among=among)]


def test_each_role_owes_its_duties() -> None:
    held = [envoy("d2"), secretary(3), leader("T"), posting("first-secretary", "d2", "01-01")]
    assert {(o.duty, o.place, o.window) for o in judged("W46 11", held)} == {
        ("envoy-weekly-visit", "d2", "2018-W46"),
        ("envoy-study-day", "d2", "2018-11"),
        ("secretary-office-day", "d1", "2018-W46"),
        *(("secretary-monthly-round", village, "2018-11") for village in ("d1", "d2", "d3")),
        ("leader-monthly-day", "T", "2018-11"),
    }


def test_a_person_without_a_posting_owes_nothing() -> None:
    assert judged("W46 11", [], [visit("11-14")]) == []


def test_one_envoy_may_hold_several_villages_one_visit_each() -> None:
    both = judged("W46", [envoy("d2"), envoy("d3")], [visit("11-14", "d2")])
    assert [(o.place, o.verdict) for o in both] == [("d2", Verdict.MET), ("d3", Verdict.OPEN)]


@pytest.mark.parametrize(
    ("start", "end", "is_owed"),
    [
        pytest.param("11-12", None, True, id="from Monday"),
        pytest.param("11-13", None, False, id="from Tuesday"),
        pytest.param("11-01", "11-16", True, id="until Friday, the last working day"),
        pytest.param("11-01", "11-15", False, id="until Thursday"),
        pytest.param("11-12", "11-16", True, id="from the first to the last working day"),
        pytest.param("11-19", None, False, id="from the week after"),
        pytest.param("11-01", "11-11", False, id="until the week before"),
    ],
)
def test_a_week_is_owed_by_who_is_in_force_on_its_first_and_last_working_day(
    start: str, end: str | None, is_owed: bool
) -> None:
    assert owed("W46", envoy("d2", start, end), duty=WEEKLY) == ["d2 11-12..11-18"] * is_owed


@pytest.mark.parametrize(
    ("marks", "start", "end", "is_owed"),
    [
        pytest.param([off("11-12")], "11-13", None, True, id="Monday off, from Tuesday"),
        pytest.param([off("11-12", "e1")], "11-13", None, False, id="Monday off elsewhere"),
        pytest.param([work("11-11"), work("11-17")], "11-12", "11-16", False, id="Saturday worked, until Friday"),
        pytest.param([work("11-17")], "11-12", "11-17", True, id="Saturday worked, until Saturday"),
        pytest.param([closed("11-12")], "11-13", None, False, id="a closed Monday is still counted"),
    ],
)
def test_the_counted_days_are_those_worked_at_the_target(
    marks: list[DayMark], start: str, end: str | None, is_owed: bool
) -> None:
    assert owed("W46", envoy("d2", start, end), duty=WEEKLY, marks=tuple(marks)) == ["d2 11-12..11-18"] * is_owed


@pytest.mark.parametrize(
    ("start", "end", "is_owed"),
    [
        pytest.param("10-01", "10-07", True, id="all of it"),
        pytest.param("10-02", None, False, id="not its Monday"),
        pytest.param("09-01", "10-06", False, id="not its Sunday"),
    ],
)
def test_a_window_without_a_working_day_is_owed_by_who_is_in_force_on_its_first_and_last_day(
    start: str, end: str | None, is_owed: bool
) -> None:
    assert owed("W40", envoy("d2", start, end), duty=WEEKLY) == ["d2 10-01..10-07"] * is_owed


def test_keep_counts_every_day_of_the_window() -> None:
    every_day = replace(WEEKLY, day_off=DayOff.KEEP)
    assert owed("W46", envoy("d2", "11-12", "11-18"), duty=every_day)
    assert not owed("W46", envoy("d2", "11-12", "11-17"), duty=every_day)
    assert owed("W40", envoy("d2", "10-01", "10-07"), duty=every_day)


@pytest.mark.parametrize(
    ("day_off", "label", "number", "days"),
    [
        pytest.param(DayOff.KEEP, "09", 15, "09-15", id="keep stays on a Saturday"),
        pytest.param(DayOff.SKIP, "09", 15, "09-15", id="skip stays on a Saturday, excused"),
        pytest.param(DayOff.SHIFT, "09", 15, "09-17", id="shift goes on to Monday"),
        pytest.param(DayOff.SHIFT, "09", 29, "09-29", id="a Saturday worked in exchange needs no shift"),
        pytest.param(DayOff.SHIFT, "10", 1, "10-08", id="over the whole of National Day"),
        pytest.param(DayOff.SHIFT, "11", 15, "11-15", id="a working day needs no shift"),
        pytest.param(DayOff.SHIFT, "03", 31, "03-31", id="no later working day in the month"),
        pytest.param(DayOff.SHIFT, "09", 31, None, id="September has no 31st"),
        pytest.param(DayOff.KEEP, "02", 29, None, id="nor February a 29th"),
        pytest.param(DayOff.KEEP, "2024-02", 29, "02-29", id="but in a leap year"),
        pytest.param(DayOff.KEEP, "11", 30, "11-30", id="the last day of the month"),
    ],
)
def test_a_fixed_day_is_kept_skipped_or_shifted(day_off: DayOff, label: str, number: int, days: str | None) -> None:
    duty = replace(STUDY, day_off=day_off, number=number)
    assert owed(label, envoy("d2"), duty=duty) == ([f"d2 {days}..{days}"] if days else [])


@pytest.mark.parametrize(
    ("marks", "day"),
    [
        pytest.param([], "11-14", id="no mark"),
        pytest.param([off("11-14")], "11-15", id="off everywhere"),
        pytest.param([off("11-14", "d1")], "11-15", id="off in the central village"),
        pytest.param([off("11-14", "d2")], "11-14", id="off in another village of the district"),
        pytest.param([off("11-14", "D"), work("11-14", "d1")], "11-14", id="the nearest mark works"),
        pytest.param([off("11-14"), off("11-15")], "11-16", id="two days off"),
        pytest.param([off("11-14"), off("11-15"), off("11-16")], "11-14", id="no day left: it stays"),
        pytest.param([off("11-14"), off("11-15"), off("11-16"), work("11-18")], "11-18", id="a Sunday worked"),
        pytest.param([closed("11-14")], "11-14", id="a closure shifts nothing"),
        pytest.param([off("11-14"), closed("11-15")], "11-15", id="it may shift to a closed day"),
    ],
)
def test_the_calendar_of_the_central_village_shifts_an_office_day(marks: list[DayMark], day: str) -> None:
    assert owed("W46", secretary(3), duty=OFFICE, marks=tuple(marks)) == [f"d1 {day}..{day}"]


def test_leave_shifts_nothing() -> None:
    (day,) = judged("W46", [secretary(3)], leaves=[away("11-14")], duty=OFFICE.code)
    assert (day.opens_on, day.due_on) == (d("11-14"), d("11-14"))


@pytest.mark.parametrize(
    ("start", "end", "marks", "is_owed"),
    [
        pytest.param("11-15", "11-15", (), True, id="posted for the day alone"),
        pytest.param("11-16", None, (), False, id="posted the day after"),
        pytest.param("11-01", "11-14", (), False, id="until the day before"),
        pytest.param("11-16", None, (off("11-15"),), True, id="posted when it has been shifted to"),
        pytest.param("11-01", "11-15", (off("11-15"),), False, id="gone when it has been shifted"),
    ],
)
def test_a_fixed_day_is_owed_by_who_is_in_force_on_it_after_shifting(
    start: str, end: str | None, marks: tuple[DayMark, ...], is_owed: bool
) -> None:
    shifting = replace(STUDY, day_off=DayOff.SHIFT)
    assert bool(owed("11", envoy("d2", start, end), duty=shifting, marks=marks)) is is_owed


@pytest.mark.parametrize(("start", "end"), [("11-30", None), ("11-30", "11-30"), ("01-01", "11-30")])
def test_the_last_day_of_a_month_is_owed_by_who_is_in_force_on_it(start: str, end: str | None) -> None:
    assert owed("11", envoy("d2", start, end), duty=replace(STUDY, number=30)) == ["d2 11-30..11-30"]


@pytest.mark.parametrize(("start", "end"), [("01-01", "11-01"), ("11-01", "11-01"), ("11-01", None)])
def test_the_first_day_of_a_month_is_owed_by_who_is_in_force_on_it(start: str, end: str | None) -> None:
    assert owed("11", envoy("d2", start, end), duty=replace(STUDY, number=1)) == ["d2 11-01..11-01"]


def test_a_duty_may_be_fixed_on_a_weekday() -> None:
    sunday = replace(WEEKLY, fixed=Fixed.WEEKDAY, number=7, day_off=DayOff.KEEP)
    assert owed("W46", envoy("d2"), duty=sunday) == ["d2 11-18..11-18"]
    assert owed("W46", envoy("d2"), duty=replace(sunday, number=1)) == ["d2 11-12..11-12"]


def test_each_village_may_be_owed_on_its_own_shifted_day() -> None:
    mondays = replace(ROUND, every="week", fixed=Fixed.WEEKDAY, number=1, day_off=DayOff.SHIFT)
    marks = (off("11-12", "d2"), off("11-12", "d3"), off("11-13", "d3"))
    assert owed("W46", secretary(), duty=mondays, marks=marks) == [
        "d1 11-12..11-12", "d2 11-13..11-13", "d3 11-14..11-14"
    ]  # fmt: skip


def test_a_secretary_without_an_office_weekday_owes_the_round_alone() -> None:
    assert {o.duty for o in judged("W46 11", [secretary(None)])} == {"secretary-monthly-round"}


class TestTerms:
    """Obligations belong to the term, not to the posting."""

    CHANGED = (secretary(3, "09-01", "11-18"), secretary(5, "11-19"))

    def test_a_secretary_whose_weekday_changes_owes_the_month_as_a_whole(self) -> None:
        changed_mid_month = (secretary(3, "09-01", "10-17"), secretary(4, "10-18"))
        assert owed("10", *changed_mid_month, duty=ROUND) == [f"{v} 10-01..10-31" for v in ("d1", "d2", "d3")]

    def test_the_weekday_changes_with_the_week(self) -> None:
        assert owed("W46 W47", *self.CHANGED, duty=OFFICE) == ["d1 11-14..11-14", "d1 11-23..11-23"]

    def test_the_posting_of_monday_decides_the_weekday_also_when_another_holds_on_it(self) -> None:
        changed_on_tuesday = (secretary(3, "09-01", "11-19"), secretary(5, "11-20"))
        assert owed("W47 W48", *changed_on_tuesday, duty=OFFICE) == ["d1 11-21..11-21", "d1 11-30..11-30"]

    def test_a_visit_under_the_next_posting_counts_for_the_term(self) -> None:
        (met,) = judged(
            "W47", [secretary(3, "09-01", "11-19"), secretary(5, "11-20")], [visit("11-21", "d1", "office")],
            duty=OFFICE.code,
        )  # fmt: skip
        assert met.verdict is Verdict.MET

    def test_a_gap_of_a_day_makes_two_terms_and_neither_owes_the_month(self) -> None:
        assert owed("11", secretary(3, "09-01", "11-14"), secretary(3, "11-16"), duty=ROUND) == []

    def test_a_gap_of_a_day_leaves_the_week_to_nobody_but_a_fixed_day_to_who_is_there(self) -> None:
        both = (envoy("d2", "09-01", "11-14"), envoy("d2", "11-16"))
        assert owed("W46", *both, duty=WEEKLY) == []
        assert owed("W46", *both, duty=replace(WEEKLY, fixed=Fixed.WEEKDAY, number=3)) == ["d2 11-14..11-14"]

    def test_two_terms_owe_the_same_window_twice_each_for_itself(self) -> None:
        # Of an any-day duty no two terms at one place can both cover the first and the last counted day; of an office
        # day each has its own.
        first, second = secretary(1, "11-01", "11-12"), secretary(4, "11-14")
        both = judged("W46", [second, first], [visit("11-15", "d1", "office")], duty=OFFICE.code)
        assert [(o.place, o.window, o.turn, o.due_on, o.verdict) for o in both] == [
            ("d1", "2018-W46", 0, d("11-12"), Verdict.OPEN),
            ("d1", "2018-W46", 1, d("11-15"), Verdict.MET),
        ]

    def test_turns_are_counted_for_each_target_and_window(self) -> None:
        held = [secretary(1, "11-01", "11-12"), secretary(4, "11-14"), secretary(3, "01-01", at="E")]
        assert [(o.place, o.window, o.turn) for o in judged("W45 W46", held, duty=OFFICE.code)] == [
            ("d1", "2018-W45", 0), ("e1", "2018-W45", 0),
            ("d1", "2018-W46", 0), ("d1", "2018-W46", 1), ("e1", "2018-W46", 0),
        ]  # fmt: skip

    def test_an_excuse_is_for_all_that_is_owed_there_in_the_window(self) -> None:
        held = [secretary(1, "11-01", "11-12"), secretary(4, "11-14")]
        both = judged("W46 W47", held, duty=OFFICE.code, excused=[(OFFICE.code, "d1", "2018-W46")])
        assert [o.verdict for o in both] == [Verdict.EXCUSED, Verdict.EXCUSED, Verdict.OPEN]


class TestMovedDays:
    """A fixed day moved for a place holds for everything inside it."""

    MOVED: ClassVar = {(STUDY.code, "2018-11"): {"T": d("11-16"), "E": d("11-17")}}

    def test_the_nearest_place_s_day_holds(self) -> None:
        among = world(moved_days=self.MOVED)
        held = [envoy("d2"), envoy("e1"), envoy("f1")]
        assert [(o.place, o.due_on) for o in judged("11", held, duty=STUDY.code, among=among)] == [
            ("d2", d("11-16")), ("e1", d("11-17")), ("f1", d("11-15")),
        ]  # fmt: skip

    def test_visits_of_the_old_day_no_longer_count_and_those_of_the_new_do(self) -> None:
        seen = [visit("11-15", activity="study"), visit("11-16", activity="study")]
        among = world(moved_days=self.MOVED)
        (found,) = judged("11", [envoy()], seen, duty=STUDY.code, among=among)
        assert (found.verdict, found.visits) == (Verdict.MET, (seen[1].id,))

    def test_a_moved_day_that_is_a_day_off_shifts_on_as_the_fixed_day_would(self) -> None:
        among = world(moved_days={(OFFICE.code, "2018-W46"): {"D": d("11-15")}}, marks=[off("11-15", "T")])
        (found,) = judged("W46", [secretary(3)], duty=OFFICE.code, among=among)
        assert found.due_on == d("11-16")

    def test_other_months_and_duties_stay(self) -> None:
        among = world(moved_days=self.MOVED)
        assert [o.due_on for o in judged("10 12", [envoy()], duty=STUDY.code, among=among)] == [d("10-15"), d("12-15")]


class TestVersions:
    """Each window is judged by one version of a duty."""

    def test_the_past_stays_judged_by_the_rule_of_its_time(self) -> None:
        twice = replace(WEEKLY, times=2, since=d("11-14"))
        among = world(duties=[WEEKLY, twice])
        seen = [visit("11-13"), visit("11-20")]
        assert [(o.window, o.needed, o.verdict) for o in judged("W46 W47", [envoy()], seen, among=among)] == [
            ("2018-W46", 1, Verdict.MET),
            ("2018-W47", 2, Verdict.OPEN),
        ]

    def test_a_duty_changed_from_week_to_month_leaves_the_days_between_to_nobody(self) -> None:
        among = world(duties=[WEEKLY, replace(WEEKLY, every="month", since=d("11-14"))])
        found = judged("W45 W46 W47 W48 W49 10 11 12", [envoy()], among=among)
        assert [o.window for o in found] == ["2018-W45", "2018-W46", "2018-12"]

    def test_an_ended_duty_is_not_owed_from_the_first_window_after_its_end(self) -> None:
        among = world(duties=[WEEKLY, ended(WEEKLY, d("11-14"))])
        assert [o.window for o in judged("W45 W46 W47", [envoy()], among=among)] == ["2018-W45", "2018-W46"]

    def test_a_county_adds_a_duty_as_data(self) -> None:
        twenty_days = Duty(
            "first-secretary-days", "first-secretary", frozenset({"visit", "study"}), Target.POSTING, "month", times=20
        )
        held = [posting("first-secretary", "d2", "01-01")]
        seen = [visit(f"11-{n:02d}") for n in range(1, 21)]
        for visits, verdict in [(seen, Verdict.MET), (seen[:19], Verdict.OPEN)]:
            (month,) = judged("11", held, visits, among=world(duties=[*SHIPPED, twenty_days]))
            assert (month.duty, month.needed, month.done, month.verdict) == (
                "first-secretary-days", 20, len(visits), verdict
            )  # fmt: skip


def test_the_answer_comes_in_order_of_window_duty_place_and_turn() -> None:
    held = [leader("U"), leader("T"), secretary(2, at="E"), secretary(3), envoy("d3"), envoy("d2")]
    found = judged("11 W46 10", held)
    order = {label: n for n, label in enumerate(["2018-11", "2018-W46", "2018-10"])}
    keys = [(order[o.window], o.duty, o.place, o.turn) for o in found]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys) == 2 + 5 + 2 + 2 + 2 + 2 + 5 + 2


def test_a_weeks_obligation_in_january_has_the_label_of_its_iso_year() -> None:
    (week,) = judged("2019-W01", [envoy()])
    assert (week.window, week.opens_on) == ("2019-W01", d("2018-12-31"))
    assert window("2019-W01").label == "2019-W01"
