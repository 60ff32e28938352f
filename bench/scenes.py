"""Pictures as envoys take them, drawn: streets, doors, rooms, notice boards, fields, papers.

Each scene is layers at different depths, so that the same place can be taken twice: from half a step aside what is near
moves more than what is far, nobody holds a phone the same way twice, people move, and the light changes.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE: Final = (960, 720)
KINDS: Final = ("street", "door", "room", "board", "field", "paper")
_WIDE: Final = (1200, 900)  # what is drawn, so that no shot looks past its edge

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shot:
    """How one photo of a scene was taken; parts of the picture's width, degrees, factors."""

    aside: float = 0.0
    turned: float = 0.0
    slanted: float = 0.0
    nearer: float = 1.0
    light: float = 1.0
    moment: int = 0  # where people stand, and the camera's own noise


def shot(rng: Random, moment: int) -> Shot:
    """Another photo of the same place by the same person, as alike as hands make it."""

    def off(least: float, most: float) -> float:
        return rng.choice((-1, 1)) * rng.uniform(least, most)

    return Shot(off(0.01, 0.06), off(0.5, 3), off(0.01, 0.05), 1 + off(0.01, 0.06), rng.uniform(0.8, 1.2), moment)


def scene(seed: int, taken: Shot | None = None) -> Image.Image:
    """The scene of a number, 960 by 720; the same number and shot give the same picture."""
    taken = taken or Shot()
    rng = Random(seed)
    kind = KINDS[seed % len(KINDS)]
    layers = _DRAWN[kind](rng, Random(f"{seed} {taken.moment}"))
    picture = Image.new("RGB", _WIDE)
    for depth, layer in layers:
        moved = round(taken.aside * depth * _WIDE[0])
        picture.paste(layer, (moved, round(moved * 0.3)), layer if layer.mode == "RGBA" else None)
    return _photographed(picture, taken, Random(f"{seed} {taken.moment} camera"))


def _photographed(picture: Image.Image, taken: Shot, rng: Random) -> Image.Image:
    (width, height), (wide, high) = SIZE, _WIDE
    half_w, half_h = width / 2 / taken.nearer, height / 2 / taken.nearer
    corners = [(-half_w, -half_h), (-half_w, half_h), (half_w, half_h), (half_w, -half_h)]
    angle = np.radians(taken.turned)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    seen: list[float] = []
    for x, y in corners:
        slant = 1 + taken.slanted * x / half_w
        x, y = x, y * slant
        seen += [wide / 2 + cos * x - sin * y, high / 2 + sin * x + cos * y]
    moved = picture.transform(SIZE, Image.Transform.QUAD, seen, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(2, 6), (height, width, 3))
    # Corners darker, as lenses do
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = taken.light * (1 - 0.15 * (down**2 + across**2))[..., None]
    values = np.asarray(moved, dtype=np.float32) * light + grain
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)).filter(ImageFilter.UnsharpMask(1, 60, 3))


def _shade(rng: Random, least: int, most: int) -> Colour:
    base = rng.randint(least, most)
    red, green, blue = (max(0, min(255, base + rng.randint(-25, 25))) for _ in range(3))
    return red, green, blue


