"""Pictures made for the tests, with the metadata a test asks for."""

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

SHARED_PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "data" / "photos"

# EXIF tags: the first three directories of CIPA DC-008.
ORIENTATION, EXIF_IFD, GPS_IFD = 0x0112, 0x8769, 0x8825
TAKEN, TAKEN_OFFSET, DIGITIZED = 0x9003, 0x9011, 0x9004

DONGZHAO_GPS: dict[int, Any] = {1: "N", 2: (37.0, 48.0, 40.56), 3: "E", 4: (117.0, 0.0, 44.97)}


def scene(width: int = 640, height: int = 480) -> Image.Image:
    """A picture with plenty of structure, its top left corner red."""
    waves = Image.effect_mandelbrot((width, height), (-2.2, -1.2, 1.0, 1.2), 60).convert("L")
    ramp = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", (waves, ramp, ramp.rotate(90).resize((width, height))))
    picture.paste((255, 0, 0), (0, 0, width // 4, height // 4))
    return picture


def exif_block(
    main: dict[int, Any] | None = None, exif: dict[int, Any] | None = None, gps: dict[int, Any] | None = None
) -> bytes:
    """An EXIF block as Pillow writes it, from its TIFF header on."""
    tags = Image.Exif()
    tags.update(main or {})
    if exif:
        tags.get_ifd(EXIF_IFD).update(exif)
    if gps:
        tags.get_ifd(GPS_IFD).update(gps)
    return tags.tobytes().removeprefix(b"Exif\0\0")


def encoded(picture: Image.Image, kind: str = "JPEG", exif: bytes = b"", **options: Any) -> bytes:
    buffer = io.BytesIO()
    if exif:
        options["exif"] = b"Exif\0\0" + exif
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(exif: bytes = b"", **options: Any) -> bytes:
    return encoded(scene(), "JPEG", exif, **options)


def layered(width: int, height: int, more: int) -> bytes:
    """A progressive JPEG, all grey, with so many more scans than usual, each of a few bytes."""
    data = encoded(Image.new("L", (width, height), 128), "JPEG", progressive=True, quality=50)
    last = data.rfind(b"\xff\xc4", 0, data.rfind(b"\xff\xda"))  # the last scan with its table
    return data[:-2] + data[last:-2] * more + b"\xff\xd9"


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_claiming(width: int, height: int) -> bytes:
    """A small, well-formed PNG whose header claims any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 64)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
