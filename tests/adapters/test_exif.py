import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters import exif
from tests.adapters.samples import (
    DIGITIZED,
    DONGZHAO_GPS,
    ORIENTATION,
    TAKEN,
    TAKEN_OFFSET,
    exif_block,
)

WHOLE = exif_block(
    {ORIENTATION: 6},
    {TAKEN: "2018:11:20 09:31:05", TAKEN_OFFSET: "+08:00"},
    DONGZHAO_GPS | {7: (1.0, 31.0, 2.0), 29: "2018:11:20"},
)


def test_a_phone_s_tags_are_read() -> None:
    tags = exif.read(WHOLE)
    assert tags.orientation == 6
    assert tags.latitude == pytest.approx(37.811267, abs=1e-6)
    assert tags.longitude == pytest.approx(117.012492, abs=1e-6)
    assert tags.taken_at == datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("north", "east", "expected"), [("N", "W", (37.0, -117.0)), ("S", "E", (-37.0, 117.0)), ("n", "e", (37.0, 117.0))]
)
def test_the_letters_give_the_signs(north: str, east: str, expected: tuple[float, float]) -> None:
    tags = exif.read(exif_block(gps={1: north, 2: (37.0, 0.0, 0.0), 3: east, 4: (117.0, 0.0, 0.0)}))
    assert (tags.latitude, tags.longitude) == expected


NO_POSITION: dict[str, dict[int, Any]] = {
    "nothing": {},
    "only a latitude": {1: "N", 2: (37.0, 48.0, 40.0)},
    "no letters": {2: (37.0, 48.0, 40.0), 4: (117.0, 0.0, 44.0)},
    "a strange letter": DONGZHAO_GPS | {1: "X"},
    "a latitude beyond the pole": DONGZHAO_GPS | {2: (90.0, 0.0, 1.0)},
    "a longitude beyond the date line": DONGZHAO_GPS | {4: (181.0, 0.0, 0.0)},
    "zero and zero": {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
    "too many parts": DONGZHAO_GPS | {2: (37.0, 48.0, 40.0, 1.0)},
}


@pytest.mark.parametrize("gps", NO_POSITION.values(), ids=NO_POSITION)
def test_a_position_that_makes_no_sense_is_no_tag(gps: dict[int, Any]) -> None:
    tags = exif.read(exif_block(gps=gps))
    assert (tags.latitude, tags.longitude) == (None, None)


@pytest.mark.parametrize("degrees", [(0, 0), (37, 0)], ids=["nothing over zero", "something over zero"])
def test_a_zero_denominator_is_no_tag(degrees: tuple[int, int]) -> None:
    good = exif_block(gps=DONGZHAO_GPS)
    bad = good.replace(struct.pack("<II", 37, 1), struct.pack("<II", *degrees))
    assert bad != good
    assert exif.read(bad).latitude is None


LOCAL = datetime.fromisoformat("2018-11-20T09:31:05")  # of wherever the photo was taken
TIMES: dict[str, tuple[dict[int, Any], datetime | None]] = {
    "local": ({TAKEN: "2018:11:20 09:31:05"}, LOCAL),
    "with dashes": ({TAKEN: "2018-11-20 09:31:05"}, LOCAL),
    "with an offset": (
        {TAKEN: "2018:11:20 09:31:05", TAKEN_OFFSET: "-03:30"},
        datetime(2018, 11, 20, 13, 1, 5, tzinfo=UTC),
    ),
    "with Z": ({TAKEN: "2018:11:20 09:31:05", TAKEN_OFFSET: "Z"}, datetime(2018, 11, 20, 9, 31, 5, tzinfo=UTC)),
    "with a blank offset": ({TAKEN: "2018:11:20 09:31:05", TAKEN_OFFSET: "   :  "}, LOCAL),
    "with a mad offset": ({TAKEN: "2018:11:20 09:31:05", TAKEN_OFFSET: "+99:00"}, LOCAL),
    "digitized only": ({DIGITIZED: "2018:11:20 09:31:05"}, LOCAL),
    "zeros": ({TAKEN: "0000:00:00 00:00:00"}, None),
    "blanks": ({TAKEN: "    :  :     :  :  "}, None),
    "no such day": ({TAKEN: "2018:02:30 09:31:05"}, None),
    "no such hour": ({TAKEN: "2018:11:20 25:31:05"}, None),
    "a far year": ({TAKEN: "9999:12:31 23:59:59", TAKEN_OFFSET: "-12:00"}, None),
    "cut short": ({TAKEN: "2018:11:20 09:3"}, None),
    "words": ({TAKEN: "yesterday, at noon!"}, None),
    "a number": ({TAKEN: 20181120}, None),
    "absent": ({}, None),
}


@pytest.mark.parametrize(("tags", "taken_at"), TIMES.values(), ids=TIMES)
def test_the_time_is_read_as_it_was_written(tags: dict[int, Any], taken_at: datetime | None) -> None:
    assert exif.read(exif_block(exif=tags)).taken_at == taken_at


def test_without_the_camera_s_time_the_time_of_the_fix_counts() -> None:
    gps = DONGZHAO_GPS | {7: (1.0, 31.0, 5.5), 29: "2018:11:20"}
    assert exif.read(exif_block(gps=gps)).taken_at == datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(orientation: int) -> None:
    assert exif.read(exif_block({ORIENTATION: orientation})).orientation == 1


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(noise: bytes) -> None:
    exif.read(noise)
    exif.read(b"II*\0" + noise)
    exif.read(b"MM\0*\0\0\0\x08" + noise)


@given(st.data())
def test_no_damage_makes_it_raise_or_leave_the_globe(data: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    for _change in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    tags = exif.read(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    assert 1 <= tags.orientation <= 8
    assert (tags.latitude is None) == (tags.longitude is None)
    if tags.latitude is not None and tags.longitude is not None:
        assert -90 <= tags.latitude <= 90
        assert -180 <= tags.longitude <= 180


def test_a_directory_that_points_at_itself_ends() -> None:
    entries = struct.pack("<HHII", 0x8825, 4, 1, 8) + struct.pack("<HHII", 0x8769, 4, 1, 8)
    assert exif.read(b"II*\0\x08\0\0\0\x02\0" + entries) == exif.NO_TAGS