def _rough(rng: Random, size: tuple[int, int], colour: Colour, strength: float, finest: int = 3) -> Image.Image:
    """A surface of a colour with unevenness at every scale, as plaster, earth and clouds have."""
    made = np.random.default_rng(rng.randrange(2**32))
    total = np.zeros((size[1], size[0]), np.float32)
    cells, weight = 3, 1.0
    while min(size) / cells >= finest:
        values = made.normal(0, 1, (cells, max(2, cells * size[0] // size[1]))).astype(np.float32)
        total += weight * np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))
        cells, weight = cells * 2, weight * 0.62
    values = np.asarray(colour, np.float32) * (1 + strength * total[..., None])
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _clear() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    layer = Image.new("RGBA", _WIDE)
    return layer, ImageDraw.Draw(layer)


def _person(draw: ImageDraw.ImageDraw, rng: Random, left: int, foot: int, tall: int) -> None:
    wide = tall // 4
    coat, skin, hair = _shade(rng, 30, 180), _shade(rng, 150, 200), _shade(rng, 20, 60)
    head = tall // 7
    draw.rectangle((left + wide // 4, foot - tall // 2, left + 3 * wide // 4, foot), fill=_shade(rng, 20, 90))
    draw.rounded_rectangle((left, foot - tall + head, left + wide, foot - tall * 2 // 5), wide // 3, fill=coat)
    middle = left + wide // 2
    draw.ellipse((middle - head // 2, foot - tall, middle + head // 2, foot - tall + head * 5 // 4), fill=skin)
    draw.chord((middle - head // 2, foot - tall, middle + head // 2, foot - tall + head), 180, 360, fill=hair)


def _tree(draw: ImageDraw.ImageDraw, rng: Random, left: int, foot: int, tall: int) -> None:
    draw.rectangle((left - tall // 24, foot - tall // 2, left + tall // 24, foot), fill=_shade(rng, 40, 90))
    for _ in range(140):
        x, y = left + rng.gauss(0, tall / 5), foot - tall * 0.65 + rng.gauss(0, tall / 7)
        size = rng.uniform(tall / 50, tall / 14)
        dark, green, blue = _shade(rng, 40, 110)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=(dark, min(255, green + 30), blue))


def _house(layer: Image.Image, rng: Random, left: int, foot: int, wide: int, tall: int) -> None:
    draw = ImageDraw.Draw(layer)
    layer.paste(_rough(rng, (wide, tall), _shade(rng, 110, 220), 0.08), (left, foot - tall))
    if rng.random() < 0.5:
        mortar = _shade(rng, 90, 160)
        for row, y in enumerate(range(foot - tall, foot, 14)):
            draw.line((left, y, left + wide, y), fill=mortar, width=2)
            for x in range(left + (row % 2) * 14, left + wide, 28):
                draw.line((x, y, x, min(foot, y + 14)), fill=mortar, width=2)
    roof = rng.randint(20, tall // 2 + 20)
    draw.polygon(
        [(left - 14, foot - tall), (left + wide // 2, foot - tall - roof), (left + wide + 14, foot - tall)],
        fill=_shade(rng, 50, 140),
    )
    for _ in range(rng.randint(1, 4)):
        x, y = left + rng.randint(5, max(6, wide - 60)), foot - rng.randint(tall // 3, max(tall // 3 + 1, tall - 10))
        pane = rng.randint(24, 60)
        draw.rectangle((x, y, x + pane, y + pane), fill=_shade(rng, 20, 90), outline=_shade(rng, 180, 240), width=4)
        draw.line((x + pane // 2, y, x + pane // 2, y + pane), fill=_shade(rng, 180, 240), width=3)
    door = left + rng.randint(0, max(1, wide - 50))
    draw.rectangle((door, foot - min(110, tall * 3 // 4), door + 46, foot), fill=_shade(rng, 40, 150))


Layers = list[tuple[float, Image.Image]]


def _street(rng: Random, moment: Random) -> Layers:
    horizon = rng.randint(330, 560)
    back = _rough(rng, _WIDE, _shade(rng, 170, 225), rng.uniform(0.03, 0.12))
    back.paste(_rough(rng, (_WIDE[0], _WIDE[1] - horizon), _shade(rng, 90, 170), 0.15), (0, horizon))
    houses, _draw = _clear()
    left = rng.randint(-80, 60)
    while left < _WIDE[0]:
        wide, tall = rng.randint(150, 420), rng.randint(110, 300)
        if rng.random() < 0.8:
            _house(houses, rng, left, horizon + rng.randint(0, 60), wide, tall)
        left += wide + rng.randint(0, 160)
    near, draw = _clear()
    for _ in range(rng.randint(0, 3)):
        _tree(draw, rng, rng.randint(0, _WIDE[0]), horizon + rng.randint(60, 220), rng.randint(250, 600))
    people, draw = _clear()
    for _ in range(rng.randint(0, 4)):
        at = rng.randint(150, 1000) + moment.randint(-60, 60)
        _person(draw, rng, at, horizon + rng.randint(120, 300), rng.randint(160, 380))
    return [(0.3, back), (0.6, houses), (1.0, near), (1.2, people)]


def _door(rng: Random, moment: Random) -> Layers:
    wall, _draw = _clear()
    wall.paste(_rough(rng, _WIDE, _shade(rng, 90, 215), rng.uniform(0.05, 0.2)))
    draw = ImageDraw.Draw(wall)
    if rng.random() < 0.6:
        joint, high = _shade(rng, 90, 190), rng.randint(18, 40)
        for row, y in enumerate(range(0, _WIDE[1], high)):
            draw.line((0, y, _WIDE[0], y), fill=joint, width=3)
            for x in range((row % 2) * high, _WIDE[0], 2 * high):
                draw.line((x, y, x, y + high), fill=joint, width=3)
    left, wide, top = rng.randint(250, 560), rng.randint(220, 420), rng.randint(160, 320)
    leaf = _rough(rng, (wide, _WIDE[1] - top), _shade(rng, 40, 160), 0.12)
    wall.paste(leaf, (left, top))
    for row in range(top + 30, _WIDE[1] - 60, rng.randint(90, 200)):
        draw.rectangle((left + 24, row, left + wide - 24, row + 70), outline=_shade(rng, 20, 110), width=6)
    red = (rng.randint(160, 220), rng.randint(10, 50), rng.randint(10, 50))
    for x in (left - 70, left + wide + 10):
        draw.rectangle((x, top, x + 60, top + 420), fill=red)
        for y in range(top + 20, top + 400, 56):
            _sign(draw, rng, x + 8, y, 44)
    step, draw = _clear()
    draw.rectangle((left - 120, 800, left + wide + 120, 900), fill=_shade(rng, 110, 180))
    if rng.random() < 0.6:
        _person(draw, rng, left + rng.randint(-200, wide) + moment.randint(-70, 70), 880, rng.randint(380, 600))
    return [(0.7, wall), (1.1, step)]


def _sign(draw: ImageDraw.ImageDraw, rng: Random, x: float, y: float, size: int) -> None:
    """Something like a character: a few strokes in a square."""
    ink = _shade(rng, 10, 60)
    for _ in range(rng.randint(4, 8)):
        a, b = rng.uniform(0, size), rng.uniform(0, size)
        if rng.random() < 0.5:
            draw.line((x, y + a, x + size, y + a), fill=ink, width=max(1, size // 10))
        else:
            draw.line((x + a, y + b / 2, x + rng.uniform(0, size), y + size), fill=ink, width=max(1, size // 10))


def _room(rng: Random, moment: Random) -> Layers:
    back = _rough(rng, _WIDE, _shade(rng, 150, 220), 0.05)
    draw = ImageDraw.Draw(back)
    floor = rng.randint(480, 640)
    back.paste(_rough(rng, (_WIDE[0], _WIDE[1] - floor), _shade(rng, 80, 150), 0.1), (0, floor))
    for _ in range(rng.randint(1, 4)):
        x, y, w, h = rng.randint(0, 900), rng.randint(100, 260), rng.randint(120, 420), rng.randint(60, 240)
        draw.rectangle((x, y, x + w, y + h), fill=_shade(rng, 60, 235), outline=_shade(rng, 20, 90), width=6)
        for row in range(y + 14, y + h - 20, 26):
            for column in range(x + 14, x + w - 24, 24):
                if rng.random() < 0.7:
                    _sign(draw, rng, column, row, 16)
    table, draw = _clear()
    people = rng.randint(2, 7)
    for n in range(people):
        at = 120 + n * 960 // people + moment.randint(-30, 30)
        _person(draw, rng, at, floor + rng.randint(120, 200), rng.randint(300, 420))
    top = floor + rng.randint(20, 110)
    board = _rough(rng, (rng.randint(500, 1000), rng.randint(60, 160)), _shade(rng, 90, 190), 0.1)
    table.paste(board, (rng.randint(50, 300), top))
    for _ in range(rng.randint(2, 10)):
        x = rng.randint(150, 1000)
        draw.rectangle((x, top + 5, x + rng.randint(30, 80), top + 40), fill=_shade(rng, 150, 250))
    return [(0.5, back), (1.0, table)]


def _board(rng: Random, moment: Random) -> Layers:
    wall, _draw = _clear()
    wall.paste(_rough(rng, _WIDE, _shade(rng, 100, 220), 0.1))
    draw = ImageDraw.Draw(wall)
    left, top = rng.randint(150, 300), rng.randint(150, 280)
    right, bottom = left + rng.randint(560, 780), top + rng.randint(320, 480)
    draw.rectangle((left, top, right, bottom), fill=_shade(rng, 60, 230), outline=_shade(rng, 60, 180), width=12)
    for _ in range(rng.randint(3, 9)):
        x, y = rng.randint(left + 10, right - 140), rng.randint(top + 10, bottom - 140)
        w, h = rng.randint(90, 200), rng.randint(90, 240)
        draw.rectangle((x, y, min(x + w, right - 8), min(y + h, bottom - 8)), fill=_shade(rng, 120, 250))
        for row in range(y + 10, min(y + h, bottom) - 20, 22):
            for column in range(x + 8, min(x + w, right) - 18, 18):
                _sign(draw, rng, column, row, 13)
    near, draw = _clear()
    if moment.random() < 0.5:
        _person(draw, rng, rng.randint(150, 900) + moment.randint(-90, 90), 890, rng.randint(380, 560))
    return [(0.8, wall), (1.2, near)]


def _field(rng: Random, moment: Random) -> Layers:
    horizon = rng.randint(220, 480)
    back = _rough(rng, _WIDE, _shade(rng, 160, 235), rng.uniform(0.02, 0.15))
    ground = _rough(rng, (_WIDE[0], _WIDE[1] - horizon), _shade(rng, 70, 150), 0.2)
    back.paste(ground, (0, horizon))
    draw = ImageDraw.Draw(back)
    to, crop = rng.randint(200, 1000), _shade(rng, 50, 130)
    for x in range(-1600, 2800, rng.randint(50, 130)):
        draw.line((to, horizon, x, _WIDE[1]), fill=crop, width=rng.randint(4, 12))
    trees, draw = _clear()
    for _ in range(rng.randint(0, 6)):
        _tree(draw, rng, rng.randint(0, _WIDE[0]), horizon + rng.randint(0, 40), rng.randint(80, 260))
    people, draw = _clear()
    for _ in range(rng.randint(0, 3)):
        at = rng.randint(200, 1000) + moment.randint(-80, 80)
        _person(draw, rng, at, horizon + rng.randint(150, 380), rng.randint(150, 380))
    return [(0.3, back), (0.5, trees), (1.1, people)]


def _paper(rng: Random, moment: Random) -> Layers:
    """A form on a desk: papers of the same print look most alike of all."""
    desk = _rough(rng, _WIDE, _shade(rng, 60, 170), 0.15)
    sheet, _draw = _clear()
    left, top = rng.randint(130, 260), rng.randint(100, 200)
    sheet.paste(_rough(rng, (700, 560), _shade(rng, 205, 235), 0.03), (left, top))
    draw = ImageDraw.Draw(sheet)
    for n in range(12):
        _sign(draw, rng, left + 180 + n * 30, top + 24, 24)
    rows, high = rng.randint(6, 14), 0
    high = 440 // rows
    for row in range(rows + 1):
        y = top + 80 + row * high
        draw.line((left + 30, y, left + 670, y), fill=(60, 60, 60), width=2)
        for n in range(rng.randint(3, 26) if row < rows else 0):
            _sign(draw, rng, left + 40 + n * 22, y + 6, min(16, high - 8))
    for x in sorted(rng.sample(range(120, 600, 20), rng.randint(2, 5))):
        draw.line((left + x, top + 80, left + x, top + 80 + rows * high), fill=(60, 60, 60), width=2)
    pen, draw = _clear()
    if moment.random() < 0.7:
        x, y = moment.randint(200, 900), moment.randint(200, 700)
        draw.line((x, y, x + moment.randint(-160, 160), y + 180), fill=_shade(rng, 10, 90), width=14)
    return [(0.9, desk), (0.9, sheet), (1.0, pen)]


_DRAWN: Final = {
    "street": _street, "door": _door, "room": _room, "board": _board, "field": _field, "paper": _paper,
}  # fmt: skip
