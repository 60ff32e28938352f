"""A place ends and others take its stead: what becomes of what lay in it and of those posted there."""

from datetime import date

import pytest

from server.domain.mergers import Heirs, Part, merge, split
from server.domain.places import Place, Tree, resolve, stand_in
from server.domain.postings import Posting, gaps
from tests.domain.county import Change, centred, county, d, moved

ON = d("11-14")


def after(tree: Tree, changed: dict[str, Place]) -> Tree:
    return Tree({**tree.places, **changed}.values())


def merged(tree: Tree, code: str, into: str) -> Tree:
    return after(tree, dict(merge(tree, code, into, ON, ()).places))


def test_what_lay_in_the_place_lies_in_the_other_from_that_day_on() -> None:
    tree = merged(county(), "E", "D")
    assert [tree.path("e2", day) for day in (d("11-13"), ON)] == ["/C/T/E/e2/", "/C/T/D/e2/"]
    assert (tree["E"].ended_on, tree["E"].successors) == (ON, ("D",))


def test_what_was_to_move_there_later_moves_to_the_other() -> None:
    tree = merged(county(d2=moved("E", "12-01"), d3=moved("E", "11-14")), "E", "D")
    assert [tree.path("d2", day) for day in (ON, d("12-01"))] == ["/C/T/D/d2/", "/C/T/D/d2/"]
    assert tree.path("d3", ON) == "/C/T/D/d3/"


def test_a_central_village_that_ends_is_the_other_from_that_day_on() -> None:
    tree = merged(county(D=centred("d2", "12-01")), "d1", "d3")
    assert [tree.central_village("D", day) for day in (d("11-13"), ON, d("12-01"))] == ["d1", "d3", "d2"]


def test_nothing_else_changes() -> None:
    assert set(merge(county(), "d2", "d3", ON, ()).places) == {"d2"}


def held(place: str, start: str, end: str | None = None) -> Posting:
    return Posting("p", "envoy", place, d(start), d(end) if end else None)


@pytest.mark.parametrize(
    ("postings", "begun"),
    [
        pytest.param([held("d2", "09-03")], [held("d3", "11-14")], id="goes on"),
        pytest.param([held("d2", "09-03", "11-13")], [], id="over by then"),
        pytest.param([held("d2", "09-03", "12-31")], [held("d3", "11-14", "12-31")], id="until its last day"),
        pytest.param([held("d2", "09-03"), held("d3", "09-03")], [], id="held already"),
        pytest.param([held("d2", "09-03"), held("d3", "12-01", "12-10")],
                     [held("d3", "11-14", "11-30"), held("d3", "12-11")], id="held in between"),
        pytest.param([held("d2", "12-01")], [held("d3", "12-01")], id="not begun yet"),
        pytest.param([held("d2", "09-03", "11-30"), held("d2", "12-01")],
                     [held("d3", "11-14", "11-30"), held("d3", "12-01")], id="one after the other"),
    ],
)  # fmt: skip
def test_postings_go_on_at_the_other(postings: list[Posting], begun: list[Posting]) -> None:
    found = merge(county(), "d2", "d3", ON, postings)
    assert list(found.begun) == begun
    assert all(then.end == d("11-13") for _, then in found.ended)
    assert [gone.start >= ON for gone in found.gone] == [True] * len(found.gone)


def test_the_first_of_several_takes_what_nobody_names_and_each_lies_where_the_old_place_was_to_lie() -> None:
    tree = county(D=moved("U", "12-01"))
    parts = [Part("X", "甲"), Part("Y", "乙", inside=frozenset({"d3"}))]
    found = split(tree, "D", parts, ON, (), Heirs())
    tree = after(tree, dict(found.places))
    assert (tree.villages_in("X", ON), tree.villages_in("Y", ON)) == (("d1", "d2"), ("d3",))
    assert [tree.path("d3", day) for day in (ON, d("12-01"))] == ["/C/T/Y/d3/", "/C/U/Y/d3/"]
    assert (tree.central_village("X", ON), tree.central_village("Y", ON)) == ("d1", None)
    assert tree["X"].on(d("11-13")) is None


