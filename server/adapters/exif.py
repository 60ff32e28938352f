"""Reading of the few EXIF tags we use: orientation, position, time.

Whatever a camera or a tampered file wrote, reading never raises: what makes no sense is no tag. The
reader is our own because it must be silent, bounded and quick for every photo received, in any thread.
Source: CIPA DC-008 (Exif 2.32), sections 4.6.2 to 4.6.6.
"""

import math
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
_GPS_IFD = 0x8825
_TAKEN, _TAKEN_OFFSET = 0x9003, 0x9011
_DIGITIZED, _DIGITIZED_OFFSET = 0x9004, 0x9012
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_GPS_TIME, _GPS_DATE = 7, 29

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}  # bytes of one value, by TIFF type
_MOST_ENTRIES = 256
_LONGEST_VALUE = 64  # bytes: a date has 20, three rationals have 24

_WRITTEN = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)", re.ASCII)

_Entry = tuple[int, int, int]  # type, count, where the value stands


@dataclass(frozen=True, slots=True)
class Tags:
    """What a photo says about itself.

    Orientation is 1 to 8 as EXIF counts. Position is WGS-84 degrees. `taken_at` is aware, in UTC, when the
    photo names its offset, otherwise naive and local.
    """

    orientation: int = 1
    latitude: float | None = None
    longitude: float | None = None
    taken_at: datetime | None = None


NO_TAGS = Tags()


def read(blob: bytes) -> Tags:
    """Return the tags in an EXIF block, which begins with the TIFF header; never raises."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(blob[:4])
    if order is None:
        return NO_TAGS
    tiff = _Tiff(blob, order)
    main = tiff.entries(tiff.number("I", 4))
    exif = tiff.entries(tiff.integer(main.get(_EXIF_IFD)))
    gps = tiff.entries(tiff.integer(main.get(_GPS_IFD)))
    orientation = tiff.integer(main.get(_ORIENTATION))
    latitude, longitude = _position(tiff, gps)
    return Tags(
        orientation=orientation if orientation is not None and 1 <= orientation <= 8 else 1,
        latitude=latitude,
        longitude=longitude,
        taken_at=_local_time(tiff, exif, _TAKEN, _TAKEN_OFFSET)
        or _local_time(tiff, exif, _DIGITIZED, _DIGITIZED_OFFSET)
        or _gps_time(tiff, gps),
    )


@dataclass(frozen=True, slots=True)
class _Tiff:
    """A TIFF structure in memory; every read outside it answers None or nothing."""

    blob: bytes
    order: str

    def number(self, kind: str, at: int) -> int | None:
        try:
            return int(struct.unpack_from(self.order + kind, self.blob, at)[0])
        except struct.error:
            return None

    def entries(self, at: int | None) -> dict[int, _Entry]:
        """Return the entries of the directory at an offset, by tag; the first of a tag counts."""
        found: dict[int, _Entry] = {}
        count = None if at is None else self.number("H", at)
        if at is None or count is None:
            return found
        for index in range(min(count, _MOST_ENTRIES)):
            start = at + 2 + 12 * index
            if start + 12 > len(self.blob):
                break
            tag, kind, length = struct.unpack_from(self.order + "HHI", self.blob, start)
            size = _SIZES.get(kind, 0) * length
            if not 0 < size <= _LONGEST_VALUE:
                continue
            where = start + 8 if size <= 4 else self.number("I", start + 8)
            if where is not None and where + size <= len(self.blob):
                found.setdefault(tag, (kind, length, where))
        return found

    def integer(self, entry: _Entry | None) -> int | None:
        if entry is None or entry[0] not in (3, 4):
            return None
        return self.number("H" if entry[0] == 3 else "I", entry[2])

    def text(self, entry: _Entry | None) -> str:
        if entry is None or entry[0] not in (2, 7):
            return ""
        raw = self.blob[entry[2] : entry[2] + entry[1]]
        return raw.split(b"\0", 1)[0].decode("ascii", "replace").strip()

    def rationals(self, entry: _Entry | None) -> tuple[float, ...]:
        """Return the fractions of an entry; none at all when a denominator is zero."""
        if entry is None or entry[0] not in (5, 10):
            return ()
        kind = "II" if entry[0] == 5 else "ii"
        pairs = struct.unpack_from(self.order + kind * entry[1], self.blob, entry[2])
        if 0 in pairs[1::2]:
            return ()
        return tuple(top / bottom for top, bottom in zip(pairs[::2], pairs[1::2], strict=True))


def _position(tiff: _Tiff, gps: dict[int, _Entry]) -> tuple[float | None, float | None]:
    latitude = _degrees(tiff, gps.get(_LATITUDE), gps.get(_LATITUDE_REF), "NS", 90.0)
    longitude = _degrees(tiff, gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF), "EW", 180.0)
    # Null Island is what a receiver without a fix writes; nobody of ours goes there.
    if latitude is None or longitude is None or (latitude == 0.0 and longitude == 0.0):
        return None, None
    return latitude, longitude


def _degrees(tiff: _Tiff, value: _Entry | None, reference: _Entry | None, letters: str, limit: float) -> float | None:
    parts = tiff.rationals(value)
    letter = tiff.text(reference)[:1].upper()
    if not 1 <= len(parts) <= 3 or not letter or letter not in letters:
        return None
    degrees = math.fsum(part / float(60**index) for index, part in enumerate(parts))
    if not math.isfinite(degrees) or min(parts) < 0 or degrees > limit:
        return None
    return -degrees if letter == letters[1] else degrees


def _local_time(tiff: _Tiff, exif: dict[int, _Entry], when: int, offset: int) -> datetime | None:
    moment = _moment(tiff.text(exif.get(when)))
    zone = _zone(tiff.text(exif.get(offset)))
    if moment is None or zone is None:
        return moment
    return moment.replace(tzinfo=zone).astimezone(UTC)


def _gps_time(tiff: _Tiff, gps: dict[int, _Entry]) -> datetime | None:
    """Return the time of the fix, which EXIF gives in UTC."""
    clock = tiff.rationals(gps.get(_GPS_TIME))
    day = tiff.text(gps.get(_GPS_DATE))
    if len(clock) != 3 or not all(0 <= part < 61 for part in clock):
        return None
    moment = _moment(f"{day} {int(clock[0]):02}:{int(clock[1]):02}:{int(clock[2]):02}")
    return None if moment is None else moment.replace(tzinfo=UTC)


def _moment(text: str) -> datetime | None:
    parts = _WRITTEN.match(text)
    if parts is None:
        return None
    try:
        moment = datetime.fromisoformat("{}-{}-{}T{}".format(*parts.groups()))
    except ValueError:
        return None
    # A clock that was never set; and far years break arithmetic with offsets.
    return moment if 1900 <= moment.year < 3000 else None


def _zone(text: str) -> timezone | None:
    if text.upper() == "Z":
        return UTC
    sign = {"+": 1, "-": -1}.get(text[:1])
    digits = [part for part in islice(text[1:].split(":"), 3) if len(part) == 2 and part.isdecimal()]
    if sign is None or len(digits) != 2 or len(text) != 6:
        return None
    hours, minutes = int(digits[0]), int(digits[1])
    if hours > 14 or minutes > 59:
        return None
    return timezone(sign * timedelta(hours=hours, minutes=minutes))
