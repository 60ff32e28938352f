"""Outlines: which are kept, and how they are written."""

import json
import math
from typing import Any

import pytest

from server.adapters import datum, geodesy, polygons

SQUARE = [[117.0, 37.8], [117.01, 37.8], [117.01, 37.81], [117.0, 37.81], [117.0, 37.8]]
HOLE = [[117.004, 37.804], [117.006, 37.804], [117.006, 37.806], [117.004, 37.806], [117.004, 37.804]]
FAR = [[x + 0.1, y] for x, y in SQUARE]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def test_an_outline_is_kept_as_it_is_and_twice_the_same() -> None:
    kept = polygons.normalised(polygon(SQUARE, HOLE), "wgs84")
    assert json.loads(kept) == polygon(SQUARE, HOLE)
    assert polygons.normalised(json.loads(kept), "wgs84") == kept
    assert geodesy.distance_to_place_m(37.801, 117.001, (), kept) == 0
    assert 50 < (geodesy.distance_to_place_m(37.805, 117.005, (), kept) or 0) < 150  # in the hole


def test_several_parts_are_one_place() -> None:
    kept = polygons.normalised({"type": "MultiPolygon", "coordinates": [[SQUARE], [FAR]]}, "wgs84")
    assert geodesy.distance_to_place_m(37.801, 117.101, (), kept) == 0


def test_another_datum_is_turned_into_ours() -> None:
    shifted = [list(reversed(datum.from_wgs84(y, x, "gcj02"))) for x, y in SQUARE]
    kept = json.loads(polygons.normalised(polygon(shifted), "gcj02"))
    assert all(
        geodesy.distance_m(y, x, *reversed(corner)) < 0.1
        for (x, y), corner in zip(kept["coordinates"][0], SQUARE, strict=True)
    )


def test_the_middle_of_an_outline_lies_inside_it() -> None:
    around = [*SQUARE[:1], [117.01, 37.8], [117.01, 37.81], [117.009, 37.801], SQUARE[0]]
    kept = polygons.normalised(polygon(around), "wgs84")
    assert geodesy.distance_to_place_m(*polygons.middle(kept), (), kept) == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "polygon-type"),
        ({"type": "Point", "coordinates": [117.0, 37.8]}, "polygon-type"),
        ({"type": "Polygon"}, "polygon-type"),
        ({"type": "Polygon", "coordinates": []}, "polygon-type"),
        ({"type": "Polygon", "coordinates": ["x"]}, "polygon-type"),
        ({"type": "MultiPolygon", "coordinates": [5]}, "polygon-type"),
        ({**polygon(SQUARE), "crs": "x"}, "polygon-type"),
        (polygon([*SQUARE[:-1], ["117.0", 37.8]]), "polygon-type"),
        (polygon([*SQUARE[:-1], [True, 37.8]]), "polygon-type"),
        (polygon([*SQUARE[:-1], [math.nan, 37.8]]), "polygon-type"),
        (polygon([*SQUARE[:-1], [math.inf, 37.8]]), "polygon-type"),
        (polygon([*SQUARE[:-1], [117.0, 37.8, 5]]), "polygon-type"),
        (polygon([[y, x] for x, y in SQUARE]), "polygon-type"),
        (polygon(SQUARE[:-1]), "polygon-ring"),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), "polygon-ring"),
        (polygon([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]), "polygon-crossed"),
        (polygon(HOLE, SQUARE), "polygon-crossed"),
        (polygon([[117, 37.8], [117.00001, 37.8], [117.00001, 37.80001], [117, 37.8]]), "polygon-area"),
        (polygon([[100, 20], [120, 20], [120, 40], [100, 40], [100, 20]]), "polygon-area"),
        (polygon([SQUARE[0]] * 2001), "polygon-points"),
    ],
)  # fmt: skip
def test_what_is_no_outline_is_refused(given: Any, code: str) -> None:
    with pytest.raises(polygons.BadPolygon) as caught:
        polygons.normalised(given, "wgs84")
    assert caught.value.code == code
