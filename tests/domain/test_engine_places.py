"""Obligations among places that move, end, change their centre or begin service later."""

from dataclasses import replace

import pytest

from server.domain.duties import SHIPPED, DayOff, Fixed
from server.domain.engine import Verdict
from server.domain.places import Level, Tree
from tests.domain.county import (
    COUNTY,
    centred,
    county,
    d,
    ended,
    envoy,
    judged,
    leader,
    moved,
    new_from,
    off,
    place,
    secretary,
    serving,
    visit,
    work,
    world,
)  # fmt: skip

WEEKLY, STUDY, OFFICE, ROUND, LEADER = SHIPPED


def rounds(tree: Tree, *postings: object, label: str = "11", marks: tuple = ()) -> list[str]:  # type: ignore[type-arg]
    found = judged(label, postings or [secretary()], among=world(tree, marks), duty=ROUND.code)  # type: ignore[arg-type]
    return [o.place for o in found]


@pytest.mark.parametrize(
    ("since", "in_d", "in_e"),
    [
        pytest.param("11-01", ["d1", "d3"], ["d2", "e1", "e2"], id="on the first day"),
        pytest.param("11-15", ["d1", "d3"], ["d2", "e1", "e2"], id="mid-month"),
        pytest.param("11-30", ["d1", "d3"], ["d2", "e1", "e2"], id="on Friday 30, the last counted day"),
        pytest.param("12-01", ["d1", "d2", "d3"], ["e1", "e2"], id="after it"),
    ],
)
def test_a_village_that_moves_is_owed_by_the_district_it_lies_in_on_the_last_counted_day(
    since: str, in_d: list[str], in_e: list[str]
) -> None:
    tree = county(d2=moved("E", since))
    assert rounds(tree) == in_d
    assert rounds(tree, secretary(at="E")) == in_e


def test_a_village_that_moves_after_the_last_working_day_is_owed_where_it_was() -> None:
    tree = county(d2=moved("E", "12-01"), d3=moved("E", "09-30"))
    assert rounds(tree) == ["d1", "d2"]
    # September 2018 ends on a Sunday worked in exchange; marked off, Saturday 29 is the last counted day.
    assert rounds(tree, label="09") == ["d1", "d2"]
    assert rounds(tree, label="09", marks=(off("09-30"),)) == ["d1", "d2", "d3"]


def test_the_villages_own_calendar_says_which_day_is_its_last_counted_one() -> None:
    tree = county(d2=moved("E", "11-30"), d3=moved("E", "11-30"))
    assert rounds(tree, marks=(off("11-30", "d2"),)) == ["d1", "d2"]


def test_a_village_that_was_there_on_the_last_counted_day_alone_is_owed() -> None:
    tree = county(e1=lambda place: moved("E", "09-30")(moved("D", "09-20")(place)))
    assert rounds(tree, label="09", marks=(off("09-30"),)) == ["d1", "d2", "d3", "e1"]
    assert rounds(tree, secretary(at="E"), label="09", marks=(off("09-30"),)) == ["e2"]


def test_a_village_that_comes_and_goes_within_the_month_is_owed_where_it_ends_up() -> None:
    tree = county(d2=lambda place: moved("D", "11-20")(moved("E", "11-10")(place)))
    assert rounds(tree) == ["d1", "d2", "d3"]
    assert rounds(tree, secretary(at="E")) == ["e1", "e2"]


@pytest.mark.parametrize(
    ("on", "is_owed"),
    [("11-30", False), ("11-10", False), ("10-01", False), ("12-01", True)],
)
def test_an_ended_village_is_not_owed_by_anybody(on: str, is_owed: bool) -> None:
    among = world(county(d2=ended(on)))
    assert [o.place for o in judged("11", [secretary()], among=among, duty=ROUND.code)] == (
        ["d1", "d2", "d3"] if is_owed else ["d1", "d3"]
    )
    study = judged("11", [envoy()], among=among, duty=STUDY.code)
    assert bool(study) is (on > "11-15")
    assert bool(judged("W48", [envoy()], among=among, duty=WEEKLY.code)) is is_owed


def test_a_new_village_is_owed_from_its_first_month() -> None:
    tree = county(d2=new_from("11-10"))
    assert rounds(tree, label="10") == ["d1", "d3"]
    assert rounds(tree) == ["d1", "d2", "d3"]


def test_villages_lie_in_a_district_at_any_depth() -> None:
    tree = Tree([*COUNTY, place("d2-hamlet", Level.VILLAGE, "d2")])
    assert rounds(tree) == ["d1", "d2", "d2-hamlet", "d3"]


def test_a_posting_to_a_place_that_is_not_there_owes_nothing() -> None:
    assert judged("W46 11", [envoy("nowhere"), secretary(at="nowhere")]) == []


def test_the_office_day_follows_the_central_village() -> None:
    among = world(county(D=centred("d3", "11-19")))
    found = judged("W46 W47", [secretary(3)], among=among, duty=OFFICE.code)
    assert [o.place for o in found] == ["d1", "d3"]


