"""Every route answers every kind of caller as the table says, and whoever is refused changes nothing."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.api import auth, bridge
from server.api.document import operations
from server.app import create_app
from server.domain.notices import Notice, NoticeKind
from server.services.deployment import Deployment
from server.settings import Settings
from server.storage import leaves, notices, proposals
from tests.api.authorization import (
    API,
    AWAY,
    CHECK_IN,
    DIGEST,
    FAR_AWAY,
    PHOTO,
    PROPOSAL,
    REJECTED,
    ROLES,
    TABLE,
    VISIT,
    Row,
)
from tests.support.staff import NOW, on_sqlite, token_of

TOLD = {"proposal": 1, "decision": "approved"}
# The contract's list of what needs no token
OPEN = {
    "GET /", "GET /assets/<name>", "GET /icons/<name>", "GET /manifest.webmanifest", "GET /sw.js",
    "GET /landing/page.css", "GET /livez", "GET /readyz",
    "GET /api/v1/", "GET /api/v1/docs/<name>", "GET /api/v1/swagger.json",
    "POST /api/v1/tokens", "POST /api/v1/activations",
    # By an address that stands for a person
    "GET /api/v1/downloads/<secret:secret>", "GET /api/v1/calendar/<secret:secret>.ics",
}  # fmt: skip


@dataclass
class Office:
    """An application on a database in which the envoy `owner` has checked in."""

    app: Flask
    path: Path
    fresh: Path

    def ask(self, role: str, row: Row, method: str) -> int:
        """The status of a request as a role, from the state in which nothing has been asked yet."""
        self.renew()
        headers = {**row.headers, **signed(role)}
        client = self.app.test_client()
        with client.open(row.path, method=method, json=row.json, data=row.data, headers=headers) as answer:
            return answer.status_code

    def renew(self) -> None:
        close(self.app)
        for name in ("-wal", "-shm"):
            Path(f"{self.path}{name}").unlink(missing_ok=True)
        shutil.copyfile(self.fresh, self.path)

    def stored(self) -> str:
        """A digest of everything in the database but the failures counted at sign-in."""
        close(self.app)
        connection = sqlite3.connect(self.path)
        lines = [line for line in connection.iterdump() if '"attempt"' not in line]
        connection.close()
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def signed(role: str) -> dict[str, str]:
    return {} if role == "anonymous" else {"Authorization": f"Bearer {token_of(role)}"}


def close(app: Flask) -> None:
    deployment: Deployment = app.extensions["daocun.deployment"]
    deployment.database.close()


def application(settings: Settings) -> Flask:
    app = create_app(settings)
    app.extensions["daocun.clock"] = lambda: NOW
    return app


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    app = application(on_sqlite(folder))
    client: FlaskClient = app.test_client()
    url = f"{API}/visits/{VISIT}"
    assert client.put(url, json=CHECK_IN, headers=signed("owner")).status_code == 201
    rejected = client.put(f"{API}/visits/{REJECTED}", json=FAR_AWAY, headers=signed("owner"))
    assert rejected.json is not None
    assert rejected.json["status"] == "rejected"
    headers = {**signed("owner"), "Content-Type": "image/jpeg"}
    assert client.put(f"{url}/photos/{DIGEST}", data=PHOTO, headers=headers).status_code == 201
    deployment: Deployment = app.extensions["daocun.deployment"]
    with deployment.database.write() as connection:
        proposals.add(connection, *PROPOSAL, NOW)
        leaves.add(connection, AWAY, NOW)
        notices.add(connection, [Notice("owner", NoticeKind.PROPOSAL_DECIDED, "1", NOW, TOLD)])
    october = {"place": "T", "month": "2018-10"}
    assert client.post(f"{API}/closures", json=october, headers=signed("supervisor")).status_code == 201
    close(app)
    path = folder / "county.db"
    shutil.copyfile(path, folder / "fresh.db")
    yield Office(app, path, folder / "fresh.db")
    close(app)


def routes(app: Flask) -> set[str]:
    """Every method of every route of the application, as the table names them."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }


def test_the_table_has_every_route_and_no_other(office: Office) -> None:
    assert routes(office.app) == set(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_everybody_gets_the_answer_of_the_table(office: Office, route: str) -> None:
    row, method = TABLE[route], route.partition(" ")[0]
    answers = {role: office.ask(role, row, method) for role in ROLES}
    assert answers == row.expected()


@pytest.mark.parametrize("route", [route for route in TABLE if not route.startswith("GET")])
def test_whoever_is_refused_changes_nothing(office: Office, route: str) -> None:
    row, method = TABLE[route], route.partition(" ")[0]
    office.renew()
    before = office.stored()
    for role, status in row.expected().items():
        if status >= 400:
            office.ask(role, row, method)
            assert office.stored() == before, role


@pytest.mark.parametrize("route", [route for route in TABLE if route not in OPEN])
@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer nonsense", "Basic b3duZXI6eA==", token_of("owner"), f"Bearer {token_of('owner')} x"],
)
def test_nothing_but_a_live_token_opens_a_closed_route(office: Office, route: str, authorization: str) -> None:
    row, method = TABLE[route], route.partition(" ")[0]
    headers = {**row.headers, "Authorization": authorization}
    answer = office.app.test_client().open(row.path, method=method, json=row.json, data=row.data, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content_type == "application/problem+json"


def test_only_what_the_contract_lists_is_open() -> None:
    assert {route for route, row in TABLE.items() if row.expected()["anonymous"] != 401} <= OPEN
    assert set(TABLE) >= OPEN


def test_every_view_asks_for_something_that_is_known(office: Office) -> None:
    known = {bridge.ANONYMOUS, bridge.PERSON, *auth.REQUIREMENTS}
    asked = {(method, url): notes.who for _, url, method, notes in operations(office.app.extensions["daocun.api"])}
    assert {what: who for what, who in asked.items() if who not in known} == {}


def test_a_refusal_outside_is_word_for_word_that_of_what_does_not_exist(office: Office) -> None:
    client = office.app.test_client()
    office.renew()
    for outside, nowhere in (
        (f"{API}/accounts/stranger", f"{API}/accounts/nobody"),
        (f"{API}/visits/{VISIT}", f"{API}/visits/{VISIT[:-1]}f"),
    ):
        role = "admin" if "accounts" in outside else "outside"
        assert client.get(outside, headers=signed(role)).data == client.get(nowhere, headers=signed(role)).data


def test_an_unknown_requirement_is_refused(office: Office) -> None:
    with office.app.test_request_context(headers=signed("admin")), pytest.raises(auth.Problem) as caught:
        auth.authorize("something new")
    assert caught.value.kind.status == 403
