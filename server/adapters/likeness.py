"""Whether one picture is a copy of another: saved again, made smaller, cropped by up to a tenth on any sides, mirrored.

Two steps, each of bounded cost (docs/evidence.md has the figures). `nearest` compares difference hashes: of a picture,
of its crops (a tenth off or not off each side) and of their mirror images, so that whichever of two was cropped meets
the same view of the other. What it finds are candidates. `likeness` then lays one over the other, wherever it fits
best, and says how well they agree in fine detail: another photo of the same wall never lies flat on the first.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from server.adapters import pictures

Picture = Image.Image
Words = NDArray[np.uint64]
Floats = NDArray[np.float32]

CROPS: Final = tuple(product((0.0, 0.1), repeat=4))  # off the left, top, right and bottom
PRINT_BYTES: Final = 16 * len(CROPS)
_SIDE: Final = 192  # pixels of the longest side, of what is looked at
_MIN_CONTRAST: Final = 16  # of 255 greys
_MIN_BITS: Final = 12  # of 128, set and unset
_FAR: Final = 28  # bits of 128: what is further away is no candidate

# Coarse to fine: pixels of a side, and how often the fit is improved there
_COARSE: Final = ((24, 5), (48, 4))
_ROUGHLY: Final = 0.7  # of correlation of the pictures at 48 pixels: less is no copy
_FINE: Final = 128
_FINE_TIMES: Final = 4
_STEP: Final = 0.06  # of the overlap
_MOST_OFF: Final = 0.15  # of the width or height, off one side
_LEAST_GAIN: Final = 0.1  # of contrast
_PARTS: Final = 8  # the overlap is compared in so many rows and columns of parts
_NOISE: Final = 3.0  # mean square of greys
_FEWEST: Final = 6  # parts with anything in them to compare
_WORST: Final = 0.1  # of the parts may agree less: something on the lens, a corner blurred

_WAYS: Final = 3  # of laying one picture over another are tried

# Maps a picture into another: across = fit[0] * x + fit[1], down = fit[2] * y + fit[3], each from 0 to 1
Fit = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Way:
    """How this picture, mirrored or not, may lie over another."""

    mirrored: bool
    fit: Fit


@dataclass(frozen=True, slots=True)
class Candidate:
    """A similar picture: where it stands in the list, how many of 128 bits off, and ways it may lie over this one."""

    number: int
    bits: int
    ways: tuple[Way, ...]


def grey(source: bytes | Path) -> Picture:
    """The picture small, grey and upright; raises Problem as `pictures.upright`."""
    return pictures.upright(source, _SIDE, mode="L")


def prints(picture: Picture) -> bytes | None:
    """The hashes of a picture from `grey` and of its crops, `PRINT_BYTES` bytes.

    None for a picture so flat that it would resemble any other flat one.
    """
    wide, high = picture.size
    across, down = np.empty((len(CROPS), 8, 9), np.int16), np.empty((len(CROPS), 9, 8), np.int16)
    for number, (left, top, right, bottom) in enumerate(CROPS):
        box = (left * wide, top * high, (1 - right) * wide, (1 - bottom) * high)
        across[number] = np.asarray(picture.resize((9, 8), Image.Resampling.LANCZOS, box=box))
        down[number] = np.asarray(picture.resize((8, 9), Image.Resampling.LANCZOS, box=box))
    if int(across[0].max()) - int(across[0].min()) < _MIN_CONTRAST:
        return None
    bits = np.stack([across[:, :, :-1] < across[:, :, 1:], down[:, :-1] < down[:, 1:]], axis=1)
    if not _MIN_BITS <= int(bits[0].sum()) <= 128 - _MIN_BITS:
        return None
    return np.packbits(bits.reshape(len(CROPS), -1), axis=1).tobytes()


def nearest(mine: bytes, others: bytes, most: int) -> list[Candidate]:
    """Of many pictures, whose `prints` are joined in `others`, the nearest that may be copies, at most so many."""
    words = np.frombuffer(others, np.uint64).reshape(-1, len(CROPS), 2)
    if not len(words):
        return []
    straight = np.frombuffer(mine, np.uint64).reshape(len(CROPS), 2)
    looks = np.stack([straight, _mirrored(straight)])  # which way round, crop, halves
    # This picture whole against each crop of theirs; then each crop of this one against theirs whole.
    theirs = _bits_apart(words[:, None], looks[None, :, :1])
    ours = _bits_apart(words[:, None, :1], looks[None])
    apart = np.concatenate([theirs, ours], axis=2).reshape(len(words), -1)
    bits = apart.min(axis=1)
    order = np.argsort(bits, kind="stable")[:most]
    return [
        Candidate(int(number), int(bits[number]), tuple(_way(int(look)) for look in np.argsort(apart[number])[:_WAYS]))
        for number in order
        if bits[number] <= _FAR
    ]


def _bits_apart(one: Words, other: Words) -> NDArray[np.uint8]:
    bits: NDArray[np.uint8] = np.bitwise_count(one ^ other).sum(axis=-1, dtype=np.uint8)
    return bits


def _mirrored(words: Words) -> Words:
    """The hashes of the mirror images: what rose to the right falls to the right."""
    bits = np.unpackbits(words.view(np.uint8), axis=1).reshape(-1, 2, 8, 8)[..., ::-1].copy()
    bits[:, 0] ^= 1
    return np.packbits(bits.reshape(len(words), -1), axis=1).view(np.uint64)


def _way(look: int) -> Way:
    """How this picture lies over the other when such a look of it was near."""
    mirrored, crop = look >= 2 * len(CROPS), look % (2 * len(CROPS))
    left, top, right, bottom = CROPS[crop % len(CROPS)]
    across, down = 1 - left - right, 1 - top - bottom
    if crop < len(CROPS):  # theirs was cropped to look like this one
        return Way(mirrored, (across, left, down, top))
    if mirrored:
        left = right
    return Way(mirrored, (1 / across, -left / across, 1 / down, -top / down))


def likeness(mine: Picture, other: Picture, candidate: Candidate) -> float:
    """How well one picture from `grey` lies over another: near 1 for a copy, lower for any other photo of the same.

    The correlation of their fine detail, whatever their brightness, in the worst parts of where they overlap; 0 where
    no way of laying one over the other was found.
    """
    laid = []
    for way in candidate.ways:
        one = mine.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if way.mirrored else mine
        rough = way.fit
        for side, times in _COARSE:
            rough = _fitted(one, other, rough, side, times)
        # Rows of a form or a wall may draw a fit that was right away to the next row.
        laid += [(_rough_agreement(one, other, fit), one, fit) for fit in (way.fit, rough)]
    agreed, one, fit = max(laid, key=lambda found: found[0])
    if agreed < _ROUGHLY:
        return 0.0
    return _agreement(one, other, _fitted(one, other, fit, _FINE, _FINE_TIMES))


def _fitted(mine: Picture, other: Picture, fit: Fit, side: int, times: int) -> Fit:
    for _ in range(times):
        better = _improved(mine, other, fit, side)
        if better is None:
            break
        fit = better
    return fit


def _overlap(scale: float, offset: float) -> tuple[float, float]:
    """From where to where of this picture there is something of the other's, of 1."""
    return max(0.0, -offset / scale), min(1.0, (1 - offset) / scale)


