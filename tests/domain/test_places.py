"""Places as they stood on a day, and the place at which a check-in is stored."""

from collections.abc import Callable
from dataclasses import replace
from math import dist

import pytest

from server.domain.places import Level, Place, Standing, Tree, radius_of, resolve, shared_area
from tests.domain.county import COUNTY, centred, county, d, ended, moved, new_from, place, serving


def test_a_place_is_found_by_its_code() -> None:
    tree = county()
    assert "d2" in tree
    assert "nowhere" not in tree
    assert tree["d2"].name == "d2"


def test_a_place_stands_as_of_its_last_change() -> None:
    village = moved("U", "12-01")(moved("E", "11-10")(county()["d2"]))
    assert [village.on(d(day)).parent for day in ("11-09", "11-10", "11-30", "12-01")] == ["D", "E", "E", "U"]  # type: ignore[union-attr]


def test_a_place_does_not_stand_before_it_was_entered() -> None:
    tree = county(d2=new_from("11-10"))
    assert tree["d2"].on(d("11-09")) is None
    assert tree.chain("d2", d("11-09")) == ("d2",)
    assert tree.villages_in("D", d("11-09")) == ("d1", "d3")
    assert tree.villages_in("D", d("11-10")) == ("d1", "d2", "d3")


def test_a_chain_runs_from_the_place_to_the_county() -> None:
    tree = county()
    assert tree.chain("d2", d("11-10")) == ("d2", "D", "T", "C")
    assert tree.chain("C", d("11-10")) == ("C",)
    assert tree.chain("nowhere", d("11-10")) == ()
    assert tree.path("d2", d("11-10")) == "/C/T/D/d2/"
    assert tree.path("C", d("11-10")) == "/C/"


def test_a_chain_follows_a_place_that_moves_whatever_is_asked_first() -> None:
    for days in (["11-09", "11-10"], ["11-10", "11-09"]):
        tree = county(d2=moved("E", "11-10"), D=moved("U", "11-20"))
        found = {day: tree.path("d2", d(day)) for day in [*days, "11-20"]}
        assert found == {"11-09": "/C/T/D/d2/", "11-10": "/C/T/E/d2/", "11-20": "/C/T/E/d2/"}
        assert [tree.path("d1", d(day)) for day in ("11-19", "11-20")] == ["/C/T/D/d1/", "/C/U/D/d1/"]


def test_every_path_a_place_ever_had_is_known() -> None:
    tree = county(d2=moved("E", "11-10"), D=moved("U", "11-20"))
    assert tree.paths("d1") == ["/C/T/D/d1/", "/C/U/D/d1/"]
    assert tree.paths("d2") == ["/C/T/D/d2/", "/C/T/E/d2/"]
    assert tree.paths("C") == ["/C/"]


def test_a_place_knows_what_it_stands_in_the_stead_of() -> None:
    def gone(on: str, *into: str) -> Callable[[Place], Place]:
        return lambda place: replace(place, ended_on=d(on), successors=into)

    tree = county(d1=gone("11-10", "d2", "d3"), d2=gone("11-20", "e1"))
    assert [tree.predecessors("d2", d(day)) for day in ("11-09", "11-10")] == [set(), {"d1"}]
    assert [tree.predecessors("e1", d(day)) for day in ("11-19", "11-20")] == [set(), {"d1", "d2"}]
    assert tree.predecessors("d3", d("11-20")) == {"d1"}
    assert tree.predecessors("d1", d("11-20")) == set()
    circle = county(d1=gone("11-10", "d2"), d2=gone("11-10", "d1"))
    assert circle.predecessors("d1", d("11-10")) == {"d2"}


def test_a_circle_in_the_register_ends_nobodys_work() -> None:
    tree = Tree([place("a", Level.DISTRICT, "b"), place("b", Level.DISTRICT, "a"), place("v", Level.VILLAGE, "a")])
    assert tree.chain("v", d("11-10")) == ("v", "a", "b")
    assert tree.villages_in("b", d("11-10")) == ("v",)


@pytest.mark.parametrize(
    ("code", "area", "inside"),
    [
        ("d2", "d2", True), ("d2", "D", True), ("d2", "T", True), ("d2", "C", True),
        ("d2", "E", False), ("d2", "d1", False), ("D", "d1", False), ("T", "U", False), ("nowhere", "C", False),
        ("nowhere", "nowhere", True),
    ],
)  # fmt: skip
def test_a_place_lies_in_itself_and_in_everything_above_it(code: str, area: str, inside: bool) -> None:
    assert county().lies_in(code, area, d("11-10")) is inside


def test_the_villages_of_an_area_are_those_at_any_depth() -> None:
    tree = county()
    assert tree.villages_in("D", d("11-10")) == ("d1", "d2", "d3")
    assert tree.villages_in("T", d("11-10")) == ("d1", "d2", "d3", "e1", "e2")
    assert tree.villages_in("C", d("11-10")) == ("d1", "d2", "d3", "e1", "e2", "f1")
    assert tree.villages_in("d2", d("11-10")) == ("d2",)
    assert tree.villages_in("nowhere", d("11-10")) == ()


