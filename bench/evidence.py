"""How many copies of photos are found, what is taken for one and is none, and what looking costs.

    python -m bench.evidence [--sources N] [--unrelated N] [--scope N] [--photos FOLDER]

Of drawn photos (`bench.scenes`) and of the real ones in a folder, copies of every kind are made and looked for among
all of them, by the steps the service takes. Then other photos of the same places, and all pairs of different ones.
"""

import argparse
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance

from bench import scenes
from server.adapters import likeness
from server.services.evidence import NEAREST

LEAST: Final = 93
SHOTS: Final = 4
Picture = Image.Image
Copy = Callable[[Picture, Random], bytes]


def _jpeg(picture: Picture, quality: int = 85) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=quality)
    return kept.getvalue()


def _half(picture: Picture) -> Picture:
    return picture.resize((picture.width // 2, picture.height // 2))


def _cropped(picture: Picture, rng: Random, sides: int = 0, least: float = 0.1) -> Picture:
    """Without up to a tenth of so many sides, whichever; of any number if none is given."""
    off = [0.0] * 4
    for side in rng.sample(range(4), sides or rng.randint(1, 4)):
        off[side] = rng.uniform(least, 0.1)
    wide, high = picture.size
    left, top, right, bottom = off
    return picture.crop((round(left * wide), round(top * high), round((1 - right) * wide), round((1 - bottom) * high)))


def _lit(picture: Picture, rng: Random) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(rng.choice((rng.uniform(0.85, 0.95), rng.uniform(1.05, 1.15))))


def _mirrored(picture: Picture) -> Picture:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


COPIES: Final[dict[str, Copy]] = {
    "saved again, quality 95": lambda p, _: _jpeg(p, 95),
    "saved again, quality 60": lambda p, _: _jpeg(p, 60),
    "saved again, quality 30": lambda p, _: _jpeg(p, 30),
    "half size": lambda p, _: _jpeg(_half(p)),
    "mirrored": lambda p, _: _jpeg(_mirrored(p)),
    "brighter or darker by 5 to 15%": lambda p, rng: _jpeg(_lit(p, rng)),
    "a tenth off one side": lambda p, rng: _jpeg(_cropped(p, rng, 1)),
    "a tenth off two sides": lambda p, rng: _jpeg(_cropped(p, rng, 2)),
    "a tenth off three sides": lambda p, rng: _jpeg(_cropped(p, rng, 3)),
    "a tenth off four sides": lambda p, rng: _jpeg(_cropped(p, rng, 4)),
    "2 to 10% off some sides": lambda p, rng: _jpeg(_cropped(p, rng, 0, 0.02)),
    "cropped, mirrored, quality 30": lambda p, rng: _jpeg(_mirrored(_cropped(p, rng)), 30),
    "cropped 2 to 10%, half size, mirrored, quality 50": lambda p, rng: _jpeg(
        _half(_mirrored(_cropped(p, rng, 0, 0.02))), 50
    ),
    "cropped, half size, mirrored, other light, quality 50": lambda p, rng: _jpeg(
        _lit(_half(_mirrored(_cropped(p, rng))), rng), 50
    ),
}


class Heap:
    """Photos as the service keeps and compares them."""

    def __init__(self, photos: list[bytes]) -> None:
        self.greys = [likeness.grey(photo) for photo in photos]
        prints = [likeness.prints(grey) for grey in self.greys]
        self.flat = sum(one is None for one in prints)
        # A flat one is never a candidate; all zeros stand for it.
        self.prints = [one or bytes(likeness.PRINT_BYTES) for one in prints]
        self.joined = b"".join(self.prints)

    def alike(self, photo: bytes) -> dict[int, float]:
        """By number, how well those that are compared in full agree with a photo."""
        grey = likeness.grey(photo)
        prints = likeness.prints(grey)
        near = likeness.nearest(prints, self.joined, NEAREST) if prints else []
        return {one.number: likeness.likeness(grey, self.greys[one.number], one) for one in near}


def copies(heap: Heap, sources: list[Picture]) -> None:
    """Prints, for every kind of copy, how many were found, and the worst agreement of one."""
    print(f"{'copy of ' + str(len(sources)) + ' sources among ' + str(len(heap.greys)):60} found  missed  least %")
    for kind, make in COPIES.items():
        worst, found, wrong = 100.0, 0, 0
        for number, source in enumerate(sources):
            alike = heap.alike(make(source, Random(f"{kind} {number}")))
            agreed = 100 * alike.get(number, 0.0)
            worst, found = min(worst, agreed), found + (agreed >= LEAST)
            wrong += sum(100 * other >= LEAST for n, other in alike.items() if n != number)
        print(f"{kind:60} {found:5} {len(sources) - found:7} {worst:8.1f}" + (f"  {wrong} wrong" if wrong else ""))


def again(heap: Heap, number: int) -> None:
    """Prints what other photos of the same places come to."""
    agreed = []
    for scene in range(number):
        for moment in range(1, SHOTS + 1):
            photo = _jpeg(scenes.scene(scene, scenes.shot(Random(f"{scene} {moment}"), moment)), 88)
            agreed.append(100 * heap.alike(photo).get(scene, 0.0))
    agreed.sort(reverse=True)
    wrong = sum(one >= LEAST for one in agreed)
    print(f"other photos of the same places: {len(agreed)}, taken for copies: {wrong}, highest {agreed[0]:.1f}%")


def unrelated(heap: Heap) -> None:
    """Prints what all pairs of different photos come to, each candidate compared in full."""
    pairs = len(heap.greys) * (len(heap.greys) - 1) // 2
    compared, wrong, highest = 0, 0, 0.0
    for number, prints in enumerate(heap.prints):
        for one in likeness.nearest(prints, heap.joined, len(heap.prints)):
            if one.number > number:
                agreed = 100 * likeness.likeness(heap.greys[number], heap.greys[one.number], one)
                compared, wrong, highest = compared + 1, wrong + (agreed >= LEAST), max(highest, agreed)
    print(f"unrelated pairs: {pairs}, compared in full: {compared}, taken for copies: {wrong}, highest {highest:.1f}%")


def cost(heap: Heap, photo: bytes, scope: int) -> None:
    """Prints what one photo costs among 100, 10,000 and as many photos as a scope has at most, and twice that."""
    made = np.random.default_rng(1)
    for size in (100, 10_000, scope, 2 * scope):
        times = made.integers(0, len(heap.prints), size)
        noise = made.integers(0, 256, (size, likeness.PRINT_BYTES), dtype=np.uint8)
        noise &= made.integers(0, 256, noise.shape, dtype=np.uint8) & made.integers(0, 256, noise.shape, dtype=np.uint8)
        joined = (np.frombuffer(heap.joined, np.uint8).reshape(-1, likeness.PRINT_BYTES)[times] ^ noise)[:scope]
        with _timed() as looked:
            grey = likeness.grey(photo)
            prints = likeness.prints(grey)
        assert prints is not None
        with _timed() as sought:
            near = likeness.nearest(prints, joined.tobytes(), NEAREST)
        with _timed() as compared:
            for one in near[:NEAREST]:
                likeness.likeness(grey, heap.greys[int(times[one.number])], one)
        told = f"hashes taken {looked[0]:.1f} ms, nearest of them {sought[0]:.1f} ms"
        print(f"a photo among {size:6}: {told}, {len(near)} compared in full {compared[0]:.1f} ms")


@contextmanager
def _timed() -> Iterator[list[float]]:
    """Gives a list that holds the milliseconds of the processor's time that the block took."""
    took: list[float] = []
    began = time.process_time()
    yield took
    took.append(1000 * (time.process_time() - began))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", help="ignored: nothing is kept")
    parser.add_argument("--sources", type=int, default=60)
    parser.add_argument("--unrelated", type=int, default=460)
    parser.add_argument("--scope", type=int, default=20_000)
    parser.add_argument("--photos", type=Path, help="a folder of real photos to add")
    given = parser.parse_args()
    photos = [_jpeg(scenes.scene(number), 88) for number in range(max(given.unrelated, given.sources))]
    real = [file.read_bytes() for file in sorted(given.photos.glob("*.jpg"))] if given.photos else []
    # The real ones first: they are sources as well.
    heap = Heap([*photos[: given.sources], *real, *photos[given.sources :]])
    sources = [Image.open(io.BytesIO(data)).convert("RGB") for data in (*photos[: given.sources], *real)]
    print(f"{len(heap.greys)} photos, {len(real)} of them real; too flat to compare: {heap.flat}")
    copies(heap, sources)
    again(heap, given.sources)
    unrelated(heap)
    cost(heap, photos[0], given.scope)


if __name__ == "__main__":
    main()
