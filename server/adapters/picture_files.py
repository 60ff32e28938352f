"""The structure of JPEG, PNG and WebP files: what a file is, how large, whether all of it is there.

Only headers and the skeleton of the file are read, nothing is decoded, so the largest picture costs no
more memory than the smallest. Sources: ITU-T T.81 annex B, W3C PNG (third edition) 5, RFC 9649.
"""

import mmap
import re
import struct
import zlib
from dataclasses import dataclass

from server.domain import problems
from server.domain.problems import Problem

JPEG = "image/jpeg"
PNG = "image/png"
WEBP = "image/webp"
MEDIA_TYPES = (JPEG, PNG, WEBP)

Buffer = bytes | mmap.mmap

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by colour type
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_EXIF_MARK = b"Exif\0\0"
_MOST_PARTS = 20_000  # segments or chunks; real pictures have a few hundred
# A progressive JPEG is drawn scan by scan, each over the whole picture, and a scan may be a few bytes long. Cameras and
# programs write ten or so.
_MOST_SCANS = 100
_MOST_SCANNED = 1_000_000_000  # pixels of all scans together: about a second's work
# Neither stuffing nor a restart, which stand inside coded data. Spelt so that it begins with one byte to look for:
# `\xff+` would be tried at every byte, fifteen times as slowly.
_MARKER = re.compile(rb"\xff\xff*[^\x00\xff\xd0-\xd7]")
_BETWEEN_SCANS = frozenset((0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE))


@dataclass(frozen=True, slots=True)
class Header:
    """What the skeleton of a picture tells.

    Width and height are pixels as stored, before any rotation. `exif` is the EXIF block from its TIFF header
    on, or empty. `needed` are the spans (from, to) of the file that decoding needs: without metadata.
    """

    media_type: str
    width: int
    height: int
    exif: bytes
    needed: tuple[tuple[int, int], ...]


