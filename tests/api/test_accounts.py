"""Accounts over HTTP: their shapes, and an office's day with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from schemas.accounts import AccountOut, AccountsOut, ActivationOut, GrantOut, GrantsOut
from server.app import create_app
from tests.support.staff import NOW, add_people, on_sqlite, post, token_of

ACCOUNTS = "/api/v1/accounts"


class Client:
    """A client that is signed in as somebody."""

    def __init__(self, http: FlaskClient, person: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token_of(person)}"}

    def ask(self, method: str, path: str = "", json: Any = None) -> tuple[int, Any]:
        answer = self._http.open(ACCOUNTS + path, method=method, json=json, headers=self._headers)
        return answer.status_code, answer.json if answer.data else None


@pytest.fixture
def http(tmp_path: Path) -> Iterator[FlaskClient]:
    app = create_app(on_sqlite(tmp_path, public_url="https://daocun.example.cn"))
    app.extensions["daocun.clock"] = lambda: NOW
    yield app.test_client()
    app.extensions["daocun.deployment"].database.close()


@pytest.fixture
def admin(http: FlaskClient) -> Client:
    return Client(http, "admin")


def test_an_office_opens_an_account_and_its_person_activates_it(http: FlaskClient, admin: Client) -> None:
    deployment = http.application.extensions["daocun.deployment"]
    add_people(deployment, ["new"])
    post(deployment, "new", "envoy", "d2")
    assert admin.ask("GET", "/new") == (404, admin.ask("GET", "/nobody")[1])
    status, opened = admin.ask("POST", json={"person": "new"})
    assert (status, opened["state"]) == (201, "invited")
    assert AccountOut().validate(opened) == {}
    status, activation = admin.ask("POST", "/new/activation")
    assert status == 201
    assert ActivationOut().validate(activation) == {}
    assert activation["link"] == f"https://daocun.example.cn/#activate={activation['code']}&person=new"
    body = {"phone": "new", "code": activation["code"], "password": "words of my own"}
    assert http.post("/api/v1/activations", json=body).status_code == 201
    assert admin.ask("GET", "/new")[1]["state"] == "active"
    assert admin.ask("POST", json={"person": "new"})[0] == 409


def test_a_lost_phone_is_signed_out_and_a_leaver_is_revoked(http: FlaskClient, admin: Client) -> None:
    owner = {"Authorization": f"Bearer {token_of('owner')}"}
    assert http.get("/api/v1/visits", headers=owner).status_code == 200
    assert admin.ask("DELETE", "/owner/tokens") == (204, None)
    assert http.get("/api/v1/visits", headers=owner).status_code == 401
    assert admin.ask("DELETE", "/owner") == (204, None)
    assert admin.ask("GET", "/owner")[1]["state"] == "revoked"
    assert admin.ask("DELETE", "/owner")[0] == 404


def test_a_grant_is_given_works_at_once_and_is_ended(http: FlaskClient, admin: Client) -> None:
    status, grant = admin.ask("POST", "/owner/grants", {"kind": "admin", "place": "D"})
    assert status == 201
    assert GrantOut().validate(grant) == {}
    assert (grant["place_name"], grant["granted_by"]) == ("D村", "admin")
    assert grant["granted_at"] == "2018-11-20T09:31:05+08:00"
    status, listed = admin.ask("GET", "/owner/grants")
    assert (status, listed["items"]) == (200, [grant])
    assert GrantsOut().validate(listed) == {}
    assert Client(http, "owner").ask("GET")[0] == 200
    assert admin.ask("POST", "/owner/grants", {"kind": "admin", "place": "D"})[0] == 409
    assert admin.ask("DELETE", f"/owner/grants/{grant['id']}") == (204, None)
    assert Client(http, "owner").ask("GET")[0] == 403
    assert admin.ask("DELETE", f"/owner/grants/{grant['id']}")[0] == 404


def test_a_list_comes_in_pages(http: FlaskClient, admin: Client) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        status, listed = admin.ask("GET", f"?limit=3{cursor}")
        assert status == 200
        assert AccountsOut().validate(listed) == {}
        seen += [account["person"] for account in listed["items"]]
        if listed["next"] is None:
            break
        cursor = f"&cursor={listed['next']}"
    assert seen == ["admin", "auditor", "colleague", "inside", "owner", "revoked", "secretary", "supervisor"]


@pytest.mark.parametrize(
    ("method", "path", "json", "status", "pointer"),
    [
        ("GET", "?place=U", None, 422, "/place"),
        ("GET", "?place=X", None, 422, "/place"),
        ("GET", "?state=active", None, 422, "/state"),
        ("POST", "", {"person": "stranger"}, 422, "/person"),
        ("POST", "", {"person": "nobody"}, 422, "/person"),
        ("POST", "/owner/grants", {"kind": "admin", "place": "U"}, 422, "/place"),
        ("POST", "/owner/grants", {"kind": "admin", "place": "X"}, 422, "/place"),
        ("POST", "/owner/grants", {"kind": "king", "place": "T"}, 422, "/kind"),
    ],
)
def test_what_is_unknown_or_outside_is_refused_alike(
    admin: Client, method: str, path: str, json: Any, status: int, pointer: str
) -> None:
    found, body = admin.ask(method, path, json)
    assert (found, [error["pointer"] for error in body["errors"]]) == (status, [pointer])


def test_nobody_gives_themself_a_grant(http: FlaskClient, admin: Client) -> None:
    for client, person in ((admin, "admin"), (Client(http, "chief"), "chief")):
        status, body = client.ask("POST", f"/{person}/grants", {"kind": "auditor", "place": "T"})
        assert (status, body["code"]) == (403, "own-grant")
