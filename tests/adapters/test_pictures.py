import io
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from server.adapters import likeness, picture_files, pictures
from server.domain import problems
from server.domain.problems import Kind, Problem
from tests.adapters.samples import (
    DONGZHAO_GPS,
    ORIENTATION,
    SHARED_PHOTOS,
    TAKEN,
    TAKEN_OFFSET,
    encoded,
    exif_block,
    jpeg,
    layered,
    png_chunk,
    png_claiming,
    scene,
)

TAGS = exif_block({}, {TAKEN: "2018:11:20 09:31:05", TAKEN_OFFSET: "+08:00"}, DONGZHAO_GPS)
PICTURES = {
    "JPEG": (jpeg(TAGS), "image/jpeg"),
    "progressive JPEG": (jpeg(TAGS, progressive=True), "image/jpeg"),
    "grey JPEG": (encoded(scene().convert("L"), "JPEG", TAGS), "image/jpeg"),
    "CMYK JPEG": (encoded(scene().convert("CMYK"), "JPEG", TAGS), "image/jpeg"),
    "two pictures in one JPEG": (
        encoded(scene(), "MPO", TAGS, save_all=True, append_images=[scene(64, 48)]),
        "image/jpeg",
    ),
    "JPEG with a film behind it": (jpeg(TAGS) + b"\0\0\0\x18ftypmp42" + bytes(4000), "image/jpeg"),
    "PNG": (encoded(scene(), "PNG", TAGS), "image/png"),
    "PNG with a palette": (encoded(scene().convert("P"), "PNG", TAGS), "image/png"),
    "PNG with transparency": (encoded(scene().convert("RGBA"), "PNG", TAGS), "image/png"),
    "PNG with 16 bits": (encoded(scene().convert("I;16"), "PNG", TAGS), "image/png"),
    "WebP": (encoded(scene(), "WEBP", TAGS), "image/webp"),
    "lossless WebP": (encoded(scene(), "WEBP", TAGS, lossless=True), "image/webp"),
    "animated WebP": (
        encoded(scene(), "WEBP", TAGS, save_all=True, append_images=[scene().rotate(90)]),
        "image/webp",
    ),
}
every_picture = pytest.mark.parametrize(("data", "media_type"), PICTURES.values(), ids=PICTURES)


def refused(data: bytes | Path, media_type: str = "image/jpeg", **options: int) -> Kind:
    with pytest.raises(Problem) as raised:
        pictures.inspect(data, media_type, **options)
    return raised.value.kind


@every_picture
def test_facts_are_read_from_every_kind_of_picture(data: bytes, media_type: str, tmp_path: Path) -> None:
    facts = pictures.inspect(data, media_type)
    assert (facts.media_type, facts.width, facts.height) == (media_type, 640, 480)
    assert facts.latitude == pytest.approx(37.811267, abs=1e-6)
    assert facts.longitude == pytest.approx(117.012492, abs=1e-6)
    assert facts.taken_at == datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)
    assert facts.taken_at_has_offset
    file = tmp_path / "photo"
    file.write_bytes(data)
    assert pictures.inspect(file, media_type) == facts


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "JPEG"])
def test_a_picture_without_metadata_has_no_tags(kind: str) -> None:
    facts = pictures.inspect(encoded(scene(), kind), f"image/{kind.lower()}")
    assert (facts.width, facts.height, facts.orientation) == (640, 480, 1)
    assert (facts.latitude, facts.longitude, facts.taken_at) == (None, None, None)
    assert not facts.taken_at_has_offset


@pytest.mark.parametrize("declared", ["image/jpeg", "IMAGE/JPEG", "image/jpg", "image/jpeg; charset=binary"])
def test_the_declared_type_may_be_written_in_several_ways(declared: str) -> None:
    assert pictures.inspect(jpeg(), declared).media_type == "image/jpeg"


