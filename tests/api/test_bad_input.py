"""Bad input at the door: each has its clear problem, nothing of it is stored, and nothing of it comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.api.phones import API, County, json_of, refused
from tests.factories import HERE, check_in, digest, multipart, photo, token_of, visit_id

PHOTO = photo(1)
SECRET = "秘密secret"  # stands in what is sent, and never in an answer
Given = dict[str, Any]


def at(**position: Any) -> Given:
    return {"position": {"latitude": HERE[0], "longitude": HERE[1], "accuracy_m": 12, **position}}


FIELDS: dict[str, tuple[Given, list[tuple[str, str]]]] = {
    "a latitude beyond the pole": (at(latitude=90.0001), [("/position/latitude", "range")]),
    "a latitude far beyond": (at(latitude=-1e300), [("/position/latitude", "range")]),
    "a longitude beyond the date line": (at(longitude=-180.5), [("/position/longitude", "range")]),
    "latitude and longitude changed over": (
        at(latitude=HERE[1], longitude=HERE[0]),
        [("/position/latitude", "range")],
    ),
    "a negative accuracy": (at(accuracy_m=-1), [("/position/accuracy_m", "range")]),
    "an endless accuracy": (at(accuracy_m=1e12), [("/position/accuracy_m", "range")]),
    "a position in words": (at(latitude="37.8"), [("/position/latitude", "type")]),
    "a position that is true": (at(latitude=True), [("/position/latitude", "type")]),
    "half a position": ({"position": {"latitude": 37.8}}, [("/position/longitude", "required")]),
    "a position that is a list": ({"position": [37.8, 117.0]}, [("/position", "type")]),
    "an unknown datum": (at(crs="cgcs2000"), [("/position/crs", "choice")]),
    "an unknown field": ({SECRET[2:]: 1}, [("/secret", "unknown")]),
    "an unknown field inside": (at(altitude=20), [("/position/altitude", "unknown")]),
    "an unknown field of the device": ({"device": {"imei": SECRET}}, [("/device/imei", "unknown")]),
    "an unknown field with no name of a field": ({SECRET: 1}, [("", "unknown")]),
    "a status of its own": ({"status": "confirmed"}, [("/status", "unknown")]),
    "another person": ({"person": "colleague"}, [("/person", "unknown")]),
    "an id in the body": ({"id": visit_id(2)}, [("/id", "unknown")]),
    "a naive time": ({"captured_at": "2018-11-20T09:31:05"}, [("/captured_at", "offset")]),
    "a time in words": ({"captured_at": SECRET}, [("/captured_at", "format")]),
    "a time as a number": ({"captured_at": 1542677465}, [("/captured_at", "type")]),
    "a day that is none": ({"captured_at": "2018-02-30T09:31:05+08:00"}, [("/captured_at", "format")]),
    "an hour that is none": ({"captured_at": "2018-11-20T24:00:00+08:00"}, [("/captured_at", "format")]),
    "a time long before": ({"captured_at": "1018-11-20T09:31:05+08:00"}, [("/captured_at", "format")]),
    "no time": ({"captured_at": None}, [("/captured_at", "null")]),
    "an unknown activity": ({"activity": SECRET}, [("/activity", "choice")]),
    "no activity": ({"activity": None}, [("/activity", "null")]),
    "a village that does not exist": ({"place": "371481200999"}, [("/place", "unknown-place")]),
    "a village by its name": ({"place": "东赵村"}, [("/place", "format")]),
    "a path for a village": ({"place": "../371481"}, [("/place", "format")]),
    "a short digest": ({"photos": [digest(PHOTO)[:-1]]}, [("/photos/0", "format")]),
    "a digest in capitals": ({"photos": [digest(PHOTO).upper()]}, [("/photos/0", "format")]),
    "a digest that is a path": ({"photos": ["../" * 21 + "x"]}, [("/photos/0", "format")]),
    "a digest twice": ({"photos": [digest(PHOTO)] * 2}, [("/photos/1", "duplicate")]),
    "a hundred and one digests": ({"photos": [digest(bytes([n])) for n in range(101)]}, [("/photos", "count")]),
    "an unknown function": ({"functions": ["go-between", SECRET]}, [("/functions/1", "choice")]),
    "a note too long": ({"note": "字" * 2001}, [("/note", "length")]),
    "a note with a zero byte": ({"note": f"{SECRET}\0"}, [("/note", "characters")]),
    "a note with half a character": ({"note": "\ud83d"}, [("/note", "characters")]),
    "a note that is a list": ({"note": [SECRET]}, [("/note", "type")]),
    "no device at all": ({"device": None}, [("/device", "null")]),
    "a skew of more than a century": ({"device": {"skew_s": 4e9}}, [("/device/skew_s", "range")]),
    "a reason for no position that is none": ({"device": {"no_position": SECRET}}, [("/device/no_position", "choice")]),
    "several at once": (
        {"activity": SECRET, "note": 5, **at(latitude=91)},
        [("/activity", "choice"), ("/position/latitude", "range"), ("/note", "type")],
    ),
}

BODIES: dict[str, tuple[Callable[[bytes], bytes], int, str, list[tuple[str, str]]]] = {
    "NaN": (lambda b: b.replace(b"37.811268", b"NaN"), 422, "invalid", [("/position/latitude", "finite")]),
    "Infinity": (lambda b: b.replace(b"117.012492", b"-Infinity"), 422, "invalid", [("/position/longitude", "finite")]),
    "a number beyond any": (
        lambda b: b.replace(b"37.811268", b"1e999"),
        422,
        "invalid",
        [("/position/latitude", "finite")],
    ),
    "a number of a thousand digits": (
        lambda b: b.replace(b"37.811268", b"3" * 1000),
        422,
        "invalid",
        [("/position/latitude", "finite")],
    ),
    "a key twice": (
        lambda b: b[:-1] + b', "place": "371481200264"}',
        422,
        "invalid",
        [("/place", "duplicate")],
    ),
    "a key twice inside": (
        lambda b: b.replace(b'"latitude"', b'"accuracy_m": 1, "latitude"'),
        422,
        "invalid",
        [("/position/accuracy_m", "duplicate")],
    ),
    "half of it": (lambda b: b[: len(b) // 2], 400, "malformed-body", []),
    "nothing": (lambda _: b"", 400, "malformed-body", []),
    "words": (lambda _: SECRET.encode(), 400, "malformed-body", []),
    "another encoding": (lambda b: b[:-1] + ', "note": "秘密"}'.encode("gb18030"), 400, "malformed-body", []),
    "two of them": (lambda b: b + b, 400, "malformed-body", []),
    "a list": (lambda b: b"[" + b + b"]", 422, "invalid", [("", "type")]),
    "a text": (lambda _: json.dumps(SECRET).encode(), 422, "invalid", [("", "type")]),
    "null": (lambda _: b"null", 422, "invalid", [("", "type")]),
    "ten thousand brackets": (lambda _: b"[" * 10_000, 400, "malformed-body", []),
    "a note of a megabyte": (
        lambda b: b[:-1] + b', "note": "' + b"x" * 1_000_000 + b'"}',
        413,
        "too-large",
        [],
    ),
}


def nothing_comes_back(answer: Any) -> None:
    told = answer.get_data(as_text=True) + str(answer.headers)
    assert SECRET not in told
    for word in ("Traceback", "sqlite", "psycopg", "marshmallow", "sqlalchemy"):
        assert word not in told.lower()


@pytest.mark.parametrize("way", ["json", "multipart"])
@pytest.mark.parametrize(("given", "errors"), FIELDS.values(), ids=FIELDS)
def test_a_field_that_does_not_fit_is_named_and_nothing_stored(
    sqlite_county: County, given: Given, errors: list[tuple[str, str]], way: str
) -> None:
    kept = sqlite_county.footprint()
    body = {**check_in([PHOTO]), **given}
    phone = sqlite_county.phone()
    answer = phone.put(body) if way == "json" else phone.form(body, PHOTO)
    assert sorted(refused(answer, 422, "invalid")) == sorted(errors)
    assert sqlite_county.footprint() == kept
    nothing_comes_back(answer)
    english = sqlite_county.phone(language="en").put(body).get_json()
    assert all(error["detail"] for error in english["errors"])
    assert english["detail"].isascii()


@pytest.mark.parametrize(("change", "status", "code", "errors"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_none_is_refused_and_nothing_stored(
    sqlite_county: County, change: Callable[[bytes], bytes], status: int, code: str, errors: list[tuple[str, str]]
) -> None:
    kept = sqlite_county.footprint()
    data = change(json.dumps(check_in([PHOTO])).encode())
    headers = {"Authorization": f"Bearer {token_of('owner')}"}
    url = f"{API}/visits/{visit_id()}"
    client = sqlite_county.app.test_client()
    answer = client.put(url, data=data, headers=headers, content_type="application/json")
    assert refused(answer, status, code) == errors
    assert sqlite_county.footprint() == kept
    nothing_comes_back(answer)


def _without_end(body: bytes) -> bytes:
    return body.rstrip()[:-2]


MULTIPART: dict[str, tuple[Callable[[bytes], bytes], int, str, list[tuple[str, str]]]] = {
    "without its end": (_without_end, 400, "malformed-multipart", []),
    "half of it": (lambda b: b[: len(b) // 2], 400, "malformed-multipart", []),
    "no part at all": (lambda _: b"", 422, "invalid", [("", "missing-part")]),
    "another boundary": (lambda b: b.replace(b"Werkzeug", b"Other"), 400, "malformed-multipart", []),
    "no check-in": (
        lambda b: b.replace(b'name="visit"', b'name="other"'),
        422,
        "invalid",
        [("", "missing-part")],
    ),
    "a check-in that is no JSON": (lambda b: b.replace(b'{"activity"', b'["activity"'), 400, "malformed-body", []),
    "a photo that is text": (
        lambda b: b[: b.index(b"\xff\xd8")] + SECRET.encode() + b[b.rindex(b"\r\n--") :],
        422,
        "photo-unreadable",
        [],
    ),
}


@pytest.mark.parametrize(("change", "status", "code", "errors"), MULTIPART.values(), ids=MULTIPART)
def test_a_form_that_is_none_is_refused_and_nothing_stored(
    sqlite_county: County, change: Callable[[bytes], bytes], status: int, code: str, errors: list[tuple[str, str]]
) -> None:
    kept = sqlite_county.footprint()
    data, content_type = multipart(check_in([PHOTO]), PHOTO)
    answer = sqlite_county.app.test_client().put(
        f"{API}/visits/{visit_id()}",
        data=change(data),
        headers={"Authorization": f"Bearer {token_of('owner')}"},
        content_type=content_type,
    )
    assert refused(answer, status, code) == errors
    assert sqlite_county.footprint() == kept
    nothing_comes_back(answer)


def test_a_good_photo_beside_a_bad_one_is_not_kept_either(sqlite_county: County) -> None:
    kept = sqlite_county.footprint()
    bad = photo(2)[:-40]
    assert refused(sqlite_county.phone().form(check_in([PHOTO, bad]), PHOTO, bad), 422, "photo-truncated") == []
    assert sqlite_county.footprint() == kept


def test_a_form_over_the_limit_of_all_is_refused_unread(sqlite_county: County) -> None:
    kept = sqlite_county.footprint()
    known = sqlite_county.app.extensions
    known["daocun.settings"] = replace(known["daocun.settings"], multipart_max_bytes=5000)
    pictures = [photo(number) for number in range(3)]
    assert refused(sqlite_county.phone().form(check_in(pictures), *pictures), 413, "too-large") == []
    assert sqlite_county.footprint() == kept


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_check_in_of_another_type_is_415(sqlite_county: County, media_type: str) -> None:
    answer = sqlite_county.app.test_client().put(
        f"{API}/visits/{visit_id()}",
        data=json.dumps(check_in([PHOTO])),
        headers={"Authorization": f"Bearer {token_of('owner')}"},
        content_type=media_type,
    )
    assert refused(answer, 415, "unsupported-type") == []


@pytest.mark.parametrize("visit", ["1", "../people", visit_id() + "0", visit_id().replace("-", ""), "%00", "é" * 36])
def test_an_id_that_is_none_is_not_there(sqlite_county: County, visit: str) -> None:
    assert refused(sqlite_county.phone().put(check_in([PHOTO]), visit), 404, "not-found") == []


def test_a_query_where_none_belongs_is_refused(sqlite_county: County) -> None:
    assert refused(sqlite_county.phone().put(check_in([PHOTO]), f"{visit_id()}?dry_run=1"), 422, "invalid") == [
        ("/dry_run", "unknown")
    ]


@pytest.mark.parametrize("latitude", [90, -90, 0, 37.811268])
@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_positions_at_the_edge_of_the_world_are_positions(sqlite_county: County, latitude: float, crs: str) -> None:
    for number, longitude in enumerate((180, -180, 0, 73.67, 135.04)):
        body = check_in(activity="other", **at(latitude=latitude, longitude=longitude, crs=crs))
        assert json_of(sqlite_county.phone().put(body, visit_id(number)), 201)["position"]["crs"] == "wgs84"
