"""What is sent is taken whole and strictly, or refused with its reason."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from server.api.reading import parse_json
from server.domain.problems import Problem
from tests.api.frame import GOOD, ID, client, signed

URL = f"/api/v1/things/{ID}"
PICTURE = f"{URL}/pictures/{'a' * 64}"
FORM = "/api/v1/things/odd/form"


@pytest.fixture
def http() -> FlaskClient:
    return client(json_max_bytes=2000)


def put(http: FlaskClient, data: bytes, media_type: str = "application/json", **given: Any) -> TestResponse:
    return http.put(URL, data=data, content_type=media_type, headers=signed() | given.pop("headers", {}), **given)


def errors(response: TestResponse) -> list[tuple[str, str]]:
    assert response.json is not None
    return [(error["pointer"], error["code"]) for error in response.json.get("errors", [])]


def test_what_fits_is_taken(http: FlaskClient) -> None:
    assert put(http, json.dumps(GOOD).encode()).status_code == 201


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"code": "\xe6\x9d"}',
        b"{'code': 1}",
        b'{"code": 01}',
        b"[" * 1000 + b"]" * 1000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ],
    ids=["empty", "open", "two", "utf-16", "bom", "cut character", "quotes", "number", "deep list", "deep object"],
)
def test_what_is_no_json_is_malformed(http: FlaskClient, data: bytes) -> None:
    response = put(http, data)
    assert (response.status_code, response.json["code"]) == (400, "malformed-body")


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    with contextlib.suppress(Problem):
        parse_json(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"code": "a", "code": "b", "at": "2018-11-20T09:31:05Z"}', [("/code", "duplicate")]),
        (b'{"position": {"latitude": 1, "latitude": 1}}', [("/position/latitude", "duplicate")]),
        (b'{"photos": [{"x": 1, "x": 2}]}', [("/photos/0/x", "duplicate")]),
        (b'{"<b>": 1, "<b>": 2}', [("", "duplicate")]),
    ],
)
def test_a_key_that_stands_twice_is_pointed_at(http: FlaskClient, data: bytes, expected: list[tuple[str, str]]) -> None:
    response = put(http, data)
    assert response.status_code == 422
    assert errors(response) == expected


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 1500])
def test_a_number_that_is_not_finite_is_refused_at_its_place(http: FlaskClient, number: str) -> None:
    position = f'{{"latitude": {number}, "longitude": 117}}'
    response = put(http, (json.dumps(GOOD)[:-1] + f', "position": {position}}}').encode())
    assert response.status_code == 422
    assert errors(response) == [("/position/latitude", "finite")]


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=gb18030", "application/jsonx"],
)
def test_another_type_is_refused(http: FlaskClient, media_type: str) -> None:
    response = put(http, json.dumps(GOOD).encode(), media_type)
    assert (response.status_code, response.json["code"]) == (415, "unsupported-type")


def test_a_compressed_body_is_refused(http: FlaskClient) -> None:
    response = put(http, json.dumps(GOOD).encode(), headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415


def test_json_over_the_limit_is_refused_unread(http: FlaskClient) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("was read")

    response = http.put(
        URL,
        input_stream=Unread(),
        content_type="application/json",
        headers=signed(),
        environ_overrides={"CONTENT_LENGTH": "2001"},
    )
    assert (response.status_code, response.json["code"]) == (413, "too-large")


@pytest.mark.parametrize("arrived", [0, 10, len(json.dumps(GOOD))])
def test_a_body_cut_off_half_way_is_noticed(http: FlaskClient, arrived: int) -> None:
    data = json.dumps(GOOD).encode()
    response = http.put(
        URL,
        input_stream=io.BytesIO(data[:arrived]),
        content_type="application/json",
        headers=signed(),
        environ_overrides={"CONTENT_LENGTH": str(len(data) + 1)},
    )
    assert (response.status_code, response.json["code"]) == (400, "body-cut")


@pytest.mark.parametrize(("size", "status"), [(0, 201), (1000, 201), (1001, 413), (50_000, 413)])
def test_a_photo_may_be_as_large_as_the_limit(http: FlaskClient, size: int, status: int) -> None:
    response = http.put(PICTURE, data=b"x" * size, content_type="image/jpeg", headers=signed())
    assert response.status_code == status


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "٣", "1" * 30])
def test_a_length_that_is_none_is_refused(http: FlaskClient, length: str) -> None:
    response = http.put(
        URL,
        input_stream=io.BytesIO(b"{}"),
        content_type="application/json",
        headers=signed(),
        environ_overrides={"CONTENT_LENGTH": length},
    )
    assert (response.status_code, response.json["code"]) == (400, "bad-request")


@pytest.mark.parametrize(
    ("headers", "environ"),
    [
        ({"Transfer-Encoding": "chunked"}, {"wsgi.input_terminated": True}),
        ({"Transfer-Encoding": "chunked"}, {}),
        ({}, {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}),
    ],
)
def test_a_body_that_says_not_how_long_it_is_is_refused(
    http: FlaskClient, headers: dict[str, str], environ: dict[str, Any]
) -> None:
    response = http.put(
        URL,
        input_stream=io.BytesIO(json.dumps(GOOD).encode()),
        content_type="application/json",
        headers=signed() | headers,
        environ_overrides=environ,
    )
    assert (response.status_code, response.json["code"]) == (411, "length-required")


def test_a_photo_of_another_type_is_refused(http: FlaskClient) -> None:
    assert http.put(PICTURE, data=b"x", content_type="text/plain", headers=signed()).status_code == 415


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=1&limit=1", [("/limit", "repeated")]),
        ("limt=1", [("/limt", "unknown")]),
        ("after=2018-02-30", [("/after", "format")]),
        ("kind=", [("/kind", "choice")]),
        ("cursor=x", [("/cursor", "cursor")]),
        ("limit=1%00", [("/limit", "type")]),
        ("%3Cb%3E=1", [("", "unknown")]),
    ],
)
def test_a_query_that_does_not_fit_is_refused(http: FlaskClient, query: str, expected: list[tuple[str, str]]) -> None:
    response = http.get(f"/api/v1/things?{query}", headers=signed())
    assert response.status_code == 422
    assert errors(response) == expected


def test_a_route_without_a_query_takes_none(http: FlaskClient) -> None:
    response = http.delete(f"{URL}?force=1", headers=signed())
    assert errors(response) == [("/force", "unknown")]


def test_a_list_goes_on_where_it_stopped(http: FlaskClient) -> None:
    seen: list[str] = []
    url = "/api/v1/things?limit=3"
    for _ in range(3):
        found = http.get(url, headers=signed()).json
        assert found is not None
        seen += [item["code"] for item in found["items"]]
        url = f"/api/v1/things?limit=3&cursor={found['next']}"
    assert found["next"] is None
    assert seen == list("0123456")


def form(*parts: bytes, end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + end


def text_part(name: str, data: bytes) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + data


def file_part(name: str, data: bytes, media_type: str = "image/jpeg") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="照片.jpg"\r\nContent-Type: {media_type}'
    return head.encode() + b"\r\n\r\n" + data


def post_form(http: FlaskClient, data: bytes, media_type: str = "multipart/form-data; boundary=x") -> TestResponse:
    return http.post(FORM, data=data, content_type=media_type, headers=signed())


def test_a_form_is_taken_apart(http: FlaskClient) -> None:
    response = post_form(
        http, form(text_part("visit", b'{"a": 1}'), file_part("p", b"\r\n--\r\n\r\n"), file_part("q", b""))
    )
    assert response.status_code == 201
    assert response.json == {"visit": {"a": 1}, "files": [["p", "image/jpeg", 8], ["q", "image/jpeg", 0]]}


def test_the_json_of_a_form_may_be_a_file(http: FlaskClient) -> None:
    response = post_form(http, form(file_part("visit", b"{}", "application/json")))
    assert response.json == {"visit": {}, "files": []}


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"x", "multipart/form-data; boundary=x"),
        (form(text_part("visit", b"{}")), "multipart/form-data"),
        (form(text_part("visit", b"{}")), "multipart/form-data; boundary=y"),
        (form(text_part("visit", b"{}"), end=b""), "multipart/form-data; boundary=x"),
        (form(text_part("visit", b"{}"))[:40], "multipart/form-data; boundary=x"),
        (form(b"no head"), "multipart/form-data; boundary=x"),
        (form(b"Content-Type: text/plain\r\n\r\nx"), "multipart/form-data; boundary=x"),
        (form(b"Content-Disposition: form-data\r\n\r\nx"), "multipart/form-data; boundary=x"),
        (form(b'Content-Disposition: form-data; name="\xff"\r\n\r\nx'), "multipart/form-data; boundary=x"),
        (
            form(b'Content-Disposition: form-data; name="visit"\r\nContent-Transfer-Encoding: base64\r\n\r\ne30='),
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_malformed_form_is_refused(http: FlaskClient, data: bytes, media_type: str) -> None:
    response = post_form(http, data, media_type)
    assert (response.status_code, response.json["code"]) == (400, "malformed-multipart")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (form(file_part("p", b"x")), 422, "invalid"),
        (form(text_part("visit", b"{}"), text_part("visit", b"{}")), 422, "invalid"),
        (form(text_part("visit", b"{}"), text_part("other", b"{}")), 422, "invalid"),
        (form(text_part("visit", b"{")), 400, "malformed-body"),
        (form(text_part("visit", b'{"a":1,"a":1}')), 422, "invalid"),
        (form(text_part("visit", b" " * 2001)), 413, "too-large"),
        (form(text_part("visit", b"{}"), file_part("p", b"x" * 1001)), 413, "photo-too-large"),
        (form(text_part("visit", b"{}"), *[file_part("p", b"x")] * 4), 413, "too-large"),
        (b"x" * 5001, 413, "too-large"),
    ],
)
def test_a_form_over_a_limit_or_with_the_wrong_parts_is_refused(
    http: FlaskClient, data: bytes, status: int, code: str
) -> None:
    response = post_form(http, data)
    assert (response.status_code, response.json["code"]) == (status, code)


def test_the_same_call_may_come_as_json_or_as_a_form(http: FlaskClient) -> None:
    url = f"/api/v1/things/both/{ID}"
    plain = http.put(url, json=GOOD, headers=signed())
    data = form(text_part("thing", json.dumps(GOOD).encode()), file_part("p", b"x"))
    sent = http.put(url, data=data, content_type="multipart/form-data; boundary=x", headers=signed())
    assert (plain.status_code, plain.headers["X-Files"]) == (201, "0")
    assert (sent.status_code, sent.headers["X-Files"]) == (201, "1")
    assert sent.json == plain.json


def test_the_json_of_a_form_is_held_to_its_schema(http: FlaskClient) -> None:
    data = form(text_part("thing", b'{"position": {"latitude": 91}}'))
    url = f"/api/v1/things/both/{ID}"
    response = http.put(url, data=data, content_type="multipart/form-data; boundary=x", headers=signed())
    assert ("/position/latitude", "range") in errors(response)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_form(data: bytes) -> None:
    for body in (data, b"--x\r\n" + data, form(text_part("visit", b"{}"), data)):
        assert post_form(client(), body).status_code in (201, 400, 413, 422)