def read_header(data: Buffer) -> Header:
    """Return the header of a complete JPEG, PNG or WebP picture, by content.

    Raises Problem PHOTO_HEIC, PHOTO_UNREADABLE (something else, or a broken structure), PHOTO_TRUNCATED,
    PHOTO_TOO_MANY_SCANS.
    """
    start = data[:16]
    if start[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if start[:8] == _PNG_SIGNATURE:
        return _png(data)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _webp(data)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        raise Problem(problems.PHOTO_HEIC)
    raise Problem(problems.PHOTO_UNREADABLE)


def _jpeg(data: Buffer) -> Header:
    width = height = components = 0
    drawn_at_once = False
    exif = b""
    needed = [(0, 2)]
    at = 2
    for _part in range(_MOST_PARTS):
        marker, at = _jpeg_marker(data, at)
        (length,) = _unpack(">H", data, at)
        end = at + length
        if length < 2:
            raise _unreadable()
        # Baseline, extended and progressive frames of 8 bits are what decoders take.
        if marker in (0xC0, 0xC1, 0xC2):
            precision, height, width, components = _unpack(">BHHB", data, at + 2)
            if precision != 8 or components not in (1, 3, 4):
                raise _unreadable()
            drawn_at_once = marker != 0xC2
        elif 0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            raise _unreadable()
        elif marker == 0xE1 and not exif and data[at + 2 : at + 8] == _EXIF_MARK:
            exif = bytes(data[at + 8 : end])
        # Of the applications' segments only Adobe's (14) tells how to read the colours.
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker == 0xEE:
            needed.append((at - 2, end))
        if marker == 0xDA:
            # One scan of all components, and not progressive: decoders take no other after it.
            drawn_at_once = drawn_at_once and data[at + 2 : at + 3] == bytes((components,))
            at = end
            break
        at = end
    else:
        raise _unreadable()
    if not width or not height:
        raise _unreadable()
    # The end marker cannot stand inside coded data. After it, phones append second pictures and films.
    last = data.rfind(b"\xff\xd9", at)
    if last < 0:
        raise _truncated()
    needed.append((at, last + 2))
    most = min(_MOST_SCANS, max(1, _MOST_SCANNED // (width * height)))
    _check_scans(data, at, last, most, drawn_at_once)
    return Header(JPEG, width, height, exif, tuple(needed))


def _check_scans(data: Buffer, at: int, end: int, most: int, drawn_at_once: bool) -> None:
    """Refuse a JPEG of more scans than `most`, or with what no coded data holds; the first scan's begins at `at`.

    In coded data FF stands only before 0 or a restart. Another byte after it begins a segment, and segments follow one
    another without a gap up to the next scan: where they do not, something else was written over the data.
    """
    # Only the markers count: the same two bytes may also stand in a table, or in a film behind the picture.
    scans, coded = 1, True
    for _part in range(_MOST_PARTS):
        marker = (_MARKER.search if coded else _MARKER.match)(data, at, end)
        if marker is None and (coded or at >= end):
            return
        kind = data[marker.end() - 1] if marker else 0
        if marker is None or not (kind in _BETWEEN_SCANS or kind == 0xD9):
            raise _unreadable()
        coded = kind == 0xDA
        if kind == 0xD9 or (coded and drawn_at_once):
            return
        scans += coded
        if scans > most:
            raise Problem(problems.PHOTO_TOO_MANY_SCANS)
        at = marker.end() + max(2, _unpack(">H", data, marker.end())[0])
    raise _unreadable()


def _jpeg_marker(data: Buffer, at: int) -> tuple[int, int]:
    """Return the next marker that has a length, and where the length stands."""
    size = len(data)
    while at + 1 < size:
        if data[at] != 0xFF:
            raise _unreadable()
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD7:  # stuffing, or without a length
            at += 2
        elif marker in (0xD8, 0xD9) or marker < 0xC0:
            raise _unreadable()
        else:
            return marker, at + 2
    raise _truncated()


def _png(data: Buffer) -> Header:
    width, height, depth, colour = _unpack(">IIBB", data, 16)
    if data[12:16] != b"IHDR" or not width or not height or depth not in _PNG_DEPTHS.get(colour, ()):
        raise _unreadable()
    exif = b""
    needed = [(0, 8)]
    pixels = palette = False
    at = 8
    for _part in range(_MOST_PARTS):
        (length,) = _unpack(">I", data, at)
        name = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise _truncated()
        critical = not name[0] & 0x20
        if critical:
            _check_sum(data, at, length)
        if name == b"eXIf":
            exif = bytes(data[at + 8 : at + 8 + length]).removeprefix(_EXIF_MARK)
        pixels = pixels or name == b"IDAT"
        palette = palette or name == b"PLTE"
        if critical or name == b"tRNS":
            needed.append((at, end))
        at = end
        if name == b"IEND":
            break
    else:
        raise _unreadable()
    if not pixels or (colour == 3 and not palette):
        raise _unreadable()
    return Header(PNG, width, height, exif, tuple(needed))


def _check_sum(data: Buffer, at: int, length: int) -> None:
    (expected,) = _unpack(">I", data, at + 8 + length)
    with memoryview(data) as view:
        if zlib.crc32(view[at + 4 : at + 8 + length]) != expected:
            raise _unreadable()


def _webp(data: Buffer) -> Header:
    (size,) = _unpack("<I", data, 4)
    end_of_file = size + 8
    if end_of_file > len(data):
        raise _truncated()
    width = height = 0
    exif = b""
    pixels = False
    at = 12
    for _part in range(_MOST_PARTS):
        if at + 8 > end_of_file:
            break
        name, body = data[at : at + 4], at + 8
        (length,) = _unpack("<I", data, at + 4)
        if body + length > end_of_file:
            raise _truncated()
        pixels = pixels or name in (b"VP8 ", b"VP8L", b"ANMF")
        if not width:
            width, height = _webp_size(data, name, body)
        if name == b"EXIF" and not exif:
            exif = bytes(data[body : body + length]).removeprefix(_EXIF_MARK)
        at = body + length + (length & 1)
    if not pixels or not width or not height:
        raise _unreadable()
    return Header(WEBP, width, height, exif, ((0, end_of_file),))


def _webp_size(data: Buffer, name: bytes, body: int) -> tuple[int, int]:
    """Return the width and height that a chunk gives, or zeros."""
    if name == b"VP8X":
        width, width_high, height, height_high = _unpack("<HBHB", data, body + 4)
        return 1 + width + (width_high << 16), 1 + height + (height_high << 16)
    if name == b"VP8 " and data[body + 3 : body + 6] == b"\x9d\x01\x2a":
        width, height = _unpack("<HH", data, body + 6)
        return width & 0x3FFF, height & 0x3FFF
    if name == b"VP8L" and data[body : body + 1] == b"\x2f":
        (bits,) = _unpack("<I", data, body + 1)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return 0, 0


def _unpack(layout: str, data: Buffer, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, at)
    except struct.error as error:
        raise _truncated() from error


def _unreadable() -> Problem:
    return Problem(problems.PHOTO_UNREADABLE)


def _truncated() -> Problem:
    return Problem(problems.PHOTO_TRUNCATED)
