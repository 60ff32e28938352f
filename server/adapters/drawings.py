"""Small pictures drawn for the demo county: no two alike, and none of anybody."""

import io
from random import Random

_SIZE = (480, 360)
_QUALITY = 72


def village(seed: str) -> bytes:
    """A JPEG of some houses under a sky, 480 by 360 pixels; the same seed gives the same bytes."""
    from PIL import Image, ImageDraw

    rng = Random(seed)
    # Coarse noise first: two pictures then differ in about half of their fingerprints' bits.
    noise = Image.frombytes("L", (11, 9), rng.randbytes(99)).resize(_SIZE, Image.Resampling.BICUBIC)
    dark, light = _shade(rng, 40, 110), _shade(rng, 150, 245)
    picture = Image.merge(
        "RGB", [noise.point([a + (b - a) * n // 255 for n in range(256)]) for a, b in zip(dark, light, strict=True)]
    )
    draw = ImageDraw.Draw(picture)
    ground = rng.randrange(220, 300)
    draw.rectangle((0, ground + 40, *_SIZE), fill=_shade(rng, 90, 150))
    left = rng.randrange(-40, 40)
    while left < _SIZE[0]:
        width, height = rng.randrange(50, 130), rng.randrange(40, 110)
        wall = _shade(rng, 120, 230)
        draw.rectangle((left, ground - height + 40, left + width, ground + 40), fill=wall)
        roof = [
            (left - 8, ground - height + 40),
            (left + width // 2, ground - height),
            (left + width + 8, ground - height + 40),
        ]
        draw.polygon(roof, fill=_shade(rng, 60, 140))
        draw.rectangle((left + width // 3, ground, left + width // 3 + 16, ground + 40), fill=_shade(rng, 30, 80))
        left += width + rng.randrange(10, 90)
    return _jpeg(picture, _QUALITY)


def saved_again(data: bytes) -> bytes:
    """The same picture in other bytes, as a messenger would save it."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return _jpeg(picture.resize((360, 270)), 60)


def _shade(rng: Random, least: int, most: int) -> tuple[int, int, int]:
    return rng.randint(least, most), rng.randint(least, most), rng.randint(least, most)


def _jpeg(picture: object, quality: int) -> bytes:
    from PIL import Image

    assert isinstance(picture, Image.Image)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
