"""Looking at photos: upright, without metadata, and the original for reviewers alone."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.adapters.samples import DONGZHAO_GPS, ORIENTATION, TAKEN, encoded, exif_block, jpeg, scene
from tests.api.phones import County, json_of, refused
from tests.factories import check_in, digest, photo, visit_id

PHOTO, OTHER = photo(1), photo(2)
TAGS = exif_block({}, {TAKEN: "2018:11:20 09:31:00"}, DONGZHAO_GPS)


def announced(county: County, *pictures: bytes, person: str = "owner", **given: Any) -> None:
    """A visit that waits for its photos."""
    json_of(county.phone(person).put(check_in(pictures, **given)), 201)


# Looking


def picture_of(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Image.open(io.BytesIO(answer.data))


def reddish(picture: Image.Image, x: int, y: int) -> bool:
    red, green, _blue = picture.convert("RGB").getpixel((x, y))  # type: ignore[misc]
    return red > 200 > 60 > green


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_copy_stands_upright_without_metadata(sqlite_county: County, orientation: int) -> None:
    turned = scene(1600, 1200)
    for step in {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}.get(orientation, []):
        turned = turned.transpose(Image.Transpose(step))
    exif = exif_block({ORIENTATION: orientation}, {TAKEN: "2018:11:20 09:31:00"}, DONGZHAO_GPS)
    data = encoded(turned, "JPEG", exif, comment=b"secret")
    json_of(sqlite_county.phone().form(check_in([data]), data), 201)
    for query, size in (("?size=thumb", (320, 240)), ("?size=screen", (1280, 960)), ("", (1280, 960)),
                        ("?size=original", (1600, 1200))):  # fmt: skip
        answer = sqlite_county.phone().look(data, query)
        shown = picture_of(answer)
        assert (answer.content_type, shown.format, shown.size) == ("image/jpeg", "JPEG", size)
        assert reddish(shown, 20, 20)
        assert not shown.getexif()
        assert b"Exif" not in answer.data
        assert b"secret" not in answer.data


def test_only_a_reviewer_gets_the_original_as_it_was_sent(sqlite_county: County) -> None:
    data = jpeg(TAGS)
    json_of(sqlite_county.phone().form(check_in([data]), data), 201)
    assert sqlite_county.phone("inside").look(data, "?size=original").data == data
    for person in ("owner", "supervisor", "auditor", "admin"):
        shown = sqlite_county.phone(person).look(data, "?size=original")
        assert picture_of(shown).size == (640, 480)
        assert not picture_of(shown).getexif()
    # Looking alters nothing.
    assert sqlite_county.deployment.photos.verify(digest(data))


def test_the_stamped_copy_has_its_lines_below_the_picture(sqlite_county: County) -> None:
    data = jpeg(TAGS)
    json_of(sqlite_county.phone().form(check_in([data]), data), 201)
    stamped = picture_of(sqlite_county.phone().look(data, "?stamp=1"))
    plain = picture_of(sqlite_county.phone().look(data))
    assert (stamped.width, plain.size) == (640, (640, 480))
    assert stamped.height > 480 + 40
    assert stamped.getpixel((300, 200)) == plain.getpixel((300, 200))
    letters = stamped.convert("L").crop((0, 482, stamped.width, stamped.height))
    assert sum(letters.histogram()[180:]) > 300
    assert sqlite_county.deployment.photos.verify(digest(data))


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("?size=huge", [("/size", "choice")]),
        ("?stamp=yes", [("/stamp", "choice")]),
        ("?stamp=1&size=thumb", [("/stamp", "inconsistent")]),
        ("?width=3", [("/width", "unknown")]),
    ],
)
def test_a_picture_asked_for_wrongly_says_what_is_wrong(
    sqlite_county: County, query: str, errors: list[tuple[str, str]]
) -> None:
    json_of(sqlite_county.phone().form(check_in([PHOTO]), PHOTO), 201)
    assert refused(sqlite_county.phone().look(PHOTO, query), 422, "invalid") == errors


def test_a_picture_the_browser_has_is_not_sent_again_but_asked_about(sqlite_county: County) -> None:
    json_of(sqlite_county.phone().form(check_in([PHOTO]), PHOTO), 201)
    first = sqlite_county.phone().look(PHOTO)
    assert first.headers["Cache-Control"] == "private, no-cache"
    path = f"/visits/{visit_id()}/photos/{digest(PHOTO)}"
    again = sqlite_county.phone().get(path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_photo_that_has_not_come_or_was_never_announced_is_not_there(sqlite_county: County) -> None:
    announced(sqlite_county, PHOTO)
    assert refused(sqlite_county.phone().look(PHOTO), 404, "not-found") == []
    assert refused(sqlite_county.phone().look(OTHER), 404, "not-found") == []
