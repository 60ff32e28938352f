import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters import datum, geodesy

DONGZHAO = (37.811268, 117.012492)

# Well inside the box that the shift is defined for: at its very edge, out at sea or abroad, it has a step.
in_china = st.tuples(st.floats(18.0, 53.0), st.floats(74.0, 134.5))
in_the_county = st.tuples(st.floats(37.5, 38.0), st.floats(116.9, 117.5))


def test_gcj02_lies_538_metres_off_at_dongzhao() -> None:
    shifted = datum.from_wgs84(*DONGZHAO, "gcj02")
    assert geodesy.distance_m(*DONGZHAO, *shifted) == pytest.approx(538, abs=1)


def test_a_known_gcj02_position_comes_back_to_dongzhao() -> None:
    assert geodesy.distance_m(*DONGZHAO, *datum.to_wgs84(37.812065, 117.018520, "gcj02")) < 0.2


@pytest.mark.parametrize("crs", datum.DATUMS)
@given(point=in_china | in_the_county)
def test_there_and_back_is_within_a_centimetre(crs: str, point: tuple[float, float]) -> None:
    back = datum.to_wgs84(*datum.from_wgs84(*point, crs), crs)
    assert geodesy.distance_m(*point, *back) < 0.01


@pytest.mark.parametrize("crs", datum.DATUMS)
@pytest.mark.parametrize("point", [(43.4674, 11.8851), (60.1467, 24.9068), (-33.9, 151.2), (0.0, 0.0)])
def test_nothing_is_shifted_outside_china(crs: str, point: tuple[float, float]) -> None:
    assert datum.to_wgs84(*point, crs) == point
    assert datum.from_wgs84(*point, crs) == point


def test_wgs84_is_left_as_it_is() -> None:
    assert datum.to_wgs84(*DONGZHAO, "wgs84") == DONGZHAO


@given(point=in_china, crs=st.sampled_from(("gcj02", "bd09")))
def test_the_answer_is_always_finite(point: tuple[float, float], crs: str) -> None:
    assert all(math.isfinite(value) for value in datum.to_wgs84(*point, crs))


@pytest.mark.parametrize("convert", [datum.to_wgs84, datum.from_wgs84])
def test_an_unknown_datum_is_refused(convert: object) -> None:
    with pytest.raises(ValueError, match="unknown datum"):
        convert(*DONGZHAO, "nad27")  # type: ignore[operator]
