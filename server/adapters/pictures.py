"""Pictures: what a photo says about itself, and the smaller copies of it that people look at.

Receiving a photo only reads its header (`inspect`). Decoding happens for copies alone, at a reduced scale
where the format allows, a few at a time. Pillow is imported at the first copy.
"""

import io
import mmap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from server.adapters import exif, picture_files
from server.adapters.picture_files import JPEG, MEDIA_TYPES, Buffer
from server.domain import problems
from server.domain.problems import Problem

if TYPE_CHECKING:
    from PIL import Image, ImageFont

__all__ = ["JPEG", "MEDIA_TYPES", "PictureFacts", "blurred", "inspect", "rendition", "stamped", "upright"]

Size = Literal["thumb", "screen", "full"]

LONGEST_SIDE = {"thumb": 320, "screen": 1280, "full": 4096}  # pixels
MAX_PIXELS = 50_000_000
_QUALITY = 82
_BLURRED = 24  # pixels of the longest side are left in a blurred picture
_STRIP = 256  # pixels high

# A picture of 50 megapixels takes 200 MB while it is decoded, and as much again if parts of it are transparent: one
# at a time, whatever the number of threads. Whoever waits keeps others from being answered, so nobody waits for long.
_DECODING = threading.BoundedSemaphore(1)
_PATIENCE_S = 2.0
_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a photo says about itself.

    Width and height are pixels as stored, before the EXIF orientation (1 to 8) is applied. Latitude and
    longitude are WGS-84 degrees, both or neither. `taken_at` is aware, in UTC, when the photo names its
    offset, else naive: the local time of wherever it was taken.
    """

    media_type: str
    width: int
    height: int
    latitude: float | None
    longitude: float | None
    taken_at: datetime | None
    taken_at_has_offset: bool
    orientation: int


def inspect(data: bytes | Path, media_type: str, *, max_pixels: int = MAX_PIXELS) -> PictureFacts:
    """Return the facts of a picture from its header and EXIF, without decoding it.

    `media_type` is what the sender calls it; parameters after a semicolon are ignored. Raises Problem:
    PHOTO_HEIC, PHOTO_UNREADABLE, PHOTO_TRUNCATED, PHOTO_TYPE (another type, or content that is not what was
    declared), PHOTO_TOO_MANY_PIXELS.
    """
    with _content(data) as content:
        header = picture_files.read_header(content)
    declared = media_type.partition(";")[0].strip().lower()
    if header.media_type != ("image/jpeg" if declared == "image/jpg" else declared):
        raise Problem(problems.PHOTO_TYPE)
    if header.width * header.height > max_pixels:
        limit = max_pixels // 1_000_000
        raise Problem(problems.PHOTO_TOO_MANY_PIXELS, params={"limit_mp": limit})
    tags = exif.read(header.exif)
    return PictureFacts(
        media_type=header.media_type,
        width=header.width,
        height=header.height,
        latitude=tags.latitude,
        longitude=tags.longitude,
        taken_at=tags.taken_at,
        taken_at_has_offset=tags.taken_at is not None and tags.taken_at.tzinfo is not None,
        orientation=tags.orientation,
    )


def rendition(path: Path, size: Size) -> bytes:
    """Return a JPEG copy, upright and without metadata, its longest side at most 320 (thumb), 1280
    (screen) or 4096 pixels (full).

    Raises Problem as `inspect`, also PHOTO_UNREADABLE when the picture turns out not to be decodable, and
    UNAVAILABLE when too many others are being decoded.
    """
    return _jpeg(upright(path, LONGEST_SIDE[size]))


def stamped(path: Path, lines: Sequence[str]) -> bytes:
    """Return the screen copy with lines of text on a dark band added below it; errors as `rendition`.

    The band covers nothing of the picture. A line too long for the width is set smaller, then cut short.
    """
    from PIL import Image, ImageDraw

    picture = upright(path, LONGEST_SIDE["screen"])
    margin = max(6, picture.width // 60)
    size = max(14, min(40, picture.width // 32))
    set_lines = [_fit(line, size, picture.width - 2 * margin) for line in lines]
    height = sum(int(font.size * 1.4) for _line, font in set_lines) + 2 * margin if set_lines else 0
    sheet = Image.new("RGB", (picture.width, picture.height + height), (24, 24, 24))
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    top = picture.height + margin
    for line, font in set_lines:
        draw.text((margin, top), line, fill=(255, 255, 255), font=font)
        top += int(font.size * 1.4)
    return _jpeg(sheet)


def blurred(path: Path) -> bytes:
    """Return a thumbnail in which places can be told apart and faces and writing cannot; errors as `rendition`."""
    from PIL import Image, ImageFilter

    small = upright(path, _BLURRED)
    scale = LONGEST_SIDE["thumb"] / max(small.size)
    size = (round(small.width * scale), round(small.height * scale))
    return _jpeg(small.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(scale / 2)))


def upright(source: bytes | Path, longest_side: int, *, mode: Literal["RGB", "L"] = "RGB") -> "Image.Image":
    """Return the picture decoded, turned as its EXIF says, scaled down to a longest side in pixels.

    Transparent parts become white. Raises Problem PHOTO_UNREADABLE, UNAVAILABLE and as `picture_files.read_header`.
    """

    with _content(source) as content:
        header = picture_files.read_header(content)
        # Decoders get no metadata: nothing in it can be warned about, or unpack into something huge.
        needed = b"".join(content[start:end] for start, end in header.needed)
    turn = _TURNS.get(exif.read(header.exif).orientation)
    if not _DECODING.acquire(timeout=_PATIENCE_S):
        raise Problem(problems.UNAVAILABLE, retry_after=_RETRY_S)
    try:
        return _decoded(needed, header.media_type, longest_side, mode, turn)
    except (OSError, SyntaxError, ValueError, MemoryError, EOFError) as error:
        raise Problem(problems.PHOTO_UNREADABLE) from error
    finally:
        _DECODING.release()


# How to turn a picture of each EXIF orientation upright, as values of PIL.Image.Transpose.
_TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}


def _decoded(
    data: bytes, media_type: str, longest_side: int, mode: Literal["RGB", "L"], turn: int | None
) -> "Image.Image":
    from PIL import Image

    # The number of pixels was checked when the photo was received; Pillow's own limit would only warn.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(io.BytesIO(data), formats=[media_type.removeprefix("image/").upper()]) as opened:
        scale = longest_side / max(opened.size)
        if media_type == JPEG and scale < 1:
            # Half as much again as wanted, so that the decoder's coarse scaling is smoothed by the last step.
            width, height = (max(1, int(side * scale * 1.5)) for side in opened.size)
            opened.draft(mode, (width, height))
        opened.load()
        picture = _opaque(opened, mode)
    picture.info = {}
    if scale < 1:
        picture.thumbnail((longest_side, longest_side), Image.Resampling.BICUBIC)
    return picture if turn is None else picture.transpose(Image.Transpose(turn))


def _opaque(picture: "Image.Image", mode: Literal["RGB", "L"]) -> "Image.Image":
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off instead of scaling
        picture = picture.point(lambda value: value / 256).convert("L")
    if not picture.has_transparency_data:
        return picture if picture.mode == mode else picture.convert(mode)
    ground = Image.new(mode, picture.size, "white")
    # A strip at a time, for each step makes a copy.
    for top in range(0, picture.height, _STRIP):
        strip = picture.crop((0, top, picture.width, min(picture.height, top + _STRIP))).convert("RGBA")
        ground.paste(strip.convert(mode), (0, top), strip.getchannel("A"))
    return ground


def _jpeg(picture: "Image.Image") -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _fit(line: str, size: int, width: int) -> "tuple[str, ImageFont.FreeTypeFont]":
    font = _font(size)
    while font.getlength(line) > width and size > 12:
        size -= 1
        font = _font(size)
    if font.getlength(line) > width:
        while line and font.getlength(line + "…") > width:
            line = line[:-1]
        line += "…"
    return line, font


@lru_cache(maxsize=64)
def _font(size: int) -> "ImageFont.FreeTypeFont":
    from PIL import ImageFont

    file = resources.files("server") / "fonts" / "NotoSansSC-Medium.subset.ttf"
    # Basic layout: nothing that we write needs shaping, and it is the same on every machine.
    return ImageFont.truetype(io.BytesIO(_font_file(str(file))), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _font_file(path: str) -> bytes:
    return Path(path).read_bytes()


@contextmanager
def _content(data: bytes | Path) -> Iterator[Buffer]:
    """Give the bytes of a picture; those of a file without reading all of it."""
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        if not data.stat().st_size:
            raise Problem(problems.PHOTO_UNREADABLE)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content
