"""Visits and accounts as files: the rows of the list, all of them, inside one's area."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from server.adapters import sheets
from tests.api.phones import County, json_of, refused
from tests.domain.county import d
from tests.factories import DONGZHAO, HERE, JINJIA, ZHENXING
from tests.services import facts


@pytest.fixture
def visited(county: County) -> County:
    given: dict[str, Any] = {"latitude": HERE[0], "longitude": HERE[1], "accuracy_m": 12.0}
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-14"), note="=cmd()", functions=("go-between",), **given)
    facts.visited(county.deployment, "colleague", JINJIA, d("11-15"), status="review")
    facts.visited(county.deployment, "stranger", ZHENXING, d("11-16"))
    facts.visited(county.deployment, "owner", DONGZHAO, d("2017-10-16"))
    facts.visited(county.deployment, "owner", DONGZHAO, d("2017-10-15"))
    return county


def rows(county: County, path: str, person: str = "supervisor") -> list[dict[str, str]]:
    answer = county.phone(person).get(path)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


@pytest.mark.parametrize(
    ("person", "query", "days"),
    [
        ("supervisor", "", ["2018-11-15", "2018-11-14", "2017-10-16"]),
        ("owner", "", ["2018-11-14", "2017-10-16"]),
        ("outside", "", ["2018-11-16"]),
        ("admin", "&from=2018-11-01", ["2018-11-16", "2018-11-15", "2018-11-14"]),
        ("admin", "&to=2017-11-01", ["2017-10-16", "2017-10-15"]),
        ("supervisor", "&status=review", ["2018-11-15"]),
        ("supervisor", f"&place={DONGZHAO}&order=oldest", ["2017-10-16", "2018-11-14"]),
        ("supervisor", "&waiting=decision&limit=1", []),
        ("inside", "&waiting=decision", ["2018-11-15"]),
        ("idle", "", []),
    ],
)
def test_a_file_has_all_visits_of_the_list(visited: County, person: str, query: str, days: list[str]) -> None:
    assert [row["day"] for row in rows(visited, f"/visits?format=csv{query}", person)] == days


def test_a_visit_is_a_row_without_a_formula(visited: County) -> None:
    row = rows(visited, "/visits?format=csv&from=2018-11-14&to=2018-11-14")[0]
    del row["id"]
    assert row == {
        "person": "owner",
        "person_name": "owner同志",
        "place": DONGZHAO,
        "place_name": "东赵村",
        "township": "371481200",
        "township_name": "西段乡",
        "activity": "visit",
        "captured_at": "2018-11-14T12:00:00+08:00",
        "day": "2018-11-14",
        "received_at": "2018-11-14T12:00:00+08:00",
        "latitude": str(HERE[0]),
        "longitude": str(HERE[1]),
        "accuracy_m": "12.0",
        "status": "confirmed",
        "functions": "go-between",
        "note": "'=cmd()",
        "photos": "0",
        "imported": "false",
    }


def test_visits_are_points_on_a_map_where_they_have_a_position(visited: County, tmp_path: Any) -> None:
    answer = visited.phone("supervisor").get("/visits?format=geojson&from=2018-11-01")
    features = answer.get_json(force=True)["features"]
    assert [feature["geometry"] for feature in features] == [
        None,
        {"type": "Point", "coordinates": [HERE[1], HERE[0]]},
    ]
    assert features[1]["properties"]["note"] == "=cmd()"
    assert features[1]["properties"]["captured_at"] == "2018-11-14T12:00:00+08:00"
    (tmp_path / "t").write_bytes(visited.phone("supervisor").get("/visits?format=xlsx&from=2018-11-01").data)
    table = sheets.read_table(tmp_path / "t")
    assert table.header[:4] == ["编号", "人员", "姓名", "地点"]
    assert table.rows[1][1][9] == d("11-14")


@pytest.mark.parametrize(
    ("query", "status"), [("from=2017-10-16&to=2018-11-20", 200), ("from=2017-10-15&to=2018-11-20", 422)]
)
def test_a_file_of_visits_has_at_most_400_days(sqlite_county: County, query: str, status: int) -> None:
    answer = sqlite_county.phone("admin").get(f"/visits?format=csv&{query}")
    assert answer.status_code == status
    assert sqlite_county.phone("admin").get(f"/visits?{query}").status_code == 200
    if status == 422:
        assert refused(answer, 422, "invalid") == [("/to", "range")]


def test_a_file_has_all_accounts_of_the_area(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.services.accounts._AT_ONCE", 2)
    listed = json_of(county.phone("admin").get("/accounts?limit=200"))["items"]
    found = rows(county, "/accounts?format=csv&limit=1", "admin")
    assert [row["person"] for row in found] == [account["person"] for account in listed]
    assert len(found) > 4
    by_person = {row["person"]: row for row in found}
    assert by_person["supervisor"]["grants"] == "supervisor:371481200"
    assert by_person["owner"]["name"] == "owner同志"
    assert [row["person"] for row in rows(county, "/accounts?format=csv&person=owner", "admin")] == ["owner"]
    refused(county.phone("owner").get("/accounts?format=csv"), 403, "forbidden")
