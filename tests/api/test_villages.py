"""`GET /villages`: those nobody has been to for longest."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from server.domain.places import Standing
from tests.api.phones import County, json_of, refused
from tests.domain.county import d
from tests.factories import DISTRICT, DONGZHAO, JINJIA, MUTOUWANG, PLACES, TOWN_DISTRICT, XIDUAN, ZHENXING
from tests.services import facts


def villages(county: County, person: str = "supervisor", query: str = "") -> list[dict[str, Any]]:
    return list(json_of(county.phone(person).get(f"/villages{query}"))["items"])


def last_visits(county: County, person: str = "supervisor", query: str = "") -> list[tuple[str, str | None]]:
    return [(row["code"], row["last_visit"]) for row in villages(county, person, query)]


@pytest.fixture
def visited(county: County) -> County:
    facts.visited(county.deployment, "owner", DONGZHAO, d("10-10"))
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-14"))
    facts.visited(county.deployment, "secretary", JINJIA, d("11-05"), imported=True)
    facts.visited(county.deployment, "stranger", ZHENXING, d("11-19"))
    return county


def test_never_visited_comes_first_then_the_longest_unvisited(visited: County) -> None:
    assert villages(visited) == [
        {
            "code": MUTOUWANG,
            "name": "木头王村",
            "township": XIDUAN,
            "township_name": "西段乡",
            "last_visit": None,
            "days": None,
            "has_envoy": False,
        },
        {
            "code": JINJIA,
            "name": "靳家村",
            "township": XIDUAN,
            "township_name": "西段乡",
            "last_visit": "2018-11-05",
            "days": 15,
            "has_envoy": True,
        },
        {
            "code": DONGZHAO,
            "name": "东赵村",
            "township": XIDUAN,
            "township_name": "西段乡",
            "last_visit": "2018-11-14",
            "days": 6,
            "has_envoy": True,
        },
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2018-11-05", [MUTOUWANG]),
        ("2018-11-06", [MUTOUWANG, JINJIA]),
        ("2018-11-14", [MUTOUWANG, JINJIA]),
        ("2018-11-15", [MUTOUWANG, JINJIA, DONGZHAO]),
    ],
)
def test_a_village_visited_on_the_day_or_later_is_not_listed(visited: County, day: str, expected: list[str]) -> None:
    assert [code for code, _ in last_visits(visited, query=f"?unvisited_since={day}")] == expected


@pytest.mark.parametrize("status", ["review", "incomplete", "returned", "rejected"])
def test_only_confirmed_visits_count(county: County, status: str) -> None:
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-14"), status=status)
    assert (DONGZHAO, None) in last_visits(county)


def test_a_record_of_the_future_does_not_count_yet(visited: County) -> None:
    facts.visited(visited.deployment, "owner", DONGZHAO, d("12-24"), imported=True)
    assert (DONGZHAO, "2018-11-14") in last_visits(visited)


def test_a_visit_at_the_district_is_none_at_its_villages(county: County) -> None:
    facts.visited(county.deployment, "secretary", DISTRICT, d("11-14"), "office")
    assert {day for _, day in last_visits(county)} == {None}


def test_a_village_keeps_its_visits_when_it_moves(visited: County) -> None:
    facts.change_place(visited.deployment, JINJIA, Standing(d("11-12"), TOWN_DISTRICT, (PLACES[JINJIA][3],)))
    assert JINJIA not in dict(last_visits(visited))
    assert last_visits(visited, "outside") == [(JINJIA, "2018-11-05"), (ZHENXING, "2018-11-19")]


def merged(county: County, on: str) -> None:
    phone = county.phone("admin")
    body = {"into": MUTOUWANG, "on": on}
    json_of(phone.http.post(f"/api/v1/places/{DONGZHAO}/merge", json=body, headers=phone.headers))


@pytest.mark.parametrize(
    ("on", "last"),
    [("2018-11-20", "2018-11-14"), ("2018-11-12", "2018-11-14"), ("2018-01-01", "2018-11-14"), ("2018-11-21", None)],
    ids=["today", "between two visits", "before any visit", "tomorrow"],
)
def test_a_village_is_visited_where_what_has_become_it_was(county: County, on: str, last: str | None) -> None:
    for day in ("10-10", "11-14"):
        facts.visited(county.deployment, "owner", DONGZHAO, d(day), imported=True)
    merged(county, on)
    assert (MUTOUWANG, last) in last_visits(county)
    assert ((DONGZHAO, "2018-11-14") in last_visits(county)) is (last is None)
    unvisited = dict(last_visits(county, query="?unvisited_since=2018-11-14"))
    assert (MUTOUWANG in unvisited) is (last is None)


def test_a_part_of_a_village_was_visited_with_it(visited: County) -> None:
    body = {"into": [{"code": "east", "name": "东"}, {"code": "west", "name": "西"}], "on": "2018-11-20"}
    phone = visited.phone("admin")
    json_of(phone.http.post(f"/api/v1/places/{DONGZHAO}/split", json=body, headers=phone.headers))
    assert {("east", "2018-11-14"), ("west", "2018-11-14")} < set(last_visits(visited))


@pytest.mark.parametrize(("end", "flagged"), [("11-19", {MUTOUWANG, DONGZHAO}), ("11-20", {MUTOUWANG})])
def test_a_village_is_flagged_from_the_day_after_its_envoys_last(visited: County, end: str, flagged: set[str]) -> None:
    facts.end_postings(visited.deployment, "owner", d(end))
    assert {row["code"] for row in villages(visited) if not row["has_envoy"]} == flagged


def test_pages_put_together_are_the_whole_list(visited: County) -> None:
    found: list[str] = []
    cursor = ""
    for _ in range(4):
        answer = json_of(visited.phone("admin").get(f"/villages?limit=1{cursor}"))
        found += [row["code"] for row in answer["items"]]
        cursor = f"&cursor={answer['next']}"
    assert answer["next"] is None
    assert found == [MUTOUWANG, JINJIA, DONGZHAO, ZHENXING]


def test_whoever_has_no_grant_has_no_such_list(county: County) -> None:
    refused(county.phone("owner").get("/villages"), 403, "forbidden")


def test_villages_come_as_a_table_and_as_points_on_a_map(visited: County) -> None:
    answer = visited.phone("supervisor").get("/villages?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [(row["name"], row["last_visit"], row["has_envoy"]) for row in rows][1] == ("靳家村", "2018-11-05", "true")
    answer = visited.phone("supervisor").get("/villages?format=geojson")
    assert answer.content_type == "application/geo+json"
    feature = answer.get_json(force=True)["features"][2]
    assert feature["geometry"] == {"type": "Point", "coordinates": [117.012492, 37.811268]}
    assert feature["properties"]["last_visit"] == "2018-11-14"