def test_a_village_may_lie_in_another() -> None:
    tree = county(d3=moved("d2", "11-10"))
    assert tree.villages_in("d2", d("11-10")) == ("d2", "d3")


@pytest.mark.parametrize(
    ("day", "there"),
    [("11-09", ("d1", "d2", "d3")), ("11-10", ("d1", "d3"))],
)
def test_an_ended_village_is_no_more_from_that_day_on(day: str, there: tuple[str, ...]) -> None:
    tree = county(d2=ended("11-10"))
    assert tree.villages_in("D", d(day)) == there
    assert tree["d2"].exists_on(d(day)) is ("d2" in there)


def test_the_villages_of_a_day_stay_those_of_that_day() -> None:
    tree = county(d2=moved("E", "11-10"), e2=ended("11-20"))
    for _ in range(2):
        assert [tree.villages_in("E", d(day)) for day in ("11-09", "11-10", "11-19", "11-20")] == [
            ("e1", "e2"), ("d2", "e1", "e2"), ("d2", "e1", "e2"), ("d2", "e1")
        ]  # fmt: skip


def test_days_between_two_changes_are_one_era() -> None:
    tree = county(d2=moved("E", "11-10"), e2=ended("11-20"))
    eras = [tree.era(d(day)) for day in ("01-01", "11-09", "11-10", "11-19", "11-20", "12-31")]
    assert eras == [1, 1, 2, 2, 3, 3]


def test_a_district_has_a_central_village_which_may_change() -> None:
    tree = county(D=centred("d3", "11-10"), E=centred(None, "11-10"))
    assert [tree.central_village("D", d(day)) for day in ("11-09", "11-10")] == ["d1", "d3"]
    assert [tree.central_village("E", d(day)) for day in ("11-09", "11-10")] == ["e1", None]
    assert tree.central_village("d1", d("11-10")) is None
    assert tree.central_village("nowhere", d("11-10")) is None
    assert county(D=new_from("11-10")).central_village("D", d("11-09")) is None


@pytest.mark.parametrize(("code", "township"), [("d2", "T"), ("D", "T"), ("T", "T"), ("f1", "U"), ("C", None)])
def test_a_place_belongs_to_a_township(code: str, township: str | None) -> None:
    found = county().township_of(code, d("11-10"))
    assert (found.code if found else None) == township


def test_a_township_may_begin_its_service_on_a_day_of_its_own() -> None:
    tree = county(T=serving("10-01"))
    assert tree.service_from("d2", d("11-10")) == d("10-01")
    assert tree.service_from("T", d("11-10")) == d("10-01")
    assert tree.service_from("f1", d("11-10")) is None


def test_the_nearest_day_of_service_holds() -> None:
    tree = county(C=serving("09-01"), T=serving("10-01"))
    assert tree.service_from("d2", d("11-10")) == d("10-01")
    assert tree.service_from("f1", d("11-10")) == d("09-01")


RADII = {"county": 1000.0, "township": 500.0, "district": 300.0, "village": 500.0}


@pytest.mark.parametrize(
    ("paths", "shared"),
    [
        (["/C/T/D/d1/"], "/C/T/D/d1/"),
        (["/C/T/D/d1/", "/C/T/D/d2/"], "/C/T/D/"),
        (["/C/T/D/d1/", "/C/T/D/d10/"], "/C/T/D/"),
        (["/C/T/", "/C/T/D/d2/"], "/C/T/"),
        (["/C/", "/E/"], ""),
        (["/"], ""),
        ([], ""),
    ],
)
def test_the_smallest_area_around_several_places(paths: list[str], shared: str) -> None:
    assert shared_area(paths) == shared


def test_a_radius_is_the_places_own_or_its_levels() -> None:
    village = county()["d2"]
    wide = replace(village, standings=(*village.standings, Standing(d("11-10"), "D", radius_m=800)))
    assert [radius_of(wide, d(day), RADII) for day in ("11-09", "11-10")] == [500, 800]
    assert radius_of(county()["D"], d("11-09"), RADII) == 300
    assert radius_of(new_from("11-10")(wide), d("11-01"), RADII) == 500


def plane(a: float, b: float, c: float, e: float) -> float:
    """A distance for tests: the world is flat here."""
    return dist((a, b), (c, e))


# Each village lies on a line, its number from the left; e1 stands in two spots, T's seat among the villages of E.
SPOTS: dict[str, tuple[tuple[float, float], ...]] = {
    "d1": ((0, 1),), "d2": ((0, 2),), "d3": ((0, 3),), "e1": ((0, 11), (0, 5)), "T": ((0, 12),), "f1": ((0, 21),),
}  # fmt: skip


def spotted(place: Place) -> Place:
    return replace(place, standings=tuple(replace(s, points=SPOTS.get(place.code, ())) for s in place.standings))


