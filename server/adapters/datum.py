"""Datums: WGS-84 as satellites give it, GCJ-02 as Chinese map SDKs give it, BD-09 as Baidu does.

The forward shifts are those of the library `coordTransform`. Its inverses are one step of an
approximation, up to three metres off; here they are refined until the forward shift agrees.
"""

from collections.abc import Callable
from functools import cache

WGS84 = "wgs84"
GCJ02 = "gcj02"
BD09 = "bd09"
DATUMS = (WGS84, GCJ02, BD09)

# Each step divides the error by a hundred or more: three reach a millimetre, the fourth is spare.
_STEPS = 4

_Shift = Callable[[float, float], list[float]]


def to_wgs84(latitude: float, longitude: float, crs: str) -> tuple[float, float]:
    """Return the WGS-84 latitude and longitude of a position given in another datum.

    Degrees in and out, right within a metre. Outside China nothing is shifted.
    Raises ValueError for a datum that is not one of `DATUMS`.
    """
    if _unshifted(latitude, longitude, crs):
        return latitude, longitude
    forward, inverse, _ = _shifts(crs)
    guess_longitude, guess_latitude = inverse(longitude, latitude)
    for _step in range(_STEPS):
        shifted_longitude, shifted_latitude = forward(guess_longitude, guess_latitude)
        guess_longitude += longitude - shifted_longitude
        guess_latitude += latitude - shifted_latitude
    return guess_latitude, guess_longitude


def from_wgs84(latitude: float, longitude: float, crs: str) -> tuple[float, float]:
    """Return the latitude and longitude in another datum of a WGS-84 position; errors as `to_wgs84`."""
    if _unshifted(latitude, longitude, crs):
        return latitude, longitude
    shifted_longitude, shifted_latitude = _shifts(crs)[0](longitude, latitude)
    return shifted_latitude, shifted_longitude


def _unshifted(latitude: float, longitude: float, crs: str) -> bool:
    if crs not in DATUMS:
        raise ValueError("unknown datum")
    return crs == WGS84 or bool(_shifts(crs)[2](longitude, latitude))


@cache
def _shifts(crs: str) -> tuple[_Shift, _Shift, Callable[[float, float], bool]]:
    """Return the shift from WGS-84, its rough inverse, and the test for being outside China."""
    # Imported late: the library pulls in numpy, which a command without coordinates need not wait for.
    import coordTransform as library  # type: ignore[import-untyped]

    if crs == GCJ02:
        return library.wgs84_to_gcj02, library.gcj02_to_wgs84, library.out_of_china
    return library.wgs84_to_bd09, library.bd09_to_wgs84, library.out_of_china