def _views(mine: Picture, other: Picture, fit: Fit, side: int) -> tuple[Floats, Floats]:
    """What both show of where they overlap, each as a square of so many pixels."""
    left, right = _overlap(fit[0], fit[1])
    top, bottom = _overlap(fit[2], fit[3])
    ends = (left, top, right, bottom)
    theirs = (fit[0] * left + fit[1], fit[2] * top + fit[3], fit[0] * right + fit[1], fit[2] * bottom + fit[3])
    one, two = (
        np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, box=_box(picture, part)), dtype=np.float32)
        for picture, part in ((mine, ends), (other, theirs))
    )
    return one, two


def _box(picture: Picture, part: Fit) -> Fit:
    wide, high = picture.size
    left, top, right, bottom = (min(max(end, 0.0), 1.0) for end in part)
    return left * wide, top * high, right * wide, bottom * high


def _improved(mine: Picture, other: Picture, fit: Fit, side: int) -> Fit | None:
    """A better fit (one step of Gauss and Newton, brightness and contrast free); none if there is no such."""
    one, two = _views(mine, other, fit, side)
    down, across = np.gradient(two, 1 / side)
    middles = ((np.arange(side) + 0.5) / side).astype(np.float32)
    terms = np.stack([across * middles, across, down * middles[:, None], down, two, np.ones_like(two)])
    terms = terms.reshape(6, -1)
    # Not with `@`: for so little, a matrix library that begins threads takes longer.
    squares = np.einsum("ip,jp->ij", terms, terms).astype(np.float64)
    wanted = np.einsum("ip,p->i", terms, one.ravel()).astype(np.float64)
    squares[np.diag_indices(6)] += 1e-3 * squares.diagonal() + 1e-6
    solved = np.linalg.solve(squares, wanted)
    if solved[4] <= _LEAST_GAIN:
        return None
    steps = (float(step) for step in np.clip(solved[:4] / solved[4], -_STEP, _STEP))
    new = (*_moved(fit[0], fit[1], next(steps), next(steps)), *_moved(fit[2], fit[3], next(steps), next(steps)))
    return new if _is_a_crop(new[0], new[1]) and _is_a_crop(new[2], new[3]) else None