def put(
    asked: str | None, point: tuple[float, float] | None, *postings: tuple[str, str], tree: Tree | None = None
) -> str | None:
    return resolve(asked, d("11-10"), point, postings, tree or Tree(map(spotted, COUNTY)), plane)


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        pytest.param("d2", "d2", id="a village"),
        pytest.param("T", "T", id="a township"),
        pytest.param("C", "C", id="the county"),
        pytest.param("D", "d1", id="a district means its central village"),
    ],
)
def test_a_named_place_is_the_place(asked: str, stored: str) -> None:
    assert put(asked, (0, 21), ("envoy", "f1")) == stored


def test_a_named_district_without_a_central_village_cannot_be_placed() -> None:
    assert put("D", (0, 1), ("district-secretary", "D"), tree=county(D=centred(None, "11-01"))) is None


ENVOY_D2, SECRETARY_D, LEADER_T = ("envoy", "d2"), ("district-secretary", "D"), ("paired-leader", "T")


@pytest.mark.parametrize(
    ("point", "postings", "stored"),
    [
        pytest.param(None, [ENVOY_D2], "d2", id="one village is the only one, without a position"),
        pytest.param((0, 21), [ENVOY_D2], "d2", id="and with one far away"),
        pytest.param((0, 2.4), [SECRETARY_D], "d2", id="the nearest village of the district"),
        pytest.param((0, 5), [SECRETARY_D], "d3", id="even when another district's is nearer"),
        pytest.param((0, 5.4), [SECRETARY_D, ("district-secretary", "E")], "e1", id="to the nearest of its points"),
        pytest.param((0, 1.5), [SECRETARY_D], "d1", id="as near as another: the first by code"),
        pytest.param((0, 2.9), [("envoy", "d1"), ENVOY_D2], "d2", id="of several postings"),
        pytest.param((0, 12.4), [LEADER_T], "T", id="the seat of a leader's township"),
        pytest.param((0, 2.4), [LEADER_T], "d2", id="a village of a leader's township"),
        pytest.param((0, 12.4), [("seconded-cadre", "T")], "e1", id="the seat is for leaders only"),
        pytest.param((0, 12.4), [("paired-leader", "E")], "e1", id="a leader of a district has no seat"),
        pytest.param((0, 20), [("paired-leader", "nowhere")], "f1", id="a posting to nowhere covers nothing"),
        pytest.param((0, 20), [], "f1", id="nobody's posting: the nearest of all, for one typed in late"),
        pytest.param((0, 12.4), [], "e1", id="then never a township"),
        pytest.param(None, [SECRETARY_D], None, id="several and no position"),
        pytest.param(None, [], None, id="no posting and no position"),
    ],
)
def test_an_unnamed_place_is_the_nearest_village_covered_by_a_posting(
    point: tuple[float, float] | None, postings: list[tuple[str, str]], stored: str | None
) -> None:
    assert put(None, point, *postings) == stored
    assert put(None, point, *reversed(postings)) == stored


def test_an_ended_village_is_nobodys_nearest() -> None:
    tree = Tree(ended("11-10")(spotted(p)) if p.code in ("d2", "f1") else spotted(p) for p in COUNTY)
    assert put(None, (0, 2.1), SECRETARY_D, tree=tree) == "d3"
    assert put(None, (0, 20), tree=tree) == "e1"


def test_villages_without_a_position_are_never_the_nearest() -> None:
    assert put(None, (0, 2), SECRETARY_D, tree=county()) is None
    assert put(None, (0, 2), tree=county(d2=new_from("12-01"))) is None


def test_a_place_stands_so_from_a_day_on_until_its_next_standing_begins() -> None:
    place = county(d2=moved("E", "11-20"))["d2"]
    now = replace(place.standings[0], since=d("11-10"), radius_m=900.0)
    changed = place.with_standing(now)
    assert [(s.since, s.parent, s.radius_m) for s in changed.standings[1:]] == [
        (d("11-10"), "D", 900.0), (d("11-20"), "E", None)
    ]  # fmt: skip
    assert changed.with_standing(replace(now, since=d("11-15"))) is changed
    assert changed.with_standing(replace(now, radius_m=500.0)).standings[1].radius_m == 500.0
    assert len(county(d2=new_from("11-10"))["d2"].with_standing(replace(now, since=d("11-01"))).standings) == 2


def test_what_stands_only_later_has_the_path_it_will_have() -> None:
    new = Place("n", "n", Level.VILLAGE, (Standing(d("11-20"), "D"),))
    tree = Tree([*COUNTY, new])
    assert tree.path("n", d("11-10")) == "/n/"
    assert tree.path_from("n", d("11-10")) == tree.path_from("n", d("11-25")) == "/C/T/D/n/"
    assert tree.path_from("d1", d("11-10")) == "/C/T/D/d1/"


def test_in_a_district_that_stands_only_later_a_village_has_the_path_it_will_have() -> None:
    district = Place("N", "N", Level.DISTRICT, (Standing(d("11-20"), "T"),))
    village = Place("n", "n", Level.VILLAGE, (Standing(d("11-15"), "N"),))
    assert Tree([*COUNTY, district, village]).path_from("n", d("11-10")) == "/C/T/N/n/"
