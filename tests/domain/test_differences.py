"""Two registers of places, and what rests on where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain.differences import FOREVER, Difference, concerned, differences
from server.domain.engine import Obligation, judge
from server.domain.places import BEGINNING, Place, Tree
from tests.domain.county import Change, centred, county, d, ended, moved, new_from, serving
from tests.domain.effort import effort
from tests.domain.random_worlds import WINDOWS, Case, cases, places, some_day, world_of


def between(old: Tree, new: Tree) -> dict[str, list[tuple[date, date]]]:
    return concerned(differences(old, new), old, new)


def shown(found: Sequence[Difference]) -> dict[str, tuple[date, date]]:
    return {one.place: (one.first, one.last) for one in found}


def spotted(latitude: float, since: str = "11-10") -> Change:
    return lambda place: replace(
        place, standings=(*place.standings, replace(place.standings[-1], since=d(since), points=((latitude, 117.0),)))
    )


def test_the_same_register_does_not_differ() -> None:
    assert differences(county(), county()) == []


def test_another_name_makes_no_difference_to_what_is_owed() -> None:
    assert between(county(), county(d2=lambda place: replace(place, name="another"))) == {}


def test_a_village_that_moves_concerns_both_districts_and_what_is_around_them_from_that_day_on() -> None:
    span = [(d("11-10"), FOREVER)]
    assert between(county(), county(d2=moved("E", "11-10"))) == dict.fromkeys(("d2", "D", "E", "T", "C"), span)


def test_a_district_that_moves_takes_its_villages_along() -> None:
    found = differences(county(), county(D=moved("U", "11-10")))
    assert shown(found) == {code: (d("11-10"), FOREVER) for code in ("D", "d1", "d2", "d3")}
    assert {one.place: one.after for one in found}["d2"] == "/C/U/D/d2/"


def test_a_change_holds_until_the_next_standing_begins() -> None:
    later = county(d2=lambda place: moved("D", "11-20")(moved("E", "11-10")(place)))
    assert between(county(), later)["d2"] == [(d("11-10"), d("11-19"))]


def test_who_had_a_village_earlier_in_the_same_window_is_concerned_too() -> None:
    before = county(d2=moved("E", "11-10"))
    after = county(d2=lambda place: moved("F", "11-15")(moved("E", "11-10")(place)))
    assert set(between(before, after)) == {"d2", "D", "E", "F", "T", "U", "C"}
    assert "D" not in between(before, county(d2=lambda place: moved("F", "2019-01-15")(moved("E", "11-10")(place))))


def test_a_new_central_village_concerns_its_district_only() -> None:
    assert between(county(), county(D=centred("d3", "11-10"))) == {"D": [(d("11-10"), FOREVER)]}


def test_a_position_concerns_nobody_but_the_visits_there() -> None:
    found = differences(county(), county(d2=spotted(37.8)))
    assert [(one.place, one.measures, one.points, one.owes) for one in found] == [("d2", True, True, False)]
    assert concerned(found, county(), county(d2=spotted(37.8))) == {}


def test_a_radius_does_not_make_another_village_the_nearest() -> None:
    wider = county(d2=lambda place: replace(place, standings=(replace(place.standings[0], radius_m=900.0),)))
    (one,) = differences(county(), wider)
    assert (one.measures, one.points, one.first, one.last) == (True, False, BEGINNING, FOREVER)


def test_a_village_that_ends_concerns_itself_and_what_is_around_it() -> None:
    (one,) = differences(county(), county(d2=ended("11-10")))
    assert (one.place, one.first, one.stands, one.lies) == ("d2", d("11-10"), True, False)
    assert set(between(county(), county(d2=ended("11-10")))) == {"d2", "D", "T", "C"}


def test_another_successor_is_a_difference_only_once_the_place_has_ended() -> None:
    other = county(d2=lambda place: replace(ended("11-10")(place), successors=("d3",)))
    (one,) = differences(county(d2=ended("11-10")), other)
    assert (one.first, one.stands) == (d("11-10"), True)
    assert differences(county(), county(d2=lambda place: replace(place, successors=("d3",)))) == []


def test_a_new_village_concerns_what_is_around_it_from_its_first_day_on() -> None:
    without = Tree(place for code, place in county().places.items() if code != "d3")
    span = [(d("11-10"), FOREVER)]
    assert between(without, county(d3=new_from("11-10"))) == dict.fromkeys(("d3", "D", "T", "C"), span)


def test_a_first_day_of_service_concerns_the_windows_that_begin_between_the_two() -> None:
    found = between(county(T=serving("10-01")), county(T=serving("11-10")))
    assert set(found) == {"C", "T", "D", "E", "d1", "d2", "d3", "e1", "e2"}
    assert set(map(tuple, found.values())) == {((d("10-01"), d("11-10")),)}


def test_a_first_day_of_service_where_there_was_none_is_measured_from_that_of_the_county() -> None:
    old, new = county(), county(T=serving("11-10"))
    found = concerned(differences(old, new), old, new, d("10-01"))
    assert found["d2"] == [(d("10-01"), d("11-10"))]
    assert between(old, new)["d2"] == [(BEGINNING, d("11-10"))]


@pytest.mark.parametrize(
    ("begins", "stretch"),
    [
        ("11-03", [(d("11-05"), d("11-05"))]),  # November began before it, and ends after D came to U
        ("11-05", [(d("11-05"), d("11-05"))]),
        ("11-08", [(d("11-05"), d("11-08"))]),
        ("10-06", [(d("11-05"), d("11-05"))]),
        ("10-05", []),  # no window that began before it reaches so far
    ],
)
def test_a_first_day_of_service_concerns_windows_that_began_before_the_place_came_there(
    begins: str, stretch: list[tuple[date, date]]
) -> None:
    old, new = (county(D=moved("U", "11-05"), **changes) for changes in ({}, {"U": serving(begins)}))
    assert between(old, new).get("D", []) == stretch


def test_a_central_village_that_moves_away_concerns_its_district_wherever_it_lies() -> None:
    assert "D" in between(
        county(d1=moved("F", "11-10")), county(d1=lambda place: ended("11-20")(moved("F", "11-10")(place)))
    )


@pytest.mark.parametrize("first", [date(1, 1, 5), BEGINNING])
def test_the_first_days_of_all_are_days_too(first: date) -> None:
    assert "D" in between(county(), county(d2=lambda place: replace(place, ended_on=first)))


def judged(case: Case, tree_places: Sequence[object]) -> Mapping[tuple[str, ...], Obligation]:
    found = judge(case.person, WINDOWS, world_of(replace(case.facts, places=tuple(tree_places))))  # type: ignore[arg-type]
    return {(o.duty, o.place, o.window, str(o.turn)): o for o in found}


def anything(random: Random, _: Sequence[Place]) -> Sequence[Place]:
    return places(random, random.randrange(7))


def begun_otherwise(random: Random, known: Sequence[Place]) -> Sequence[Place]:
    """Only one first day of service is another, often a little before something came there: nothing else hides it."""
    came = [(its.parent, its.since) for place in known for its in place.standings[1:]]
    code, day = random.choice([*came, (random.choice(known).code, some_day(random))])
    begins = day - timedelta(random.randrange(31))
    return [replace(place, service_from=begins) if place.code == code else place for place in known]


@settings(effort(150))
@given(cases(), st.integers(0, 2**32 - 1))
def test_whatever_is_judged_otherwise_was_said_to_be_concerned(case: Case, seed: int) -> None:
    """Nothing a change of places does to a verdict falls outside the stretches it is said to concern."""
    random = Random(seed)
    other = random.choice([anything, begun_otherwise])(random, case.facts.places)
    old, new = Tree(case.facts.places), Tree(other)
    spans = concerned(differences(old, new), old, new, case.facts.service_from)
    posted = {posting.place for posting in case.person.postings}
    mine = [span for code in posted for span in spans.get(code, ())]
    touched = {w.label for w in WINDOWS if any(w.first <= last and first <= w.last for first, last in mine)}
    before, after = judged(case, case.facts.places), judged(case, other)
    otherwise = {key[2] for key in {**before, **after} if before.get(key) != after.get(key)}
    assert otherwise <= touched