@every_picture
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_picture_cut_off_is_refused(data: bytes, media_type: str, share: float) -> None:
    whole = data
    for behind in (b"\0\0\0\x18ftyp", b"\xff\xd8\xff"):  # a film or a second picture may be cut
        whole = whole[: whole.rfind(behind)] if whole.rfind(behind) > 0 else whole
    assert refused(whole[: int(len(whole) * share)], media_type) in (
        problems.PHOTO_TRUNCATED,
        problems.PHOTO_UNREADABLE,
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_not_one_byte_may_be_missing_at_the_end(kind: str) -> None:
    data = encoded(scene(64, 48), kind)
    for length in range(16, len(data)):
        assert refused(data[:length], f"image/{kind.lower()}") == problems.PHOTO_TRUNCATED


def test_a_jpeg_filled_up_with_zeros_is_cut_off_too() -> None:
    data = jpeg()
    assert refused(data[: len(data) // 2] + bytes(len(data) // 2)) == problems.PHOTO_TRUNCATED


def test_the_end_of_the_embedded_thumbnail_is_not_the_end_of_the_picture() -> None:
    data = jpeg()
    app1 = b"\xff\xe1" + (len(jpeg()) % 60000).to_bytes(2, "big") + b"\0" * (len(jpeg()) % 60000 - 4) + b"\xff\xd9"
    with_thumbnail = data[:2] + app1 + data[2:]
    assert pictures.inspect(with_thumbnail, "image/jpeg").width == 640
    assert refused(with_thumbnail[: 2 + len(app1)]) == problems.PHOTO_TRUNCATED
    assert refused(with_thumbnail[:-100]) == problems.PHOTO_TRUNCATED


REFUSED: dict[str, tuple[bytes, str, Kind]] = {
    "nothing": (b"", "image/jpeg", problems.PHOTO_UNREADABLE),
    "one byte": (b"\xff", "image/jpeg", problems.PHOTO_UNREADABLE),
    "a text file called jpg": (b"This is no picture at all.\n" * 40, "image/jpeg", problems.PHOTO_UNREADABLE),
    "a GIF": (encoded(scene().convert("P"), "GIF"), "image/gif", problems.PHOTO_UNREADABLE),
    "a TIFF": (encoded(scene(), "TIFF"), "image/tiff", problems.PHOTO_UNREADABLE),
    "a PNG called JPEG": (encoded(scene(), "PNG"), "image/jpeg", problems.PHOTO_TYPE),
    "a JPEG called WebP": (jpeg(), "image/webp", problems.PHOTO_TYPE),
    "a JPEG called a download": (jpeg(), "application/octet-stream", problems.PHOTO_TYPE),
    "an iPhone's HEIC": (b"\0\0\0\x28ftypheic\0\0\0\0mif1heic" + bytes(64), "image/heic", problems.PHOTO_HEIC),
    "a HEIC called JPEG": (b"\0\0\0\x18ftypmif1" + bytes(64), "image/jpeg", problems.PHOTO_HEIC),
    "a film": (b"\0\0\0\x18ftypmp42" + bytes(64), "video/mp4", problems.PHOTO_UNREADABLE),
    "the start of a JPEG": (b"\xff\xd8\xff", "image/jpeg", problems.PHOTO_TRUNCATED),
    "a JPEG of markers only": (b"\xff\xd8\xff" + b"\xd0\xff" * 5000 + b"\xd9", "image/jpeg", problems.PHOTO_UNREADABLE),
    "a JPEG of tiny segments": (b"\xff\xd8" + b"\xff\xe0\0\2" * 30_000, "image/jpeg", problems.PHOTO_UNREADABLE),
    "a JPEG of a thousand scans": (layered(64, 48, 1000), "image/jpeg", problems.PHOTO_TOO_MANY_SCANS),
    "a large JPEG of too many scans": (layered(7000, 7000, 20), "image/jpeg", problems.PHOTO_TOO_MANY_SCANS),
    "a PNG of tiny chunks": (
        png_claiming(9, 9)[:33] + png_chunk(b"teST", b"") * 30_000,
        "image/png",
        problems.PHOTO_UNREADABLE,
    ),
    "a PNG without pixels": (png_claiming(9, 9)[:33] + png_chunk(b"IEND", b""), "image/png", problems.PHOTO_UNREADABLE),
    "a PNG of no width": (png_claiming(0, 9), "image/png", problems.PHOTO_UNREADABLE),
    "a PNG with a changed header": (
        png_claiming(9, 9).replace(b"\0\0\0\x09", b"\0\0\0\x08", 1),
        "image/png",
        problems.PHOTO_UNREADABLE,
    ),
}


@pytest.mark.parametrize(("data", "declared", "kind"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_picture_of_ours_is_refused(data: bytes, declared: str, kind: Kind, tmp_path: Path) -> None:
    assert refused(data, declared) == kind
    file = tmp_path / "photo"
    file.write_bytes(data)
    assert refused(file, declared) == kind


def test_a_huge_png_is_refused_by_its_header_with_memory_flat() -> None:
    data = png_claiming(20_000, 20_000)
    tracemalloc.start()
    try:
        assert refused(data, "image/png") == problems.PHOTO_TOO_MANY_PIXELS
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_a_sequential_jpeg_drawn_colour_by_colour_may_not_have_a_thousand_scans_either() -> None:
    frame = b"\xff\xc0\0\x11\x08\0\x30\0\x40\x03" + b"\x01\x11\0\x02\x11\0\x03\x11\0"
    scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + b"\0\0"
    assert refused(b"\xff\xd8" + frame + scan * 1000 + b"\xff\xd9") == problems.PHOTO_TOO_MANY_SCANS
    assert pictures.inspect(b"\xff\xd8" + frame + scan * 3 + b"\xff\xd9", "image/jpeg").width == 64


def test_scans_are_counted_by_their_markers_only() -> None:
    film = random.Random(1).randbytes(2_000_000) + b"\xff\xda" * 1000
    assert pictures.inspect(jpeg() + film + b"\xff\xd9", "image/jpeg").width == 640
    remark = b"\xff\xfe" + (2002).to_bytes(2, "big") + b"\xff\xda" * 1000
    few = layered(64, 48, 5)
    scan = few.rfind(b"\xff\xc4")
    assert pictures.inspect(few[:scan] + remark + few[scan:], "image/jpeg").width == 64
    # An end in a remark is no end: what follows is drawn.
    hidden = b"\xff\xfe\0\x06\xff\xd9\xff\xd9"
    many = layered(64, 48, 1000)
    first = few.find(b"\xff\xc4", few.find(b"\xff\xda"))
    assert refused(many[:first] + hidden + many[first:]) == problems.PHOTO_TOO_MANY_SCANS


@pytest.mark.parametrize("more", [{}, {"progressive": True}], ids=["at once", "progressive"])
def test_a_jpeg_whose_coded_data_was_written_over_is_refused(more: dict[str, Any]) -> None:
    data = bytearray(encoded(scene(), quality=95, **more))
    assert len(data) > 40_000
    middle = len(data) // 2
    data[middle : middle + 8000] = random.Random(1).randbytes(8000)
    assert refused(bytes(data)) == problems.PHOTO_UNREADABLE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_limit_of_pixels_is_a_setting(kind: str) -> None:
    data, media_type = encoded(scene(), kind), f"image/{kind.lower()}"
    assert pictures.inspect(data, media_type, max_pixels=640 * 480).width == 640
    assert refused(data, media_type, max_pixels=640 * 480 - 1) == problems.PHOTO_TOO_MANY_PIXELS


@settings(max_examples=300)
@given(st.data())
def test_damage_is_refused_or_harmless_but_never_an_error(data: st.DataObject) -> None:
    original, media_type = data.draw(st.sampled_from(list(PICTURES.values())))
    damaged = bytearray(original)
    for _change in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, min(len(damaged) - 1, 3000)))] = data.draw(st.integers(0, 255))
    with suppress(Problem):
        pictures.inspect(bytes(damaged), media_type)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def segments(data: bytes) -> list[int]:
    """The markers of a JPEG up to its coded data."""
    found: list[int] = []
    at = 2
    while not found or found[-1] != 0xDA:
        found.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return found


@every_picture
@pytest.mark.parametrize(("size", "expected"), [("thumb", (320, 240)), ("screen", (640, 480))])
def test_a_copy_is_a_small_jpeg_without_metadata(
    data: bytes, media_type: str, size: pictures.Size, expected: tuple[int, int], tmp_path: Path
) -> None:
    original = tmp_path / "photo"
    original.write_bytes(data)
    copy = pictures.rendition(original, size)
    assert opened(copy).format == "JPEG"
    assert opened(copy).size == expected
    # Of the applications' segments only the first (JFIF), and no comment.
    assert {marker for marker in segments(copy) if marker >= 0xE0} <= {0xE0}
    assert original.read_bytes() == data


def test_a_large_picture_is_brought_down_to_the_screen(tmp_path: Path) -> None:
    original = tmp_path / "photo"
    original.write_bytes(encoded(scene(3000, 2000), comment=b"secret"))
    copy = pictures.rendition(original, "screen")
    assert opened(copy).size == (1280, 853)
    assert b"secret" not in copy


@pytest.mark.parametrize("size", [(12_000, 1), (1, 12_000), (12_000, 40)], ids=str)
def test_a_picture_as_thin_as_a_thread_has_copies_too(size: tuple[int, int], tmp_path: Path) -> None:
    original = tmp_path / "photo"
    original.write_bytes(encoded(Image.linear_gradient("L").resize(size)))
    assert max(opened(pictures.rendition(original, "thumb")).size) == 320
    assert max(opened(pictures.stamped(original, LINES)).size) >= 1280
    assert max(pictures.upright(original, 144, mode="L").size) == 144


def test_of_an_animation_only_the_first_picture_is_drawn(tmp_path: Path) -> None:
    for kind in ("WEBP", "PNG"):
        original = tmp_path / kind
        colours = ["red"] + ["blue", "green"] * 50
        frames = [Image.new("RGB", (64, 48), colour) for colour in colours]
        original.write_bytes(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
        red, green, _blue = opened(pictures.rendition(original, "thumb")).getpixel((20, 20))  # type: ignore[misc]
        assert red > 200 > 60 > green


def test_nobody_waits_long_for_a_picture_while_others_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tmp_path / "photo"
    original.write_bytes(jpeg())
    monkeypatch.setattr(pictures, "_PATIENCE_S", 0.05)
    with pictures._DECODING:
        with pytest.raises(Problem) as raised:
            pictures.rendition(original, "thumb")
        assert (raised.value.kind, raised.value.retry_after) == (problems.UNAVAILABLE, pictures._RETRY_S)
        with pytest.raises(Problem):  # and the jobs do not take it for a picture that cannot be read
            likeness.grey(original)
    assert opened(pictures.rendition(original, "thumb")).size == (320, 240)


_PEAK = """
import sys, threading
from pathlib import Path
from server.adapters import pictures
from server.domain.problems import Problem
def draw():
    try:
        pictures.rendition(Path(sys.argv[1]), "full")
    except Problem:
        pass
pictures.rendition(Path(sys.argv[2]), "full")
Path("/proc/self/clear_refs").write_text("5")
before = [int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")][0]
threads = [threading.Thread(target=draw) for _ in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
print([int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")][0] - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of memory")
def test_the_largest_transparent_picture_costs_two_copies_of_it_whoever_else_asks(tmp_path: Path) -> None:
    original, small = tmp_path / "large", tmp_path / "small"
    ramp = Image.linear_gradient("L").resize((7000, 7000)).convert("RGBA")
    original.write_bytes(encoded(ramp, "PNG", compress_level=1))
    small.write_bytes(jpeg())
    ran = subprocess.run(
        [sys.executable, "-c", _PEAK, str(original), str(small)],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(ran.stdout) < 620_000  # kB; 7000 x 7000 pixels are 196,000


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_copy_stands_upright(orientation: int, tmp_path: Path) -> None:
    # Pillow's own idea of the eight orientations, undone on the pixels and written into the tag.
    turned = scene()
    for step in {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}.get(orientation, []):
        turned = turned.transpose(Image.Transpose(step))
    original = tmp_path / "photo"
    original.write_bytes(encoded(turned, "JPEG", exif_block({ORIENTATION: orientation}), quality=95))
    copy = opened(pictures.rendition(original, "thumb"))
    assert copy.size == (320, 240)
    red, green, _blue = copy.getpixel((20, 20))  # type: ignore[misc]
    assert red > 200 > 60 > green


def test_a_grey_picture_of_16_bits_keeps_its_tones(tmp_path: Path) -> None:
    ramp = Image.linear_gradient("L").convert("I").point(lambda value: value * 257).convert("I;16")
    original = tmp_path / "photo"
    original.write_bytes(encoded(ramp, "PNG"))
    copy = opened(pictures.rendition(original, "thumb")).convert("L")
    assert copy.getpixel((128, 128)) == pytest.approx(128, abs=4)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    original = tmp_path / "photo"
    original.write_bytes(encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), "PNG"))
    assert opened(pictures.rendition(original, "thumb")).getpixel((20, 20)) == (255, 255, 255)


def test_a_damaged_exif_block_does_not_keep_a_copy_from_being_made(tmp_path: Path) -> None:
    original = tmp_path / "photo"
    original.write_bytes(jpeg(TAGS[:8] + b"\xff" * 40))
    assert opened(pictures.rendition(original, "thumb")).size == (320, 240)


def test_a_picture_that_turns_out_undecodable_is_refused(tmp_path: Path) -> None:
    original = tmp_path / "photo"
    original.write_bytes(png_claiming(300, 300))
    assert pictures.inspect(original, "image/png").width == 300
    with pytest.raises(Problem) as raised:
        pictures.rendition(original, "thumb")
    assert raised.value.kind == problems.PHOTO_UNREADABLE


LINES = ["乐陵市 西段乡 东赵村", "2018年11月20日 09:31", "张喆（党建特派员）", "距村中心 12 米"]


def bright(picture: Image.Image, top: int) -> int:
    """How many pixels below a row are as light as the letters."""
    band = picture.convert("L").crop((0, top, picture.width, picture.height))
    return sum(band.histogram()[180:])


def test_a_stamped_copy_shows_the_whole_picture_and_the_lines_below_it(tmp_path: Path) -> None:
    original = tmp_path / "photo"
    data = jpeg(TAGS)
    original.write_bytes(data)
    copy = opened(pictures.stamped(original, LINES))
    assert copy.width == 640
    assert copy.height > 480 + 4 * 20
    assert bright(copy, 482) > 1000
    assert bright(opened(pictures.stamped(original, [" "] * 4)), 482) == 0
    plain = opened(pictures.rendition(original, "screen"))
    assert copy.crop((0, 0, 640, 470)).getpixel((300, 200)) == plain.getpixel((300, 200))
    assert original.read_bytes() == data


def test_a_line_too_long_is_cut_inside_the_picture(tmp_path: Path) -> None:
    original = tmp_path / "photo"
    original.write_bytes(encoded(scene(200, 150)))
    copy = opened(pictures.stamped(original, ["很长的地名" * 30]))
    assert copy.width == 200
    assert bright(copy.crop((196, 0, 200, copy.height)), 152) == 0


def test_no_line_means_no_band(tmp_path: Path) -> None:
    original = tmp_path / "photo"
    original.write_bytes(jpeg())
    assert opened(pictures.stamped(original, [])).size == (640, 480)


@pytest.mark.parametrize("character", list("乐陵东赵村喆玥堃（）：，·～0aZ"))
def test_the_font_has_what_names_need(character: str) -> None:
    font = pictures._font(20)
    assert font.getmask(character).getbbox() is not None
    assert bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffd"))


@pytest.fixture
def shared_photo() -> Callable[[str], Path]:
    def find(name: str) -> Path:
        path = SHARED_PHOTOS / name
        if not path.exists():
            pytest.skip("the real photos are not beside this folder")
        return path

    return find


REAL = {
    "DSCN0010.jpg": (640, 480, 43.467448, 11.885127, datetime.fromisoformat("2008-10-22T16:28:39")),
    "DSCN0012.jpg": (640, 480, 43.467157, 11.885395, datetime.fromisoformat("2008-10-22T16:29:49")),
    "HMD_Nokia_8.3_5G.jpg": (4608, 1976, 60.146706, 24.906772, datetime(2022, 8, 14, 11, 12, 31, tzinfo=UTC)),
}


@pytest.mark.parametrize("name", REAL)
def test_real_photos_are_read(name: str, shared_photo: Callable[[str], Path]) -> None:
    width, height, latitude, longitude, taken_at = REAL[name]
    path = shared_photo(name)
    facts = pictures.inspect(path, "image/jpeg")
    assert (facts.width, facts.height, facts.taken_at) == (width, height, taken_at)
    assert facts.latitude == pytest.approx(latitude, abs=1e-5)
    assert facts.longitude == pytest.approx(longitude, abs=1e-5)
    assert max(opened(pictures.rendition(path, "thumb")).size) == 320
    data = path.read_bytes()
    for share in (0.2, 0.6, 0.99):
        assert refused(data[: int(len(data) * share)]) == problems.PHOTO_TRUNCATED


def test_only_the_needed_parts_reach_the_decoder() -> None:
    data = jpeg(TAGS, comment=b"remark")
    header = picture_files.read_header(data)
    kept = b"".join(data[start:end] for start, end in header.needed)
    assert b"Exif" not in kept
    assert b"remark" not in kept
    assert opened(kept).tobytes() == opened(data).tobytes()
