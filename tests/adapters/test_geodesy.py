import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.adapters import geodesy

DONGZHAO = (37.811268, 117.012492)
SHARED = Path(__file__).resolve().parents[3] / "shared"


def square(south: float, west: float, side: float = 0.1) -> list[list[float]]:
    north, east = south + side, west + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def geometry(*rings: list[list[float]]) -> str:
    return json.dumps({"type": "Polygon", "coordinates": rings})


SQUARE = geometry(square(37.7, 117.0))
RING = geometry(square(37.7, 117.0), square(37.74, 117.04, 0.02))
ISLANDS = json.dumps({"type": "MultiPolygon", "coordinates": [[square(37.7, 117.0)], [square(38.0, 117.0)]]})


def test_a_degree_of_longitude_at_dongzhao_is_as_long_as_the_ellipsoid_says() -> None:
    assert geodesy.distance_m(*DONGZHAO, 37.811268, 118.012492) == pytest.approx(88_065, abs=10)


def test_a_point_has_no_distance_from_itself() -> None:
    assert geodesy.distance_m(*DONGZHAO, *DONGZHAO) == 0.0


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(-89, 89), st.floats(-180, 180))
def test_the_rough_distance_is_within_the_margin(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    exact = geodesy.distance_m(lat1, lon1, lat2, lon2)
    assert geodesy.rough_distance_m(lat1, lon1, lat2, lon2) == pytest.approx(exact, rel=0.006, abs=0.01)


def test_a_place_without_anything_on_file_has_no_distance() -> None:
    assert geodesy.distance_to_place_m(*DONGZHAO, [], None) is None
    assert geodesy.distance_to_place_m(*DONGZHAO, [], "") is None


def test_the_nearest_of_several_points_counts() -> None:
    points = [(37.9, 117.1), (37.8113, 117.0125), (37.0, 116.0), (37.8112, 117.0130)]
    found = geodesy.distance_to_place_m(*DONGZHAO, points, None)
    assert found == min(geodesy.distance_m(*DONGZHAO, *point) for point in points)


@given(st.lists(st.tuples(st.floats(37.5, 38), st.floats(116.9, 117.5)), min_size=1, max_size=8))
def test_choosing_roughly_never_misses_the_nearest_point(points: list[tuple[float, float]]) -> None:
    found = geodesy.distance_to_place_m(*DONGZHAO, points, None)
    assert found == min(geodesy.distance_m(*DONGZHAO, *point) for point in points)


INSIDE = {
    "inside": (37.75, 117.05, SQUARE),
    "on the edge": (37.7, 117.05, SQUARE),
    "on a corner": (37.7, 117.0, SQUARE),
    "between ring and hole": (37.72, 117.02, RING),
    "on the second island": (38.05, 117.05, ISLANDS),
}


@pytest.mark.parametrize(("latitude", "longitude", "polygon"), INSIDE.values(), ids=INSIDE)
def test_inside_a_polygon_the_distance_is_nothing(latitude: float, longitude: float, polygon: str) -> None:
    assert geodesy.distance_to_place_m(latitude, longitude, [(0.0, 0.0)], polygon) == 0.0


OUTSIDE = {
    "west of an edge": (37.75, 116.95, SQUARE, (37.75, 117.0)),
    "south of an edge": (37.6, 117.05, SQUARE, (37.7, 117.05)),
    "off a corner": (37.6, 116.9, SQUARE, (37.7, 117.0)),
    "in the hole": (37.745, 117.05, RING, (37.74, 117.05)),
    "between the islands, nearer the second": (37.95, 117.05, ISLANDS, (38.0, 117.05)),
}


@pytest.mark.parametrize(("latitude", "longitude", "polygon", "edge"), OUTSIDE.values(), ids=OUTSIDE)
def test_outside_a_polygon_it_is_the_distance_to_its_edge(
    latitude: float, longitude: float, polygon: str, edge: tuple[float, float]
) -> None:
    found = geodesy.distance_to_place_m(latitude, longitude, [(latitude, longitude)], polygon)
    assert found == pytest.approx(geodesy.distance_m(latitude, longitude, *edge), abs=1)


def test_the_nearest_is_the_nearest_on_the_ellipsoid_not_on_the_sphere() -> None:
    # A sphere is 0.2% too long from north to south here, and as much too short from east to west.
    north, east = (37.820278, 117.012492), (37.811268, 117.023860)
    exact = [geodesy.distance_m(*DONGZHAO, *point) for point in (north, east)]
    rough = [geodesy.rough_distance_m(*DONGZHAO, *point) for point in (north, east)]
    assert exact[0] < exact[1]
    assert rough[0] > rough[1]
    assert geodesy.distance_to_place_m(*DONGZHAO, [north, east, (38.0, 118.0)], None) == exact[0]


def test_edges_north_and_south_are_ranked_by_metres_not_degrees() -> None:
    # The northern corner is further off in degrees, but degrees of longitude are shorter there.
    parts = [[square(38.2, 117.502)], [square(37.3, 117.5)]]
    found = geodesy.distance_to_place_m(37.8, 117.0, [], json.dumps({"type": "MultiPolygon", "coordinates": parts}))
    north, south = (geodesy.distance_m(37.8, 117.0, *corner) for corner in ((38.2, 117.502), (37.4, 117.5)))
    assert north < south
    assert found == pytest.approx(north, abs=1)


def test_the_edge_is_found_across_the_antimeridian() -> None:
    found = geodesy.distance_to_place_m(0.05, 179.95, [], geometry(square(0.0, -180.0)))
    assert found == pytest.approx(geodesy.distance_m(0.05, 179.95, 0.05, 180.0), abs=1)


@given(st.floats(36.9, 38.6), st.floats(116.2, 118.2))
def test_the_edge_found_is_the_nearest_of_all_points_of_the_edge(latitude: float, longitude: float) -> None:
    corners = [(117.0, 37.6), (117.4, 37.5), (117.6, 37.9), (117.2, 38.0), (117.1, 37.8), (117.0, 37.6)]
    polygon = geometry([list(corner) for corner in corners])
    found = geodesy.distance_to_place_m(latitude, longitude, [], polygon)
    assert found is not None
    assume(found > 0)
    walked = [
        geodesy.distance_m(latitude, longitude, y1 + (y2 - y1) * n / 400, x1 + (x2 - x1) * n / 400)
        for (x1, y1), (x2, y2) in pairwise(corners)
        for n in range(401)
        if geodesy.rough_distance_m(latitude, longitude, y1 + (y2 - y1) * n / 400, x1 + (x2 - x1) * n / 400)
        < found * 1.02 + 100
    ]
    assert found <= min(walked) + 1
    assert found >= min(walked) - 60  # half a step of the walk, at most


NOT_POLYGONS = {
    "nothing": "",
    "not JSON": "{",
    "null": "null",
    "a point": '{"type": "Point", "coordinates": [117.0, 37.8]}',
    "no ring": '{"type": "Polygon", "coordinates": []}',
    "two corners": geometry([[117.0, 37.7], [117.1, 37.7]]),
    "a bow-tie": geometry([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]),
    "metres, not degrees": geometry([[0, 0], [5000, 0], [5000, 5000], [0, 5000], [0, 0]]),
}


@pytest.mark.parametrize("text", NOT_POLYGONS.values(), ids=NOT_POLYGONS)
def test_what_is_not_a_polygon_is_refused(text: str) -> None:
    assert not geodesy.polygon_ok(text)


@pytest.mark.parametrize("text", [SQUARE, RING, ISLANDS], ids=["square", "ring", "islands"])
def test_polygons_are_taken(text: str) -> None:
    assert geodesy.polygon_ok(text)


def test_the_county_lies_inside_its_own_outline() -> None:
    path = SHARED / "data" / "leling-boundary.geojson"
    if not path.exists():
        pytest.skip("the county's outline is not beside this folder")
    outline = json.dumps(json.loads(path.read_text(encoding="utf-8"))["geometry"])
    assert geodesy.distance_to_place_m(*DONGZHAO, [], outline) == 0.0
    found = geodesy.distance_to_place_m(43.4674, 11.8851, [], outline)
    assert found == pytest.approx(8_265_000, rel=0.005)
