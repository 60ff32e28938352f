"""Fingerprints of pictures, by which a saved-again or scaled copy is recognised.

A fingerprint has 128 bits: in a grid of nine by nine greys, whether each is darker than the next to its
right and below (difference hash, library `dhash`). Copies saved again or at half size differ in at most
3 bits; pictures cropped by a tenth are not found. It finds candidates for a reviewer, never proof.
"""

import struct
from pathlib import Path

from server.adapters import pictures

_GRID = 9
_MIN_CONTRAST = 16  # of 255 greys over the whole grid
_MIN_BITS = 12  # of 128, set and unset

Bands = tuple[int, int, int, int]


def fingerprint(source: bytes | Path) -> bytes | None:
    """Return the 16 bytes of a picture's fingerprint, upright as its EXIF says.

    None for a picture so flat that it would match any other flat one. Raises Problem: UNAVAILABLE when too many others
    are being decoded, any other for a picture that cannot be.
    """
    import dhash
    from PIL import Image

    picture = pictures.upright(source, 16 * _GRID, mode="L")
    greys = picture.resize((_GRID, _GRID), Image.Resampling.LANCZOS).tobytes()
    if max(greys) - min(greys) < _MIN_CONTRAST:
        return None
    value = dhash.dhash_int(list(greys))
    if not _MIN_BITS <= value.bit_count() <= 128 - _MIN_BITS:
        return None
    return bytes(value.to_bytes(16, "big"))


def bands(print_: bytes) -> Bands:
    """Return a fingerprint as four signed 32-bit numbers; two that differ in 3 bits share at least one."""
    first, second, third, fourth = struct.unpack(">4i", print_)
    return first, second, third, fourth


def distance(one: bytes, other: bytes) -> int:
    """Return in how many of 128 bits two fingerprints differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