@pytest.mark.parametrize(
    ("since", "village"),
    [("11-13", "d3"), ("11-14", "d3"), ("11-15", "d1")],
)
def test_the_central_village_is_that_of_the_day_itself(since: str, village: str) -> None:
    among = world(county(D=centred("d3", since)))
    assert [o.place for o in judged("W46", [secretary(3)], among=among, duty=OFFICE.code)] == [village]


def test_the_central_village_of_a_shifted_day_is_that_of_the_day_it_is_shifted_to() -> None:
    among = world(county(D=centred("d3", "11-15")), marks=[off("11-14")])
    (day,) = judged("W46", [secretary(3)], among=among, duty=OFFICE.code)
    assert (day.place, day.due_on) == ("d3", d("11-15"))


def test_a_village_is_owed_on_a_shifted_day_where_it_lies_on_that_day() -> None:
    wednesdays = replace(ROUND, every="week", fixed=Fixed.WEEKDAY, number=3, day_off=DayOff.SHIFT)
    among = world(county(d2=moved("E", "11-15"), e1=moved("D", "11-15")), marks=[off("11-14")], duties=[wednesdays])
    assert [o.place for o in judged("W46", [secretary()], among=among)] == ["d1", "d3", "e1"]


def test_a_district_without_a_central_village_owes_no_office_day() -> None:
    among = world(county(D=centred(None, "11-12")))
    assert [o.window for o in judged("W45 W46", [secretary(3)], among=among, duty=OFFICE.code)] == ["2018-W45"]


def test_an_ended_or_unknown_central_village_owes_no_office_day() -> None:
    for tree in (county(d1=ended("11-14")), county(D=centred("nowhere", "11-01"))):
        assert judged("W46", [secretary(3)], among=world(tree), duty=OFFICE.code) == []


def test_a_visit_counts_where_the_village_lay_on_the_day_of_the_visit() -> None:
    among = world(county(D=moved("U", "11-10")))
    for day, met in [("11-09", True), ("11-10", False)]:
        (month,) = judged("11", [leader("T")], [visit(day, "d2")], among=among)
        assert (month.verdict is Verdict.MET) is met


def test_the_path_says_where_the_target_lay_on_the_last_counted_day() -> None:
    among = world(county(d2=moved("E", "11-16"), e2=moved("D", "11-17")))
    for at, path in [("d2", "/C/T/E/d2/"), ("e2", "/C/T/E/e2/")]:
        (week,) = judged("W46", [envoy(at)], among=among)
        assert week.path == path
    (day,) = judged("11", [envoy("d2")], among=among, duty=STUDY.code)
    assert day.path == "/C/T/D/d2/"


class TestService:
    """Windows that begin before the first day of service are not owed."""

    @pytest.mark.parametrize(
        ("since", "labels"),
        [
            pytest.param("11-12", "2018-W46 2018-W47 2018-12", id="a Monday"),
            pytest.param("11-13", "2018-W47 2018-12", id="a Tuesday"),
            pytest.param("11-01", "2018-W45 2018-W46 2018-W47 2018-11 2018-12", id="the first of the month"),
            pytest.param(None, "2018-W44 2018-W45 2018-W46 2018-W47 2018-10 2018-11 2018-12", id="none"),
        ],
    )
    def test_of_the_county(self, since: str | None, labels: str) -> None:
        found = judged("W44 W45 W46 W47 10 11 12", [envoy()], among=world(service_from=since))
        assert [o.window for o in found] == labels.split()

    @pytest.mark.parametrize(
        ("own", "everybodys", "owed"),
        [
            pytest.param("11-19", None, False, id="a township's own"),
            pytest.param("11-12", "11-19", True, id="a township before the others"),
            pytest.param("11-19", "11-12", False, id="a township after the others"),
        ],
    )
    def test_of_a_township(self, own: str, everybodys: str | None, owed: bool) -> None:
        among = world(county(T=serving(own)), service_from=everybodys)
        assert bool(judged("W46", [envoy("d2")], among=among)) is owed
        assert bool(judged("W46", [envoy("f1")], among=among)) is (everybodys != "11-19")
        assert bool(judged("W46", [secretary(3)], among=among)) is owed

    def test_a_study_day_after_it_in_a_month_that_began_before_is_not_owed(self) -> None:
        assert judged("11", [envoy()], among=world(service_from="11-05")) == []

    def test_of_the_township_the_village_lies_in_on_the_last_counted_day(self) -> None:
        tree = county(T=serving("12-01"), d2=moved("F", "11-15"), f1=moved("D", "11-15"))
        assert judged("W46", [envoy("d2")], among=world(tree)) != []
        assert judged("W46", [envoy("f1")], among=world(tree)) == []


def test_a_weekend_worked_in_one_township_only_is_its_own() -> None:
    among = world(marks=[work("11-17", "T")])
    assert judged("W46", [envoy("d2", "11-12", "11-16")], among=among) == []
    assert judged("W46", [envoy("f1", "11-12", "11-16")], among=among) != []
