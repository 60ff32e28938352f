"""Signing in over HTTP: what is answered, what is refused, and that nothing is given away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from schemas.tokens import TokenOut
from server.api import auth
from server.app import create_app
from server.services import issuing
from tests.support.staff import NOW, PASSWORD, on_sqlite, phone_of, set_password, token_of

TOKENS, ACTIVATIONS = "/api/v1/tokens", "/api/v1/activations"
GOOD = {"phone": "owner", "password": PASSWORD}


class Clock:
    """The instant the application takes for now."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    made = create_app(on_sqlite(tmp_path, sign_in_tries=3, trusted_proxies=()))
    made.extensions["daocun.clock"] = Clock()
    set_password(made.extensions["daocun.deployment"], "owner")
    yield made
    made.extensions["daocun.deployment"].database.close()


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    return app.test_client()


def signed(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def code_of(app: Flask, person: str = "owner") -> str:
    activation = issuing.ensure_account(app.extensions["daocun.deployment"], person, [], "command-line", NOW)
    assert activation is not None
    return activation.code


def test_signing_in_answers_with_a_token_and_the_person(http: FlaskClient) -> None:
    answer = http.post(TOKENS, json=GOOD)
    assert answer.status_code == 201
    assert answer.json is not None
    assert TokenOut().validate(answer.json) == {}
    assert answer.json["expires_at"] == "2019-05-19T09:31:05+08:00"
    assert answer.json["person"] == {
        "code": "owner", "name": "owner名", "phone": phone_of("owner"), "unit": "", "language": "zh",
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "no-store"
    assert http.get("/api/v1/visits", headers=signed(answer.json["token"])).status_code == 200


def test_signing_out_ends_the_session(http: FlaskClient) -> None:
    token = http.post(TOKENS, json=GOOD).json["token"]  # type: ignore[index]
    answer = http.delete(f"{TOKENS}/current", headers=signed(token))
    assert (answer.status_code, answer.data) == (204, b"")
    assert http.get("/api/v1/visits", headers=signed(token)).status_code == 401
    assert http.delete(f"{TOKENS}/current", headers=signed(token)).status_code == 401


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whatever_was_wrong_the_answer_is_the_same_to_the_byte(http: FlaskClient, language: str) -> None:
    headers = {"Accept-Language": language}
    refused = [
        http.post(TOKENS, json=body, headers=headers)
        for body in (
            {"phone": "owner", "password": "wrong"},
            {"phone": phone_of("owner"), "password": "also wrong"},
            {"phone": "nobody", "password": PASSWORD},
            {"phone": "colleague", "password": PASSWORD},
            {"phone": "revoked", "password": PASSWORD},
        )
    ]
    assert {answer.status_code for answer in refused} == {401}
    assert len({answer.data for answer in refused}) == 1
    assert len({tuple(sorted(answer.headers)) for answer in refused}) == 1
    assert refused[0].json is not None
    assert refused[0].json["code"] == "sign-in-failed"


@pytest.mark.parametrize(
    ("url", "body", "pointer"),
    [
        (TOKENS, {"phone": "owner"}, "/password"),
        (TOKENS, {"password": PASSWORD}, "/phone"),
        (TOKENS, {**GOOD, "phone": 13800000000}, "/phone"),
        (TOKENS, {**GOOD, "phone": "1" * 41}, "/phone"),
        (TOKENS, {**GOOD, "phone": "a\u0000b"}, "/phone"),
        (TOKENS, {**GOOD, "remember": True}, "/remember"),
        (TOKENS, {**GOOD, "password": "x" * 201}, "/password"),
        (ACTIVATIONS, {"phone": "owner", "code": "A", "password": "short"}, "/password"),
        (ACTIVATIONS, {"phone": "owner", "code": "A", "password": "x" * 129}, "/password"),
        (ACTIVATIONS, {"phone": "owner", "password": "long enough"}, "/code"),
        (ACTIVATIONS, {"phone": "owner", "code": "ABCDE23456", "password": "abcde-23456"}, "/password"),
    ],
)
def test_what_does_not_fit_is_said_without_repeating_it(
    http: FlaskClient, url: str, body: dict[str, Any], pointer: str
) -> None:
    answer = http.post(url, json=body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert not [sent for sent in body.values() if isinstance(sent, str) and len(sent) > 6 and sent in answer.text]


def test_too_many_failures_are_told_to_wait_and_how_long(app: Flask, http: FlaskClient) -> None:
    for _ in range(3):
        assert http.post(TOKENS, json={**GOOD, "password": "wrong"}).status_code == 401
    app.extensions["daocun.clock"].at = NOW + timedelta(seconds=100)
    answer = http.post(TOKENS, json=GOOD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "800")
    assert http.post(TOKENS, json=GOOD, environ_base={"REMOTE_ADDR": "10.7.7.7"}).status_code == 201
    assert http.post(TOKENS, json=GOOD, headers=signed(token_of("owner"))).status_code == 201
    app.extensions["daocun.clock"].at = NOW + timedelta(seconds=900)
    assert http.post(TOKENS, json=GOOD).status_code == 201


def test_a_code_activates_and_works_once(app: Flask, http: FlaskClient) -> None:
    code = code_of(app)
    body = {"phone": phone_of("owner"), "code": f"{code[:5].lower()} {code[5:]}", "password": "words of my own"}
    answer = http.post(ACTIVATIONS, json=body)
    assert answer.status_code == 201
    assert answer.json is not None
    assert TokenOut().validate(answer.json) == {}
    assert http.get("/api/v1/visits", headers=signed(answer.json["token"])).status_code == 200
    assert http.get("/api/v1/visits", headers=signed(token_of("owner"))).status_code == 401
    again = http.post(ACTIVATIONS, json=body)
    assert (again.status_code, again.json and again.json["code"]) == (401, "activation-failed")
    assert http.post(TOKENS, json={**GOOD, "password": "words of my own"}).status_code == 201


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::1", "::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_an_address_is_what_one_subscriber_has(app: Flask, remote: str, address: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": remote}):
        assert auth.address() == address
