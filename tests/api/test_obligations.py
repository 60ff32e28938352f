"""`GET /obligations`: what is owed, within what the caller may see."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.adapters import sheets
from server.storage import register, spans
from server.storage import tables as t
from tests.api.phones import County, json_of, refused
from tests.domain.county import d
from tests.factories import DISTRICT, DONGZHAO, JINJIA, LELING, MUTOUWANG, TOWN, XIDUAN, ZHENXING
from tests.services import facts

MONTH = "from=2018-11-01&to=2018-11-30"


def listed(county: County, person: str, query: str = MONTH) -> list[dict[str, Any]]:
    """Every obligation of the list, page after page."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = json_of(county.phone(person).get(f"/obligations?{query}{cursor}"))
        items += answer["items"]
        if answer["next"] is None:
            return items
        cursor = f"&cursor={answer['next']}"


def test_an_obligation_says_who_owes_what_where_and_what_became_of_it(sqlite_county: County) -> None:
    visit = facts.visited(sqlite_county.deployment, "owner", DONGZHAO, d("11-14"))
    waiting = facts.visited(sqlite_county.deployment, "owner", DONGZHAO, d("11-13"), status="review")
    found = listed(sqlite_county, "owner", f"{MONTH}&duty=envoy-weekly-visit")
    assert [(o["window"], o["status"]) for o in found] == [
        ("2018-W44", "missed"),
        ("2018-W45", "missed"),
        ("2018-W46", "met"),
        ("2018-W47", "due"),
    ]
    assert found[2] == {
        "duty": "envoy-weekly-visit",
        "person": "owner",
        "person_name": "owner同志",
        "place": DONGZHAO,
        "place_name": "东赵村",
        "township": XIDUAN,
        "township_name": "西段乡",
        "window": "2018-W46",
        "opens_on": "2018-11-12",
        "due_on": "2018-11-18",
        "status": "met",
        "reason": "",
        "needed": 1,
        "done": 1,
        "visits": [visit],
        "awaited": [waiting],
        "explanation": None,
        "excuse": None,
    }


@pytest.mark.parametrize(
    ("caller", "whose"),
    [
        ("owner", {"owner"}),
        ("colleague", {"colleague"}),
        ("idle", set()),
        ("inside", {"owner", "colleague", "secretary", "leader"}),
        ("supervisor", {"owner", "colleague", "secretary", "leader"}),
        ("outside", {"stranger"}),
        ("auditor", {"owner", "colleague", "secretary", "leader", "stranger"}),
        ("admin", {"owner", "colleague", "secretary", "leader", "stranger"}),
    ],
)
def test_everybody_sees_their_own_and_what_lies_in_their_area(county: County, caller: str, whose: set[str]) -> None:
    assert {o["person"] for o in listed(county, caller)} == whose


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_pages_put_together_are_the_whole_list(county: County, limit: int) -> None:
    whole = listed(county, "admin", f"{MONTH}&limit=200")
    assert listed(county, "admin", f"{MONTH}&limit={limit}") == whole
    keys = [(o["duty"], o["person"], o["place"], o["window"]) for o in whole]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) > 20


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"place={XIDUAN}&duty=leader-monthly-day", {("leader", XIDUAN)}),
        (f"place={DISTRICT}&duty=envoy-study-day", {("owner", DONGZHAO), ("colleague", JINJIA)}),
        (f"place={JINJIA}", {("colleague", JINJIA), ("secretary", JINJIA)}),
        ("person=secretary&duty=secretary-office-day", {("secretary", MUTOUWANG)}),
        ("person=secretary&place=" + DONGZHAO, {("secretary", DONGZHAO)}),
        ("status=upcoming&duty=secretary-office-day", {("secretary", MUTOUWANG)}),
        ("status=excused", set()),
    ],
)
def test_a_list_can_be_narrowed(sqlite_county: County, query: str, expected: set[tuple[str, str]]) -> None:
    found = listed(sqlite_county, "supervisor", f"{MONTH}&{query}")
    assert {(o["person"], o["place"]) for o in found} == expected


