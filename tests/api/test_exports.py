"""Visits and accounts as files: the rows of the list, all of them, inside one's area."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from server.adapters import sheets
from server.domain import imports, words
from server.domain.calendar import DayKind, DayMark
from server.domain.imports import Table
from server.domain.postings import Leave
from server.services import imports as taking
from server.services import visit_reading
from tests.api.phones import County, json_of, refused
from tests.domain.county import d
from tests.factories import DONGZHAO, HERE, JINJIA, ZHENXING
from tests.services import facts
from tests.support.staff import NOW

VOCABULARIES = [value for name, value in vars(words).items() if name[0].isupper() and isinstance(value, dict)]


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


def workbook(county: County, folder: Path, path: str, language: str, person: str = "supervisor") -> Table:
    answer = county.phone(person).get(f"{path}format=xlsx&language={language}")
    assert answer.status_code == 200
    (folder / "list.xlsx").write_bytes(answer.data)
    return sheets.read_table(folder / "list.xlsx")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", ["走访", "已确认", "上下沟通信息员"]),
        ("en", ["visit", "confirmed", "go-between"]),
    ],
)
def test_a_workbook_has_real_times_and_the_readers_words(
    visited: County, tmp_path: Path, language: str, said: list[str]
) -> None:
    table = workbook(visited, tmp_path, "/visits?from=2018-11-14&to=2018-11-14&", language)
    row = dict(zip(visit_reading.EXPORTED, table.rows[0][1], strict=False))
    assert [row[name] for name in ("activity", "status", "functions")] == said
    assert row["captured_at"] == row["received_at"] == datetime.fromisoformat("2018-11-14T12:00:00")


def test_what_a_workbook_of_visits_says_is_what_an_import_takes(county: County, tmp_path: Path) -> None:
    for day, status in (("11-14", "confirmed"), ("11-15", "review"), ("11-16", "rejected")):
        facts.visited(county.deployment, "owner", DONGZHAO, d(day), status=status, imported=True, decided=True)
    for language in ("zh", "en"):
        table = workbook(county, tmp_path, "/visits?", language)
        kept = [visit_reading.EXPORTED.index(name) for name in imports.columns("visits")]
        rows = [[row[at] if at < len(row) else None for at in kept] for _, row in table.rows]
        with (tmp_path / "kept.xlsx").open("wb") as stream:
            sheets.write_xlsx([table.header[at] for at in kept], rows, stream)
        read = sheets.read_table(tmp_path / "kept.xlsx", zone=county.deployment.zone)
        parsed = imports.parse("visits", read)
        done = taking.import_rows(county.deployment, "visits", parsed, actor="command-line", now=NOW, dry_run=True)
        assert (done.created, done.updated, done.removed, done.unchanged) == (0, 0, 0, 3)


def test_what_is_owed_is_said_in_words(county: County, tmp_path: Path) -> None:
    chinese, english = (
        [row[6:] for _, row in workbook(county, tmp_path, "/obligations?from=2018-10-01&to=2018-11-18&", each).rows]
        for each in ("zh", "en")
    )
    assert ["excused", "holiday"] in english
    vocabularies = (words.STATUSES, words.REASONS)
    assert chinese == [[words.in_chinese(*pair) for pair in zip(vocabularies, said, strict=False)] for said in english]


@pytest.mark.parametrize("path", ["/accounts?", "/duties?", "/places?", "/days?", "/people?", "/postings?", "/leave?"])
def test_a_chinese_workbook_has_no_word_of_ours_in_english(county: County, tmp_path: Path, path: str) -> None:
    facts.mark(county.deployment, DayMark(d("12-03"), DayKind.OFF))
    facts.leave(county.deployment, Leave("owner", d("11-05"), d("11-06"), "sick"))
    table = workbook(county, tmp_path, path, "zh", "admin")
    ours = {value for vocabulary in VOCABULARIES for value in vocabulary if not value.isdigit()}
    assert table.rows
    assert not [cell for _, row in table.rows for cell in row if isinstance(cell, str) and ours & {*cell.split()}]


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
