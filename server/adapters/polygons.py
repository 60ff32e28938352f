"""Outlines of places as they are sent: checked, and written as we keep them.

shapely is imported at the first outline: it takes a quarter of a second, which most commands need not wait for.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from server.adapters import datum
from server.domain.problems import Scalar

MAX_POINTS: Final = 2_000
LEAST_M2: Final = 100.0
MOST_KM2: Final = 100_000.0
_DIGITS: Final = 7  # of a degree: a centimetre
_M2_OF_A_DEGREE: Final = 111_195.0**2  # on the sphere of the earth's mean radius


class BadPolygon(ValueError):
    """An outline that cannot be kept: why, as a code of the catalogues, and its placeholders."""

    def __init__(self, code: str, **params: Scalar) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def normalised(given: Mapping[str, Any], crs: str) -> str:
    """A GeoJSON Polygon or MultiPolygon as the text we keep: WGS-84, seven decimals, no blanks.

    `crs` is the datum of its positions. Raises BadPolygon for anything else, for rings that are not closed or cross
    themselves, for more than `MAX_POINTS` positions, for what is not finite or not in degrees, and for an area that no
    place has.
    """
    import shapely

    if set(given) - {"type", "coordinates"} or given.get("type") not in ("Polygon", "MultiPolygon"):
        raise BadPolygon("polygon-type")
    sent: Any = given.get("coordinates")
    parts: Any = [sent] if given["type"] == "Polygon" else sent
    if not _is_list(parts):
        raise BadPolygon("polygon-type")
    left = [MAX_POINTS]
    kept = [_part(part, crs, left) for part in parts]
    shape = shapely.MultiPolygon([(rings[0], rings[1:]) for rings in kept])
    if not shape.is_valid:
        raise BadPolygon("polygon-crossed")
    middle = math.radians((shape.bounds[1] + shape.bounds[3]) / 2)
    area_m2 = shape.area * _M2_OF_A_DEGREE * math.cos(middle)
    if not LEAST_M2 <= area_m2 <= MOST_KM2 * 1e6:
        raise BadPolygon("polygon-area", min=f"{LEAST_M2:g}", max=f"{MOST_KM2:,.0f}")
    coordinates: Any = kept if given["type"] == "MultiPolygon" else kept[0]
    return json.dumps({"type": given["type"], "coordinates": coordinates}, separators=(",", ":"))


def middle(polygon: str) -> tuple[float, float]:
    """Latitude and longitude of a point inside an outline that `normalised` made."""
    import shapely

    point = shapely.from_geojson(polygon).representative_point()
    return round(point.y, _DIGITS), round(point.x, _DIGITS)


def _part(part: Any, crs: str, left: list[int]) -> list[list[tuple[float, float]]]:
    if not _is_list(part):
        raise BadPolygon("polygon-type")
    return [_ring(ring, crs, left) for ring in part]


def _ring(ring: Any, crs: str, left: list[int]) -> list[tuple[float, float]]:
    if not _is_list(ring):
        raise BadPolygon("polygon-type")
    left[0] -= len(ring)
    if left[0] < 0:
        raise BadPolygon("polygon-points", max=MAX_POINTS)
    found = [_position(position, crs) for position in ring]
    if len(found) < 4 or found[0] != found[-1]:
        raise BadPolygon("polygon-ring")
    return found


def _position(position: Any, crs: str) -> tuple[float, float]:
    if not _is_list(position) or len(position) != 2:
        raise BadPolygon("polygon-type")
    longitude, latitude = (_number(value) for value in position)
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise BadPolygon("polygon-type")
    north, east = datum.to_wgs84(latitude, longitude, crs)
    return round(east, _DIGITS), round(north, _DIGITS)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadPolygon("polygon-type")
    return float(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