@pytest.mark.parametrize("status", ["met", "excused", "pending", "upcoming", "due", "grace", "missed"])
def test_a_status_asked_for_is_the_status_answered(county: County, status: str) -> None:
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-14"))
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-20"), status="incomplete")
    span = "from=2018-10-01&to=2018-12-31&limit=200"
    some = listed(county, "admin", f"{span}&status={status}")
    assert some == [o for o in listed(county, "admin", span) if o["status"] == status]
    assert some


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", "2018-11-01", "2018-11-30"),
        ("from=2018-10-08", "2018-10-08", "2018-10-31"),
        ("to=2018-10-21", "2018-10-01", "2018-10-21"),
        ("from=2018-10-10&to=2018-11-05", "2018-10-10", "2018-11-05"),
    ],
)
def test_days_left_out_are_those_of_the_month(sqlite_county: County, query: str, first: str, last: str) -> None:
    due = {o["due_on"] for o in listed(sqlite_county, "admin", f"{query}&limit=200".lstrip("&"))}
    everything = listed(sqlite_county, "admin", "from=2018-09-01&to=2018-12-31&limit=200")
    assert due == {o["due_on"] for o in everything if first <= o["due_on"] <= last}


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("from=2018-11-02&to=2018-11-01", "/to", "order"),
        ("from=2017-01-01&to=2018-02-06", "/to", "range"),
        ("from=2019-06-01&to=2019-12-26", "/to", "range"),
        ("from=2018-13-01", "/from", "format"),
        ("place=nowhere", "/place", "not-exist"),
        (f"place={ZHENXING}", "/place", "not-exist"),
        ("duty=nothing", "/duty", "not-exist"),
        ("status=late", "/status", "choice"),
        ("cursor=here", "/cursor", "cursor"),
        ("format=pdf", "/format", "choice"),
        ("villages=all", "/villages", "unknown"),
    ],
)
def test_what_does_not_fit_is_refused_and_what_lies_outside_does_not_exist(
    sqlite_county: County, query: str, pointer: str, code: str
) -> None:
    answer = sqlite_county.phone("supervisor").get(f"/obligations?{query}")
    assert refused(answer, 422, "invalid") == [(pointer, code)]


@pytest.mark.parametrize("person", ["stranger", "nobody"])
def test_of_somebody_outside_nothing_is_listed_as_of_nobody(sqlite_county: County, person: str) -> None:
    assert listed(sqlite_county, "admin", "person=stranger")
    assert listed(sqlite_county, "supervisor", f"person={person}") == []
    assert listed(sqlite_county, "owner", f"person={person}") == []


@pytest.mark.parametrize("days", [400, 401])
def test_at_most_400_days_are_listed(sqlite_county: County, days: int) -> None:
    first = date(2018, 9, 1)
    span = f"from={first}&to={first + timedelta(days=days)}"
    assert sqlite_county.phone("admin").get(f"/obligations?{span}").status_code == (200 if days == 400 else 422)


def test_an_envoy_may_ask_about_the_places_around_their_own(sqlite_county: County) -> None:
    for place in (DONGZHAO, DISTRICT, XIDUAN, LELING):
        assert {o["person"] for o in listed(sqlite_county, "owner", f"{MONTH}&place={place}")} == {"owner"}
    for place in (JINJIA, TOWN):
        answer = sqlite_county.phone("owner").get(f"/obligations?place={place}")
        assert refused(answer, 422, "invalid") == [("/place", "not-exist")]


def test_a_file_has_the_rows_of_the_command_and_no_pages(sqlite_county: County, tmp_path: Any) -> None:
    answer = sqlite_county.phone("supervisor").get(f"/obligations?{MONTH}&format=csv&limit=1")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert (
        answer.headers["Content-Disposition"]
        == "attachment; filename=\"attendance.csv\"; filename*=UTF-8''%E8%80%83%E5%8B%A4%E6%98%8E%E7%BB%86.csv"
    )
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert rows[0] == ["duty", "person", "place", "window", "opens_on", "due_on", "status", "reason"]
    names = rows[0]
    everything = listed(sqlite_county, "supervisor", f"{MONTH}&limit=200")
    assert rows[1:] == sorted([o[name] for name in names] for o in everything)
    path = tmp_path / "attendance.xlsx"
    path.write_bytes(sqlite_county.phone("supervisor").get(f"/obligations?{MONTH}&format=xlsx").data)
    assert len(sheets.read_table(path).rows) == len(everything)


def state(county: County) -> tuple[date | None, date | None, set[str], int]:
    """From when to when verdicts are stored, whose, and how many people's must be judged again."""
    with county.deployment.database.read() as connection:
        kept = register.state(connection)
        people = set(connection.scalars(select(t.obligation.c.person)))
        return kept.judged_from, kept.judged_to, people, spans.waiting(connection)


@pytest.mark.parametrize("asked", ["obligations", "attendance"])
@pytest.mark.parametrize("caller", ["owner", "admin"])
def test_to_ask_about_days_far_off_has_nothing_judged(sqlite_county: County, caller: str, asked: str) -> None:
    listed(sqlite_county, "admin")
    before = state(sqlite_county)
    for span in ("from=2000-01-01&to=2000-01-31", "from=2019-11-20&to=2019-12-20"):
        assert json_of(sqlite_county.phone(caller).get(f"/{asked}?{span}"))["items"] == []
    assert state(sqlite_county) == before
    ahead = json_of(sqlite_county.phone(caller).get(f"/{asked}?from=2018-11-01&to=2019-12-05"))["items"]
    assert ahead
    assert state(sqlite_county)[1] == date(2018, 12, 31)


def test_who_holds_no_grant_waits_for_nobody_else(sqlite_county: County) -> None:
    assert {o["person"] for o in listed(sqlite_county, "owner")} == {"owner"}
    assert state(sqlite_county)[2] == {"owner"}
    assert json_of(sqlite_county.phone("colleague").get(f"/attendance?{MONTH}"))["items"]
    assert state(sqlite_county)[2] == {"owner", "colleague"}
    everybody = {o["person"] for o in listed(sqlite_county, "admin")}
    assert state(sqlite_county)[2:] == (everybody, 0)
