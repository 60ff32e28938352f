"""Places, days and duties over HTTP: lists, files that can be imported again, and what changes answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.adapters import sheets
from server.app import create_app
from server.domain import imports as files
from server.services import imports
from tests.api.authorization import API
from tests.support.staff import NOW, POINT, on_sqlite, token_of


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    app = create_app(on_sqlite(tmp_path))
    app.extensions["daocun.clock"] = lambda: NOW
    return app.test_client()


def signed(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(role)}"}


def ask(client: FlaskClient, method: str, path: str, role: str = "admin", body: Any = None) -> tuple[int, Any]:
    answer = client.open(f"{API}{path}", method=method, json=body, headers=signed(role))
    return answer.status_code, answer.get_json(silent=True)


def test_places_come_in_pages(client: FlaskClient) -> None:
    status, first = ask(client, "GET", "/places?limit=3")
    assert status == 200
    assert [place["code"] for place in first["items"]] == ["D", "T", "d1"]
    assert first["items"][2] == {
        "code": "d1", "name": "d1村", "level": "village", "parent": "D", "township": "T", "township_name": "T村",
        "points": [list(POINT)], "radius_m": None, "has_polygon": False, "central_village": None, "since": None,
        "service_from": None, "ended_on": None, "successors": [],
    }  # fmt: skip
    assert [p["code"] for p in ask(client, "GET", f"/places?cursor={first['next']}")[1]["items"]] == ["d2"]
    assert ask(client, "GET", "/places?inside=U")[0] == 422


@pytest.mark.parametrize(("kind", "path"), [("places", "/places?format={}"), ("days", "/days?format={}")])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_of_a_list_can_be_imported_again_and_changes_nothing(
    client: FlaskClient, tmp_path: Path, kind: files.Kind, path: str, form: str
) -> None:
    assert ask(client, "PUT", "/days", body={"date": "2018-12-03", "kind": "off", "place": "T"})[0] == 200
    body = {"points": [[37.8, 117.0], [37.9, 117.1]], "radius_m": 700}
    assert ask(client, "PATCH", "/places/d1", body=body)[0] == 200
    headers = signed("admin") | {"Accept-Language": "zh"}
    kept = client.get(f"{API}{path.format(form)}", headers=headers)
    file = tmp_path / f"list.{form}"
    file.write_bytes(kept.data)
    parsed = files.parse(kind, sheets.read_table(file))
    deployment = client.application.extensions["daocun.deployment"]
    done = imports.import_rows(deployment, kind, parsed, actor="command-line", now=NOW, dry_run=True)
    assert (done.created, done.updated, done.removed) == (0, 0, 0)
    assert done.unchanged > 0


def test_places_are_shown_on_a_map_by_their_outline_or_points(client: FlaskClient) -> None:
    ring = [[117.0, 37.8], [117.01, 37.8], [117.01, 37.81], [117.0, 37.8]]
    outline = {"type": "Polygon", "coordinates": [ring]}
    assert ask(client, "PATCH", "/places/d1", body={"polygon": outline})[0] == 200
    assert ask(client, "PATCH", "/places/d2", body={"points": [[37.8, 117.0], [37.9, 117.1]]})[0] == 200
    shown = json.loads(client.get(f"{API}/places?format=geojson&level=village", headers=signed("admin")).data)
    assert {one["properties"]["code"]: one["geometry"] for one in shown["features"]} == {
        "d1": outline,
        "d2": {"type": "MultiPoint", "coordinates": [[117.0, 37.8], [117.1, 37.9]]},
    }


def test_a_merger_answers_what_came_of_it(client: FlaskClient) -> None:
    path, body = "/places/d2/merge", {"into": "d1", "on": "2018-11-19"}
    _, tried = ask(client, "POST", f"{path}?dry_run=1", body=body)
    status, done = ask(client, "POST", path, body=body)
    assert status == 200
    assert (tried["result"], tried["changed"]) == (done["result"], done["changed"])
    assert done["result"]["place"]["ended_on"] == "2018-11-19"
    assert [posting["place"] for posting in done["result"]["begun"]] == ["d1"]
    assert ask(client, "GET", "/places/d2")[1]["place"]["successors"] == ["d1"]
    assert ask(client, "POST", path, body=body)[0] == 409


def test_a_moved_day_is_listed_and_taken_back(client: FlaskClient) -> None:
    body = {"duty": "envoy-study-day", "window": "2018-12", "place": "T", "day": "2018-12-17", "reason": "培训"}
    status, done = ask(client, "POST", "/days/moves", "supervisor", body)
    assert (status, done["result"]["day"]) == (200, "2018-12-17")
    assert [move["place"] for move in ask(client, "GET", "/days/moves")[1]["items"]] == ["T"]
    assert done["result"]["at"].endswith("+08:00")
    path = "/days/moves/envoy-study-day/2018-12/T"
    assert ask(client, "DELETE", path, "supervisor")[0] == 200
    assert ask(client, "DELETE", path, "supervisor")[0] == 404


def test_a_duty_gets_a_version_and_an_end(client: FlaskClient) -> None:
    body = {
        "code": "own", "role": "first-secretary", "activities": ["visit"], "target": "posting", "every": "month",
        "since": "2018-12-01",
    }  # fmt: skip
    status, done = ask(client, "POST", "/duties", "chief", body)
    assert (status, done["result"]["since"]) == (201, "2018-12-01")
    assert ask(client, "POST", "/duties/own/end", "chief", {"from": "2019-03-01"})[1]["result"]["active"] is False
    found = ask(client, "GET", "/duties?code=own")[1]["items"]
    assert [(duty["since"], duty["active"]) for duty in found] == [("2018-12-01", True), ("2019-03-01", False)]
    first = ask(client, "GET", "/duties?limit=2")[1]
    rest = ask(client, "GET", f"/duties?cursor={first['next']}")[1]["items"]
    assert [duty["code"] for duty in (*first["items"], *rest)].count("own") == 2
    assert client.get(f"{API}/duties?format=csv", headers=signed("owner")).data.startswith(b"code,since,role,")
