"""`GET /attendance`: counts and rates, within the caller's area."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from server.domain.access import Grant, GrantKind
from server.domain.calendar import DayKind, DayMark
from server.domain.places import Standing
from server.domain.postings import Leave
from server.storage import accounts
from tests.api.phones import County, json_of, refused
from tests.domain.county import d
from tests.factories import DISTRICT, DONGZHAO, JINJIA, LELING, MUTOUWANG, NOW, TOWN, TOWN_DISTRICT, XIDUAN
from tests.services import facts

STATUSES = ("met", "excused", "pending", "upcoming", "due", "grace", "missed")
MONTH = "from=2018-11-01&to=2018-11-30"


def counted(county: County, person: str, query: str) -> dict[str, dict[str, Any]]:
    """The rows by code."""
    answer = json_of(county.phone(person).get(f"/attendance?{MONTH}&{query}"))
    assert answer["next"] is None
    assert [row["code"] for row in answer["items"]] == sorted(row["code"] for row in answer["items"])
    return {row["code"]: row for row in answer["items"]}


def autumn(county: County) -> None:
    """Some of everything."""
    deployment = county.deployment
    facts.visited(deployment, "owner", DONGZHAO, d("11-06"))
    facts.visited(deployment, "owner", DONGZHAO, d("11-14"))
    facts.visited(deployment, "secretary", JINJIA, d("11-14"), status="review")
    facts.leave(deployment, Leave("colleague", d("11-05"), d("11-09")))
    facts.mark(deployment, DayMark(d("11-15"), DayKind.CLOSED, JINJIA))


@pytest.mark.parametrize("by", ["place", "duty", "person", "week", "month"])
@pytest.mark.parametrize("caller", ["supervisor", "admin"])
def test_counts_add_up_to_the_obligations_listed(county: County, caller: str, by: str) -> None:
    autumn(county)
    rows = counted(county, caller, f"by={by}").values()
    listed = json_of(county.phone(caller).get(f"/obligations?{MONTH}&limit=200"))["items"]
    for status in STATUSES:
        assert sum(row[status] for row in rows) == sum(o["status"] == status for o in listed)
    for reason in ("holiday", "leave", "closed", "decision"):
        assert sum(row["reasons"][reason] for row in rows) == sum(o["reason"] == reason for o in listed)
    assert all(row["total"] == sum(row[status] for status in STATUSES) for row in rows)
    assert sum(row["total"] for row in rows) == len(listed)


def test_the_rate_is_met_of_met_or_missed_and_none_where_nothing_is_owed(sqlite_county: County) -> None:
    autumn(sqlite_county)
    duties = counted(sqlite_county, "supervisor", "by=duty")
    weekly = duties["envoy-weekly-visit"]
    assert (weekly["met"], weekly["missed"], weekly["excused"], weekly["reasons"]["leave"]) == (2, 2, 1, 1)
    assert weekly["rate"] == 0.5
    assert duties["envoy-study-day"]["reasons"]["closed"] == 1
    assert duties["envoy-study-day"]["rate"] == 0
    assert duties["leader-monthly-day"]["rate"] is None


def test_by_place_is_one_level_below_the_place(county: County) -> None:
    assert {code: row["name"] for code, row in counted(county, "admin", "by=place").items()} == {
        XIDUAN: "西段乡",
        TOWN: "市中街道",
    }
    below = counted(county, "admin", f"by=place&place={XIDUAN}")
    assert {code: row["name"] for code, row in below.items()} == {XIDUAN: "西段乡", DISTRICT: "靳木王管区"}
    villages = counted(county, "admin", f"by=place&place={DISTRICT}")
    assert set(villages) == {MUTOUWANG, JINJIA, DONGZHAO}
    assert (villages[JINJIA]["township"], villages[JINJIA]["township_name"]) == (XIDUAN, "西段乡")
    assert set(counted(county, "admin", f"by=place&place={JINJIA}")) == {JINJIA}


def test_without_a_place_the_callers_own_area_is_taken_apart(sqlite_county: County) -> None:
    assert set(counted(sqlite_county, "supervisor", "")) == {XIDUAN, DISTRICT}
    assert set(counted(sqlite_county, "outside", "")) == {TOWN_DISTRICT}


def test_several_areas_give_a_row_each(county: County) -> None:
    whole = counted(county, "admin", "by=place")
    grant(county, "supervisor", TOWN)
    assert counted(county, "supervisor", "by=place") == whole


def grant(county: County, person: str, place: str) -> None:
    with county.deployment.database.write() as connection:
        accounts.add_grant(connection, person, Grant(GrantKind.SUPERVISOR, place), "command-line", NOW)


def test_a_place_that_moved_counts_where_it_lay(county: County) -> None:
    facts.change_place(county.deployment, JINJIA, Standing(d("11-12"), TOWN_DISTRICT))
    jinjia = counted(county, "admin", f"by=place&place={JINJIA}")[JINJIA]["total"]
    before = counted(county, "admin", f"by=place&place={DISTRICT}")[JINJIA]["total"]
    after = counted(county, "admin", f"by=place&place={TOWN_DISTRICT}")[JINJIA]["total"]
    assert (before, after) == (2, jinjia - 2)
    # Each township sees its own part, and no more.
    assert counted(county, "supervisor", f"by=place&place={JINJIA}")[JINJIA]["total"] == before


def test_weeks_and_months_hold_what_is_due_in_them(sqlite_county: County) -> None:
    weeks = counted(sqlite_county, "admin", "by=week")
    assert list(weeks) == ["2018-W44", "2018-W45", "2018-W46", "2018-W47", "2018-W48"]
    assert weeks["2018-W45"]["total"] == 3 + 1  # three envoys, one office day
    assert list(counted(sqlite_county, "admin", "by=month")) == ["2018-11"]


def test_people_are_named_and_in_order_of_code_not_of_rate(sqlite_county: County) -> None:
    people = counted(sqlite_county, "supervisor", "by=person")
    assert {code: row["name"] for code, row in people.items()} == {
        code: f"{code}同志" for code in ("colleague", "leader", "owner", "secretary")
    }


@pytest.mark.parametrize("by", ["duty", "week", "month"])
def test_without_a_grant_one_counts_ones_own(sqlite_county: County, by: str) -> None:
    rows = counted(sqlite_county, "owner", f"by={by}").values()
    mine = json_of(sqlite_county.phone("owner").get(f"/obligations?{MONTH}"))["items"]
    assert sum(row["total"] for row in rows) == len(mine) == 5
    assert set(counted(sqlite_county, "owner", "")) == {"envoy-weekly-visit", "envoy-study-day"}


@pytest.mark.parametrize("by", ["place", "person"])
def test_without_a_grant_nobody_counts_others(sqlite_county: County, by: str) -> None:
    refused(sqlite_county.phone("owner").get(f"/attendance?by={by}"), 403, "forbidden")


def test_ones_own_duties_elsewhere_are_not_counted_to_ones_area(sqlite_county: County) -> None:
    grant(sqlite_county, "stranger", XIDUAN)
    assert "stranger" not in counted(sqlite_county, "stranger", "by=person")


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        (f"place={TOWN}", "/place", "not-exist"),
        ("place=nowhere", "/place", "not-exist"),
        ("by=mood", "/by", "choice"),
        ("from=2018-11-02&to=2018-11-01", "/to", "order"),
        ("cursor=a~b", "/cursor", "cursor"),
    ],
)
def test_what_does_not_fit_is_refused(sqlite_county: County, query: str, pointer: str, code: str) -> None:
    answer = sqlite_county.phone("supervisor").get(f"/attendance?{query}")
    assert refused(answer, 422, "invalid") == [(pointer, code)]


def test_counts_come_in_pages_and_as_a_file(sqlite_county: County) -> None:
    url = f"/attendance?{MONTH}&by=person&limit=2"
    first = json_of(sqlite_county.phone("supervisor").get(url))
    second = json_of(sqlite_county.phone("supervisor").get(f"{url}&cursor={first['next']}"))
    assert [row["code"] for row in first["items"] + second["items"]] == ["colleague", "leader", "owner", "secretary"]
    assert second["next"] is None
    answer = sqlite_county.phone("supervisor").get(f"{url}&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [(row["code"], row["total"], row["leave"]) for row in rows][:1] == [("colleague", "5", "0")]
    assert rows[0]["rate"] == "0.0"


def test_an_area_without_duties_has_no_rows(sqlite_county: County) -> None:
    answer = json_of(sqlite_county.phone("outside").get("/attendance?from=2018-08-01&to=2018-08-31"))
    assert answer == {"items": [], "next": None}
    empty = sqlite_county.phone("outside").get("/attendance?from=2018-08-01&to=2018-08-31&format=csv")
    assert empty.get_data(as_text=True).startswith("code,name,")
    assert LELING not in empty.get_data(as_text=True)
