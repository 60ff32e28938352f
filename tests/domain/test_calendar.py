"""Working days and closures at a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.calendar import DayKind, DayMark
from server.domain.periods import DAY, Window
from server.domain.places import EVERYWHERE
from tests.domain.county import COUNTY, calendar, closed, county, d, is_workday, moved, off, window, work
from tests.domain.effort import effort


@pytest.mark.parametrize(
    ("day", "works"),
    [
        pytest.param("11-15", True, id="a Thursday"),
        pytest.param("11-17", False, id="a Saturday"),
        pytest.param("10-01", False, id="National Day"),
        pytest.param("09-30", True, id="a Sunday worked in exchange"),
    ],
)
def test_without_marks_the_countrys_calendar_holds(day: str, works: bool) -> None:
    assert calendar().works("d1", d(day)) is works


@pytest.mark.parametrize(
    ("marks", "at", "works"),
    [
        pytest.param([off("11-15")], "d1", False, id="off everywhere"),
        pytest.param([off("11-15", "C")], "d1", False, id="off in the county"),
        pytest.param([off("11-15", "T")], "d1", False, id="off in the township, the village lies in it"),
        pytest.param([off("11-15", "T")], "T", False, id="off in the township itself"),
        pytest.param([off("11-15", "T")], "f1", True, id="another township works"),
        pytest.param([off("11-15", "d1")], "D", True, id="a village's mark says nothing of its district"),
        pytest.param([off("11-15", "T"), work("11-15", "D")], "d1", True, id="the district is nearer"),
        pytest.param([off("11-15", "T"), work("11-15", "D")], "e1", False, id="but not for another district"),
        pytest.param([work("11-15", "T"), off("11-15", "d1")], "d1", False, id="the village is nearest"),
        pytest.param([off("11-15"), work("11-15", "C")], "d1", True, id="the county is nearer than everywhere"),
        pytest.param([off("11-14")], "d1", True, id="another day's mark says nothing"),
        pytest.param([closed("11-15")], "d1", True, id="a closed day is a working day"),
        pytest.param([closed("11-15", "d1"), off("11-15", "T")], "d1", False, id="a closure hides no mark"),
        pytest.param([off("11-15")], "nowhere", False, id="everywhere is everywhere"),
    ],
)
def test_the_nearest_places_mark_wins(marks: list[DayMark], at: str, works: bool) -> None:
    assert calendar(*marks).works(at, d("11-15")) is works


def test_a_weekend_can_be_marked_as_worked() -> None:
    assert calendar(work("11-17", "T")).works("d1", d("11-17"))
    assert not calendar(work("11-17", "T")).works("f1", d("11-17"))


@pytest.mark.parametrize(
    ("marks", "at", "is_closed"),
    [
        pytest.param([], "d1", False, id="none"),
        pytest.param([closed("11-15")], "d1", True, id="everywhere"),
        pytest.param([closed("11-15", "C")], "d1", True, id="the county"),
        pytest.param([closed("11-15", "d1")], "d1", True, id="the village"),
        pytest.param([closed("11-15", "d1")], "d2", False, id="another village"),
        pytest.param([closed("11-15", "d1")], "D", False, id="a village does not close its district"),
        pytest.param([closed("11-14", "d1")], "d1", False, id="another day"),
        pytest.param([closed("11-15", "T"), work("11-15", "d1")], "d1", True, id="no nearer mark lifts it"),
        pytest.param([off("11-15")], "d1", False, id="a day off is not closed"),
    ],
)
def test_a_closure_holds_for_all_inside(marks: list[DayMark], at: str, is_closed: bool) -> None:
    assert calendar(*marks).closed(at, d("11-15")) is is_closed


def test_marks_follow_a_place_that_moves() -> None:
    moving = calendar(off("11-14", "D"), off("11-15", "D"), closed("11-15", "E"), tree=county(d2=moved("E", "11-15")))
    assert not moving.works("d2", d("11-14"))
    assert moving.works("d2", d("11-15"))
    assert moving.closed("d2", d("11-15"))
    assert not moving.works("d3", d("11-15"))
    days = moving.working_days("d2", window("W46"))
    assert days == (d("11-12"), d("11-13"), d("11-15"), d("11-16"))


def test_the_weeks_of_villages_with_the_same_marks_are_the_same_and_others_are_not() -> None:
    kept = calendar(off("11-15", "d1"), off("11-16", "T"))
    for _ in range(2):
        assert [len(kept.working_days(at, window("W46"))) for at in ("d1", "d2", "e1", "f1")] == [3, 4, 4, 5]
        assert len(kept.working_days("d1", window("W47"))) == 5
        assert len(kept.working_days("d1", window("11"))) == 20


MARKS = st.lists(
    st.builds(
        DayMark,
        st.integers(0, 13).map(lambda n: d("09-24") + n * DAY),
        st.sampled_from(DayKind),
        st.sampled_from([EVERYWHERE, *(place.code for place in COUNTY)]),
    ),
    max_size=12,
    unique_by=lambda mark: (mark.day, mark.place, mark.kind is DayKind.CLOSED),
)


@effort(60)
@given(MARKS, st.sampled_from(["W39", "W40", "09"]).map(window), st.booleans())
def test_the_working_days_of_a_window_are_those_found_one_by_one(
    marks: list[DayMark], asked: Window, moves: bool
) -> None:
    tree = county(d2=moved("E", "09-27")) if moves else county()
    kept = calendar(*marks, tree=tree)
    on, shut = {(m.place, m.day): m.kind for m in marks if m.kind is not DayKind.CLOSED}, set(marks)
    for place in COUNTY:
        expected = []
        for day in asked.days():
            areas = (*tree.chain(place.code, day), EVERYWHERE)
            told = [on[(area, day)] for area in areas if (area, day) in on]
            if told[0] is DayKind.WORK if told else is_workday(day):
                expected.append(day)
            assert kept.closed(place.code, day) == any(DayMark(day, DayKind.CLOSED, area) in shut for area in areas)
        assert kept.working_days(place.code, asked) == tuple(expected)
