"""Reading of the few EXIF tags we use: orientation, position, time.

Whatever a camera or a tampered file wrote, reading never raises: what makes no sense is no tag.
"""

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any

_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
_GPS_IFD = 0x8825
_TAKEN, _TAKEN_OFFSET = 0x9003, 0x9011
_DIGITIZED, _DIGITIZED_OFFSET = 0x9004, 0x9012
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_GPS_TIME, _GPS_DATE = 7, 29
_LONGEST = 256 * 1024  # bytes; a JPEG has room for 64 KB

_WRITTEN = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)", re.ASCII)

# Damaged tags are nothing to warn of: they are no tags.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

Directory = Mapping[int, Any]


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
    if len(blob) > _LONGEST:
        return NO_TAGS
    try:
        return _read(blob)
    except Exception:  # the reader fails on damaged tags in as many ways as there are damages
        return NO_TAGS


def _read(blob: bytes) -> Tags:
    from PIL.Image import Exif

    main = Exif()
    main.load(b"Exif\0\0" + blob)
    exif, gps = main.get_ifd(_EXIF_IFD), main.get_ifd(_GPS_IFD)
    orientation = main.get(_ORIENTATION)
    latitude, longitude = _position(gps)
    return Tags(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        latitude=latitude,
        longitude=longitude,
        taken_at=_local_time(exif, _TAKEN, _TAKEN_OFFSET)
        or _local_time(exif, _DIGITIZED, _DIGITIZED_OFFSET)
        or _gps_time(gps),
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.split("\0", 1)[0].strip() if isinstance(value, str) else ""


def _fractions(value: Any) -> tuple[float, ...]:
    """Return fractions as numbers; none at all when one of them is over zero."""
    parts = tuple(float(part) for part in value) if isinstance(value, tuple) else ()
    return parts if all(math.isfinite(part) for part in parts) else ()


def _position(gps: Directory) -> tuple[float | None, float | None]:
    latitude = _degrees(gps.get(_LATITUDE), gps.get(_LATITUDE_REF), "NS", 90.0)
    longitude = _degrees(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF), "EW", 180.0)
    # Null Island is what a receiver without a fix writes; nobody of ours goes there.
    if latitude is None or longitude is None or (latitude == 0.0 and longitude == 0.0):
        return None, None
    return latitude, longitude


def _degrees(value: Any, reference: Any, letters: str, limit: float) -> float | None:
    parts = _fractions(value)
    letter = _text(reference)[:1].upper()
    if not 1 <= len(parts) <= 3 or not letter or letter not in letters:
        return None
    degrees = math.fsum(part / float(60**index) for index, part in enumerate(parts))
    if not math.isfinite(degrees) or min(parts) < 0 or degrees > limit:
        return None
    return -degrees if letter == letters[1] else degrees


def _local_time(exif: Directory, when: int, offset: int) -> datetime | None:
    moment = _moment(_text(exif.get(when)))
    zone = _zone(_text(exif.get(offset)))
    if moment is None or zone is None:
        return moment
    return moment.replace(tzinfo=zone).astimezone(UTC)


def _gps_time(gps: Directory) -> datetime | None:
    """Return the time of the fix, which EXIF gives in UTC."""
    clock = _fractions(gps.get(_GPS_TIME))
    day = _text(gps.get(_GPS_DATE))
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
