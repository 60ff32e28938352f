"""The same request many times at one moment, and half of one, at the real server with two processes behind it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from server.adapters import clock, secrets
from server.domain.access import Grant, GrantKind
from server.services.deployment import Deployment
from server.storage import accounts
from server.storage import tables as t
from tests import factories
from tests.factories import (
    XIDUAN,
    check_in,
    digest,
    footprint,
    log_of,
    multipart,
    photo,
    settle,
    token_of,
    visit_id,
)
from tests.services import facts
from tests.support.serving import PATIENCE_S, Answer, Served, running_server

COPIES = 32
PHOTO = photo(1)
URL = f"/api/v1/visits/{visit_id()}"
PHOTO_URL = f"{URL}/photos/{digest(PHOTO)}"
TOKEN = {"Authorization": f"Bearer {token_of('owner')}"}
JSON = {**TOKEN, "Content-Type": "application/json"}
JPEG = {**TOKEN, "Content-Type": "image/jpeg"}


@dataclass
class Running:
    """A county behind the real server."""

    served: Served
    deployment: Deployment
    body: dict[str, Any]

    def put(self, url: str, data: bytes, headers: dict[str, str]) -> Answer:
        return self.served.ask("PUT", url, data, headers)

    def at_once(self, url: str, data: bytes, headers: dict[str, str]) -> list[Answer]:
        """The answers to so many copies of a request, sent at the same moment."""
        gate = threading.Barrier(COPIES)

        def ask(_number: int) -> Answer:
            gate.wait()
            return self.put(url, data, headers)

        with ThreadPoolExecutor(COPIES) as pool:
            return list(pool.map(ask, range(COPIES)))


def _start(url: str, folder: Path) -> Iterator[Running]:
    deployment = facts.opened(url, folder)
    now = clock.now()
    settle(deployment, now)
    with running_server(url, folder / "uploads") as served:
        yield Running(served, deployment, check_in([PHOTO], at=now))
    deployment.database.close()


@pytest.fixture
def running(ready_url: str, tmp_path: Path) -> Iterator[Running]:
    """On a database of each kind in turn."""
    yield from _start(ready_url, tmp_path)


@pytest.fixture(scope="module")
def sqlite_running(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """On SQLite only, for all tests that store nothing."""
    folder = tmp_path_factory.mktemp("running")
    (folder / "county.db").write_bytes(migrated_sqlite.read_bytes())
    yield from _start(f"sqlite:///{folder / 'county.db'}", folder)


def one_made_it(answers: list[Answer]) -> None:
    """Exactly one of the copies was the first, and all were told the same."""
    assert Counter(answer.status for answer in answers) == {201: 1, 200: COPIES - 1}
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.slow
def test_of_32_copies_at_once_exactly_one_is_the_first(running: Running) -> None:
    one_made_it(running.at_once(URL, json.dumps(running.body).encode(), JSON))
    rows, files = footprint(running.deployment)
    assert (rows["visit"], rows["visit_photo"], files) == (1, 1, [])
    assert [line[:2] for line in log_of(running.deployment, visit_id())] == [("owner", "check-in")]

    one_made_it(running.at_once(PHOTO_URL, PHOTO, JPEG))
    rows, files = footprint(running.deployment)
    assert (rows["visit"], rows["visit_photo"], rows["photo"], len(files)) == (1, 1, 1, 1)
    verbs = [verb for _, verb, _ in log_of(running.deployment, visit_id())]
    assert verbs == ["check-in", "photo", "worked-out"]


@pytest.mark.slow
def test_of_32_copies_at_once_with_their_photo_exactly_one_is_the_first(running: Running) -> None:
    data, content_type = multipart(running.body, PHOTO)
    answers = running.at_once(URL, data, {**TOKEN, "Content-Type": content_type})
    one_made_it(answers)
    assert json.loads(answers[0].body)["status"] == "confirmed"
    rows, files = footprint(running.deployment)
    assert (rows["visit"], rows["visit_photo"], rows["photo"], len(files)) == (1, 1, 1, 1)
    assert [line[:2] for line in log_of(running.deployment, visit_id())] == [("owner", "check-in")]


@pytest.mark.slow
def test_of_32_reviewers_at_once_one_decides_and_31_are_told_so(running: Running) -> None:
    far = {**running.body, "position": None}
    assert running.put(URL, json.dumps({**far, "photos": []}).encode(), JSON).status == 201
    reviewers = [f"R{number:02}" for number in range(COPIES)]
    _appoint(running.deployment, reviewers)
    gate = threading.Barrier(COPIES)

    def decide(number: int) -> Answer:
        decision = ("confirm", "reject", "return")[number % 3]
        body = json.dumps({"decision": decision, "reason": reviewers[number]}).encode()
        headers = {**JSON, "Authorization": f"Bearer {token_of(reviewers[number])}"}
        gate.wait()
        return running.served.ask("POST", f"{URL}/decisions", body, headers)

    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(decide, range(COPIES)))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: COPIES - 1}
    (made,) = (json.loads(answer.body) for answer in answers if answer.status == 200)
    conflicts = [json.loads(answer.body) for answer in answers if answer.status == 409]
    assert {problem["code"] for problem in conflicts} == {"already-decided"}
    assert [problem["decision"] for problem in conflicts] == made["decisions"] * (COPIES - 1)
    assert [line[1] for line in log_of(running.deployment, visit_id())] == ["check-in", "decided"]
    assert footprint(running.deployment)[0]["decision"] == 1


def _appoint(deployment: Deployment, reviewers: list[str]) -> None:
    now = clock.now()
    with deployment.database.write() as connection:
        connection.execute(insert(t.person), [{"code": r, "name": r, "phone": "", "unit": ""} for r in reviewers])
        accounts.open_accounts(connection, reviewers, now)
        for reviewer in reviewers:
            digest = secrets.token_digest(token_of(reviewer))
            accounts.add_token(connection, digest, reviewer, now, now + timedelta(days=1))
            accounts.add_grant(connection, reviewer, Grant(GrantKind.REVIEWER, XIDUAN), "command-line", now)


# Half of a request


def half(
    running: Running, url: str, data: bytes, headers: dict[str, str], end: Callable[[socket.socket], Any]
) -> bytes:
    """Sends a request with half of its body, then ends the connection in some way; what came back."""
    head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": str(len(data))}.items())
    with socket.create_connection(("127.0.0.1", running.served.port), timeout=PATIENCE_S) as connection:
        connection.sendall(f"PUT {url} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + data[: len(data) // 2])
        end(connection)
        try:
            return connection.recv(65536)
        except OSError:
            return b""


def _ends(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def _breaks(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("end", [_ends, _breaks])
@pytest.mark.parametrize("kind", ["json", "multipart", "photo"])
def test_half_a_body_is_nothing_and_harms_nobody(
    sqlite_running: Running, kind: str, end: Callable[[socket.socket], Any]
) -> None:
    running = sqlite_running
    waiting = visit_id(7)
    body = factories.check_in([PHOTO])
    running.put(f"/api/v1/visits/{waiting}", json.dumps(body).encode(), JSON)
    kept = footprint(running.deployment)
    data, content_type = multipart(running.body, PHOTO)
    request = {
        "json": (URL, json.dumps(running.body).encode(), JSON),
        "multipart": (URL, data, {**TOKEN, "Content-Type": content_type}),
        "photo": (f"/api/v1/visits/{waiting}/photos/{digest(PHOTO)}", PHOTO, JPEG),
    }[kind]
    told = half(running, *request, end)
    assert told == b"" or told.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 422 "))
    time.sleep(0.3)  # a server that took half for the whole would have stored it by now
    assert running.served.ask("GET", f"/api/v1/visits/{waiting}", headers=TOKEN).status == 200
    assert running.served.ask("GET", URL, headers=TOKEN).status == 404
    assert footprint(running.deployment) == kept
