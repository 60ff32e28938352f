import random
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from server.adapters import fingerprint
from server.domain.problems import Problem
from tests.adapters.samples import ORIENTATION, SHARED_PHOTOS, encoded, exif_block, png_claiming

prints = st.binary(min_size=16, max_size=16)


def landscape(seed: int) -> Image.Image:
    """A picture of large shapes, another for every seed."""
    chance = random.Random(seed)
    picture = Image.new("RGB", (1600, 1200), (120, 130, 140))
    draw = ImageDraw.Draw(picture)
    for _shape in range(40):
        x, y = chance.randrange(1600), chance.randrange(1200)
        draw.ellipse(
            (x, y, x + chance.randrange(50, 500), y + chance.randrange(50, 500)), fill=chance.randrange(1 << 24)
        )
    return picture


def of(data: bytes) -> bytes:
    found = fingerprint.fingerprint(data)
    assert found is not None
    return found


COPIES = {
    "saved again": lambda picture: encoded(picture, quality=60),
    "half as large": lambda picture: encoded(picture.resize((800, 600)), quality=80),
    "as PNG": lambda picture: encoded(picture, "PNG"),
    "as WebP": lambda picture: encoded(picture, "WEBP", quality=70),
    "turned by its tag": lambda picture: encoded(picture.rotate(90, expand=True), "JPEG", exif_block({ORIENTATION: 6})),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_copy_is_recognised(seed: int, copy: object) -> None:
    picture = landscape(seed)
    assert callable(copy)
    assert fingerprint.distance(of(encoded(picture, quality=90)), of(copy(picture))) <= 3


def test_different_pictures_are_far_apart() -> None:
    found = [of(encoded(landscape(seed))) for seed in range(8)]
    assert min(fingerprint.distance(one, other) for one, other in combinations(found, 2)) > 20


FLAT = {
    "white": Image.new("RGB", (400, 300), "white"),
    "black": Image.new("RGB", (400, 300), "black"),
    "a night sky": Image.effect_noise((400, 300), 4).point(lambda value: value - 110),
    "a smooth fall of light": Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_180),
}


@pytest.mark.parametrize("picture", FLAT.values(), ids=FLAT)
def test_a_flat_picture_has_no_fingerprint(picture: Image.Image) -> None:
    assert fingerprint.fingerprint(encoded(picture)) is None


@pytest.mark.parametrize("data", [b"", b"no picture", png_claiming(300, 300)], ids=["nothing", "text", "undecodable"])
def test_what_cannot_be_decoded_has_no_fingerprint(data: bytes) -> None:
    with pytest.raises(Problem):
        fingerprint.fingerprint(data)


@given(prints)
def test_bands_are_signed_and_hold_the_whole_fingerprint(print_: bytes) -> None:
    bands = fingerprint.bands(print_)
    assert all(-(2**31) <= band < 2**31 for band in bands)
    assert b"".join(band.to_bytes(4, "big", signed=True) for band in bands) == print_


@given(prints, st.sets(st.integers(0, 127), max_size=3))
def test_three_bits_off_still_share_a_band(print_: bytes, flipped: set[int]) -> None:
    other = (int.from_bytes(print_, "big") ^ sum(1 << bit for bit in flipped)).to_bytes(16, "big")
    assert fingerprint.distance(print_, other) == len(flipped)
    assert any(one == two for one, two in zip(fingerprint.bands(print_), fingerprint.bands(other), strict=True))


def test_a_file_and_its_bytes_have_the_same_fingerprint(tmp_path: Path) -> None:
    data = encoded(landscape(1))
    (tmp_path / "photo").write_bytes(data)
    assert fingerprint.fingerprint(tmp_path / "photo") == fingerprint.fingerprint(data)


def test_two_real_views_of_one_valley_are_different_pictures() -> None:
    files = [SHARED_PHOTOS / name for name in ("DSCN0010.jpg", "DSCN0012.jpg", "HMD_Nokia_8.3_5G.jpg")]
    if not all(file.exists() for file in files):
        pytest.skip("the real photos are not beside this folder")
    found = [of(file.read_bytes()) for file in files]
    assert min(fingerprint.distance(one, other) for one, other in combinations(found, 2)) > 40
    with Image.open(files[2]) as picture:
        assert fingerprint.distance(found[2], of(encoded(picture.resize((1600, 686)), quality=70))) <= 3
