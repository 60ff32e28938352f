import io
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from PIL import Image, ImageEnhance

from bench import scenes
from server.adapters import likeness
from server.domain.problems import Problem
from tests.adapters.samples import ORIENTATION, SHARED_PHOTOS, encoded, exif_block, png_claiming

LEAST = 0.93
MIRROR = Image.Transpose.FLIP_LEFT_RIGHT


def cropped(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    wide, high = picture.size
    return picture.crop((round(left * wide), round(top * high), round((1 - right) * wide), round((1 - bottom) * high)))


def half(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width // 2, picture.height // 2))


COPIES = {
    "saved again at 95": lambda p: encoded(p, quality=95),
    "saved again at 30": lambda p: encoded(p, quality=30),
    "half as large": lambda p: encoded(half(p)),
    "as PNG": lambda p: encoded(p, "PNG"),
    "as WebP": lambda p: encoded(p, "WEBP", quality=70),
    "turned by its tag": lambda p: encoded(p.rotate(90, expand=True), "JPEG", exif_block({ORIENTATION: 6})),
    "mirrored": lambda p: encoded(p.transpose(MIRROR)),
    "brighter": lambda p: encoded(ImageEnhance.Brightness(p).enhance(1.15)),
    "darker": lambda p: encoded(ImageEnhance.Brightness(p).enhance(0.85)),
    "a tenth off the left": lambda p: encoded(cropped(p, 0.1, 0, 0, 0)),
    "a tenth off two sides": lambda p: encoded(cropped(p, 0, 0.1, 0.1, 0)),
    "a tenth off three sides": lambda p: encoded(cropped(p, 0.1, 0, 0.1, 0.1)),
    "a tenth off all sides": lambda p: encoded(cropped(p, 0.1, 0.1, 0.1, 0.1)),
    "a little off all sides": lambda p: encoded(cropped(p, 0.03, 0.07, 0.05, 0.02)),
    "cropped, mirrored, half as large, at 50": lambda p: encoded(
        half(cropped(p, 0.1, 0.1, 0, 0).transpose(MIRROR)), quality=50
    ),
    "cropped a little, mirrored, darker, at 30": lambda p: encoded(
        ImageEnhance.Brightness(cropped(p, 0, 0.06, 0.04, 0).transpose(MIRROR)).enhance(0.9), quality=30
    ),
}
ONE_OF_EACH = range(len(scenes.KINDS))


@pytest.fixture(scope="module")
def pictures() -> dict[int, Image.Image]:
    return {number: scenes.scene(number) for number in ONE_OF_EACH}


def alike(one: bytes | Path, other: bytes | Path) -> float:
    """How well two pictures agree, 0 if they are not even candidates."""
    mine, theirs = likeness.grey(one), likeness.grey(other)
    prints, others = likeness.prints(mine), likeness.prints(theirs)
    if prints is None or others is None:
        return 0.0
    found = likeness.nearest(prints, others, 8)
    return likeness.likeness(mine, theirs, found[0]) if found else 0.0


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("number", ONE_OF_EACH, ids=scenes.KINDS)
def test_a_copy_is_recognised_whichever_of_the_two_came_first(
    pictures: dict[int, Image.Image], number: int, copy: object
) -> None:
    assert callable(copy)
    original, made = encoded(pictures[number], quality=88), copy(pictures[number])
    assert alike(made, original) >= LEAST
    assert alike(original, made) >= LEAST


@pytest.mark.parametrize("number", ONE_OF_EACH, ids=scenes.KINDS)
def test_another_photo_of_the_same_place_is_no_copy(pictures: dict[int, Image.Image], number: int) -> None:
    again = scenes.scene(number, scenes.shot(Random(f"again {number}"), 1))
    assert alike(encoded(again), encoded(pictures[number])) < LEAST


def test_pictures_of_other_places_are_no_copies(pictures: dict[int, Image.Image]) -> None:
    for one, other in combinations([*pictures.values(), scenes.scene(6), scenes.scene(8)], 2):
        assert alike(encoded(one), encoded(other)) < 0.8


def test_the_nearest_of_many_comes_first(pictures: dict[int, Image.Image]) -> None:
    prints = [likeness.prints(likeness.grey(encoded(picture))) for picture in pictures.values()]
    assert all(prints)
    joined = b"".join(one for one in prints if one)
    mine = likeness.prints(likeness.grey(encoded(cropped(pictures[3], 0.1, 0, 0, 0.1))))
    assert mine is not None
    found = likeness.nearest(mine, joined, 2)
    assert (found[0].number, len(mine)) == (3, likeness.PRINT_BYTES)
    assert likeness.nearest(mine, b"", 2) == []


FLAT = {
    "white": Image.new("RGB", (400, 300), "white"),
    "black": Image.new("RGB", (400, 300), "black"),
    "a night sky": Image.effect_noise((400, 300), 4).point(lambda value: value - 110),
    "a smooth fall of light": Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_180),
}


@pytest.mark.parametrize("picture", FLAT.values(), ids=FLAT)
def test_a_flat_picture_is_like_no_other(picture: Image.Image) -> None:
    assert likeness.prints(likeness.grey(encoded(picture))) is None


@pytest.mark.parametrize("data", [b"", b"no picture", png_claiming(300, 300)], ids=["nothing", "text", "undecodable"])
def test_what_cannot_be_decoded_is_refused(data: bytes) -> None:
    with pytest.raises(Problem):
        likeness.grey(data)


def test_a_file_and_its_bytes_look_the_same(tmp_path: Path, pictures: dict[int, Image.Image]) -> None:
    data = encoded(pictures[1])
    (tmp_path / "photo").write_bytes(data)
    assert alike(tmp_path / "photo", data) > 0.999


def test_two_real_views_of_one_valley_are_different_pictures_and_their_copies_are_found() -> None:
    files = [SHARED_PHOTOS / name for name in ("DSCN0010.jpg", "DSCN0012.jpg", "HMD_Nokia_8.3_5G.jpg")]
    if not all(file.exists() for file in files):
        pytest.skip("the real photos are not beside this folder")
    for one, other in combinations(files, 2):
        assert alike(one, other) < LEAST
    for file in files:
        with Image.open(io.BytesIO(file.read_bytes())) as opened:
            picture = opened.convert("RGB")
        for copy in ("a tenth off all sides", "cropped, mirrored, half as large, at 50"):
            assert alike(COPIES[copy](picture), file) >= LEAST
