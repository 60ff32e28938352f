"""What a reviewer sees of earlier photos that a visit's photos resemble, and nobody else does."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from bench import scenes
from server.services import jobs
from tests.adapters.samples import encoded
from tests.api.phones import API, County, finding, json_of
from tests.factories import DONGZHAO, JINJIA, NOW, TOWN, XIDUAN, ZHENXING, check_in, digest, visit_id

SCENE = scenes.scene(1)
PHOTO = encoded(SCENE, quality=90)
COPY = encoded(SCENE.crop((96, 0, 960, 648)), quality=60)


def sent(county: County, person: str, number: int, place: str, data: bytes, hours_ago: int) -> None:
    body = check_in([data], NOW - timedelta(hours=hours_ago), place=place)
    json_of(county.phone(person).form(body, data, visit=visit_id(number)), 201)


def resembles(county: County, person: str, number: int = 1) -> Any:
    return finding(json_of(county.phone(person).see(visit_id(number))), "photo-reuse").get("resembles")


def look(county: County, person: str, photo: bytes = COPY, number: int = 1) -> Any:
    phone = county.phone(person)
    path = f"{API}/visits/{visit_id()}/photos/{digest(photo)}/resembling/{number}"
    return phone.http.get(path, headers=phone.headers)


@pytest.fixture
def reused(sqlite_county: County) -> County:
    """The owner's photo is a crop of one of the same township, and of which the other township has the very same."""
    sent(sqlite_county, "colleague", 2, JINJIA, PHOTO, 3)
    sent(sqlite_county, "stranger", 3, ZHENXING, PHOTO, 2)
    sent(sqlite_county, "owner", 1, DONGZHAO, COPY, 1)
    assert jobs.tick(sqlite_county.deployment, NOW)["pictures"] == 3
    return sqlite_county


def test_a_reviewer_learns_which_earlier_photo_and_of_one_outside_only_the_day_and_the_office(reused: County) -> None:
    near, far = resembles(reused, "inside")
    assert near == {
        "photo": digest(COPY), "number": 1, "visit": visit_id(2), "other_photo": digest(PHOTO), "day": "2018-11-20",
        "percent": near["percent"], "office": XIDUAN, "office_name": "西段乡", "inside": True,
    }  # fmt: skip
    assert near["percent"] >= 93
    assert far == near | {
        "number": 2, "visit": None, "other_photo": None, "office": TOWN, "office_name": "市中街道", "inside": False,
    }  # fmt: skip


@pytest.mark.parametrize("person", ["owner", "supervisor", "auditor", "admin"])
def test_nobody_but_a_reviewer_learns_of_it(reused: County, person: str) -> None:
    assert resembles(reused, person) is None
    assert look(reused, person).status_code == 403


@pytest.mark.parametrize("person", ["colleague", "stranger", "outside"])
def test_where_the_visit_does_not_exist_neither_do_the_photos(reused: County, person: str) -> None:
    assert look(reused, person).status_code == 404


def sharpness(picture: Image.Image) -> float:
    """How much neighbouring pixels differ, in greys."""
    grey = picture.convert("L")
    return float(ImageStat.Stat(ImageChops.difference(grey, ImageChops.offset(grey, 1, 0))).mean[0])


def test_a_photo_inside_is_shown_as_any_other_and_one_outside_blurred(reused: County) -> None:
    near, far = (look(reused, "inside", number=number) for number in (1, 2))
    assert (near.status_code, far.status_code) == (200, 200)
    with Image.open(io.BytesIO(near.data)) as one, Image.open(io.BytesIO(far.data)) as other:
        assert (one.size, other.size) == ((960, 720), (320, 240))
        assert sharpness(other) < sharpness(one.resize((320, 240))) / 2
        assert not other.getexif()
    assert look(reused, "inside", number=3).status_code == 404
    assert look(reused, "inside", PHOTO).status_code == 404


def test_who_looked_at_whose_photo_is_in_the_log(reused: County) -> None:
    look(reused, "inside", number=2)
    line = json_of(reused.phone("auditor").get("/log?verb=read"))["items"][0]
    assert (line["actor"], line["subject"], line["detail"]) == ("inside", visit_id(3), {"photo": digest(PHOTO)})