def _moved(scale: float, offset: float, stretched: float, shifted: float) -> tuple[float, float]:
    """The fit of one axis after it was stretched and shifted by parts of the overlap."""
    begin, end = _overlap(scale, offset)
    new = scale * (1 + stretched)
    return new, scale * begin + offset + shifted * scale * (end - begin) - new * begin


def _is_a_crop(scale: float, offset: float) -> bool:
    begin, end = _overlap(scale, offset)
    return (
        0.7 <= scale <= 1.4
        and begin <= _MOST_OFF
        and end >= 1 - _MOST_OFF
        and scale * begin + offset <= _MOST_OFF
        and scale * end + offset >= 1 - _MOST_OFF
    )


def _rough_agreement(mine: Picture, other: Picture, fit: Fit) -> float:
    one, two = (view - view.mean() for view in _views(mine, other, fit, 48))
    both = float(((one * one).sum() * (two * two).sum()) ** 0.5)
    return float((one * two).sum()) / both if both else 0.0


def _agreement(mine: Picture, other: Picture, fit: Fit) -> float:

    side = _FINE
    fine, theirs = (_detail(view) for view in _views(mine, other, fit, side))
    parts = [_in_parts(product) for product in (fine * theirs, fine * fine, theirs * theirs)]
    both = np.sqrt(parts[1] * parts[2])
    # Where there is nothing but the noise of the camera, nothing can agree.
    telling = both >= max(_NOISE * (side // _PARTS) ** 2, 0.1 * float(np.median(both)))
    if telling.sum() < _FEWEST:
        return 0.0
    return float(np.quantile(parts[0][telling] / both[telling], _WORST))


def _in_parts(values: Floats) -> Floats:
    size = len(values) // _PARTS
    kept = values[: size * _PARTS, : size * _PARTS]
    found: Floats = kept.reshape(_PARTS, size, _PARTS, size).sum(axis=(1, 3))
    return found


def _detail(greys: Floats) -> Floats:
    """What is neither large shapes nor single pixels."""
    return _blurred(greys, 3) - _blurred(greys, 11)


def _blurred(greys: Floats, size: int) -> Floats:
    padded = np.pad(greys, size // 2, mode="edge").astype(np.float64)
    sums = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    blurred: NDArray[np.float64] = (
        sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    ) / size**2
    return blurred.astype(np.float32)
