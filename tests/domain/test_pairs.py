"""Who is together with whom again and again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.pairs import CROWD, Closeness, Sight, pairs

NOON = datetime(2018, 11, 20, 4, 0, tzinfo=UTC)
METRE = 1 / 111_000  # degrees of latitude


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    return hypot(lat1 - lat2, lon1 - lon2) / METRE


def sight(person: str, day: int = 0, seconds: float = 0, north_m: float = 0, name: str = "") -> Sight:
    at = NOON + timedelta(days=day, seconds=seconds)
    return Sight(name or f"{person}{day}-{seconds}", person, "v", date(2018, 11, 20), at, 37 + north_m * METRE, 117)


def found(*sights: Sight, limits: Closeness | None = None) -> dict[tuple[str, str], int]:
    ordered = sorted(sights, key=lambda s: (s.occurred_at, s.visit))
    return {pair: len(times) for pair, times in pairs(ordered, limits or Closeness(), distance_m).items()}


def days(number: int, seconds: float = 60, north_m: float = 10) -> list[Sight]:
    return [s for day in range(number) for s in (sight("b", day), sight("a", day, seconds, north_m))]


@pytest.mark.parametrize(
    ("sights", "expected"),
    [
        (days(3), {("a", "b"): 3}),
        (days(2), {}),
        (days(3, seconds=120, north_m=19.99), {("a", "b"): 3}),
        (days(3, seconds=121), {}),
        (days(3, north_m=20.5), {}),
        ([sight("a", day, second) for day in range(3) for second in (0, 30)], {}),
    ],
    ids=["three times", "twice", "just so near", "too late", "too far", "one person"],
)
def test_two_are_a_pair_when_near_in_time_and_place_often_enough(
    sights: list[Sight], expected: dict[tuple[str, str], int]
) -> None:
    assert found(*sights) == expected


def test_of_two_at_one_latitude_the_distance_decides_and_a_meeting_knows_its_seconds() -> None:
    first, second = sight("b"), sight("a", seconds=60)
    far = replace(second, longitude=second.longitude + 30 * METRE)
    assert pairs([first, far], Closeness(times=1), distance_m) == {}
    ((meeting,),) = pairs([first, second], Closeness(times=1), distance_m).values()
    assert (meeting.one, meeting.other, meeting.apart_s) == (first, second, 60)


def test_each_check_in_counts_once_for_a_pair() -> None:
    assert found(sight("b"), *(sight("a", 0, second) for second in (10, 20, 30))) == {}


def test_three_who_go_together_are_three_pairs() -> None:
    sights = [sight(person, day) for day in range(3) for person in "abc"]
    assert found(*sights) == {("a", "b"): 3, ("a", "c"): 3, ("b", "c"): 3}


def test_in_a_crowd_a_check_in_is_compared_with_so_many() -> None:
    crowd = [sight(f"p{n:03}", day, n / 10) for day in range(3) for n in range(CROWD + 10)]
    assert len(found(*crowd)) == sum(min(n, CROWD) for n in range(CROWD + 10))


sights_of_two = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.integers(0, 300), st.integers(0, 40)), max_size=14
)


@given(sights_of_two)
def test_whoever_is_called_first_the_same_meet(drawn: list[tuple[str, int, int, int]]) -> None:
    sights = [sight(person, *at, name=f"{n:02}") for n, (person, *at) in enumerate(drawn)]
    swapped = [
        Sight(s.visit, "b" if s.person == "a" else "a", s.place, s.day, s.occurred_at, s.latitude, s.longitude)
        for s in sights
    ]
    limits = Closeness(times=1)
    assert found(*sights, limits=limits) == found(*swapped, limits=limits)