def test_a_part_keeps_the_central_village_that_lies_in_it() -> None:
    parts = [Part("X", "甲", central_village="d2"), Part("Y", "乙", inside=frozenset({"d1"}))]
    tree = after(county(), dict(split(county(), "D", parts, ON, (), Heirs()).places))
    assert (tree.central_village("X", ON), tree.central_village("Y", ON)) == ("d2", "d1")


def test_only_postings_with_heirs_go_on_after_a_split() -> None:
    other = Posting("q", "envoy", "d2", d("09-03"))
    heirs = Heirs({("p", "envoy"): ("x", "y")})
    found = split(county(), "d2", [Part("x", "东"), Part("y", "西")], ON, [held("d2", "09-03"), other], heirs)
    assert list(found.begun) == [held("x", "11-14"), held("y", "11-14")]
    assert {then.end for _, then in found.ended} == {d("11-13")}


def spotted(latitude: float) -> Change:
    from dataclasses import replace

    return lambda place: replace(place, standings=(replace(place.standings[0], points=((latitude, 117.0),)),))


def plane(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    return abs(lat1 - lat2) + abs(lon1 - lon2)


def ends(*successors: str, on: date = ON) -> Change:
    from dataclasses import replace

    return lambda place: replace(place, ended_on=on, successors=successors)


def test_a_place_that_has_ended_leads_on_to_the_nearest_of_those_in_its_stead() -> None:
    tree = county(d2=ends("d1", "d3", "nowhere"), d1=spotted(37.0), d3=spotted(38.0))
    assert stand_in("d2", d("11-13"), (38.0, 117.0), tree, plane) == "d2"
    assert stand_in("d2", ON, (37.9, 117.0), tree, plane) == "d3"
    assert stand_in("d2", ON, None, tree, plane) == "d1"
    assert stand_in("d2", ON, (37.9, 117.0), county(d2=ends("d1", "d3")), plane) == "d1"


def test_it_leads_on_as_far_as_it_goes_and_never_round() -> None:
    assert stand_in("d2", ON, None, county(d2=ends("d3"), d3=ends("d1")), plane) == "d1"
    assert stand_in("d2", ON, None, county(d2=ends("d3"), d3=ends("d2")), plane) == "d3"
    assert stand_in("d2", ON, None, county(d2=ends()), plane) == "d2"


def test_a_check_in_that_names_what_has_ended_is_stored_where_it_leads() -> None:
    tree = county(D=ends("E"), e1=ends("e2"))
    assert resolve("d2", ON, None, (), county(d2=ends("d3")), plane) == "d3"
    assert resolve("D", ON, None, (), tree, plane) == "e2"
    assert resolve("D", d("11-13"), None, (), tree, plane) == "d1"
    assert resolve("D", ON, None, (), county(D=centred(None, "11-14")), plane) is None


@pytest.mark.parametrize(
    ("end", "others", "free"),
    [
        (None, [], [("11-14", None)]),
        ("12-31", [], [("11-14", "12-31")]),
        (None, [held("d3", "09-03", "11-13")], [("11-14", None)]),
        (None, [held("d3", "09-03", "11-30")], [("12-01", None)]),
        ("12-31", [held("d3", "11-20", "12-31")], [("11-14", "11-19")]),
        ("12-31", [held("d3", "2019-01-01")], [("11-14", "12-31")]),
        ("12-31", [held("d3", "11-20")], [("11-14", "11-19")]),
    ],
)
def test_gaps_are_the_days_on_which_none_is_in_force(
    end: str | None, others: list[Posting], free: list[tuple[str, str | None]]
) -> None:
    expected = [(d(first), d(last) if last else None) for first, last in free]
    assert gaps(ON, d(end) if end else None, others) == expected
