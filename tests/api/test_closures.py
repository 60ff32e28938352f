"""`/closures`: who closes a month, and what is seen of it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.phones import API, County, json_of, refused
from tests.domain.county import d
from tests.factories import DONGZHAO, LELING, TOWN, XIDUAN
from tests.services import facts

MONTH = "from=2018-11-01&to=2018-11-30"


@pytest.fixture
def over(county: County) -> County:
    """November is over, and so is its grace."""
    county.now = datetime(2018, 12, 6, 1, 31, 10, tzinfo=UTC)
    return county


def post(county: County, person: str, path: str, body: Any) -> TestResponse:
    phone = county.phone(person)
    return phone.http.post(f"{API}{path}", json=body, headers=phone.headers)


def close(county: County, place: str = XIDUAN, month: str = "2018-11", person: str = "supervisor") -> TestResponse:
    return post(county, person, "/closures", {"place": place, "month": month})


def printed(county: County, person: str = "admin") -> tuple[str, Any, Any]:
    phone = county.phone(person)
    return (
        phone.get(f"/obligations?{MONTH}&format=csv").get_data(as_text=True),
        json_of(phone.get(f"/obligations?{MONTH}&limit=200"))["items"],
        json_of(phone.get(f"/attendance?{MONTH}"))["items"],
    )


def test_a_supervisor_closes_a_month_and_reopens_it_with_a_reason(over: County) -> None:
    before = printed(over)
    shown = json_of(close(over), 201)
    assert shown == {
        "id": shown["id"],
        "place": XIDUAN,
        "place_name": "西段乡",
        "township": XIDUAN,
        "township_name": "西段乡",
        "month": "2018-11",
        "by": "supervisor",
        "by_name": "supervisor同志",
        "at": "2018-12-06T09:31:10+08:00",
        "rows": shown["rows"],
        "reopened_by": None,
        "reopened_by_name": None,
        "reopened_at": None,
        "reason": "",
    }
    assert shown["rows"] == sum(row["township"] == XIDUAN for row in before[1])
    facts.visited(over.deployment, "owner", DONGZHAO, d("11-14"))
    assert printed(over) == before
    url = f"/closures/{shown['id']}"
    found = json_of(over.phone("auditor").get(f"{url}/differences"))
    assert [(row["window"], row["printed"]["status"], row["now"]["status"]) for row in found["items"]] == [
        ("2018-W46", "missed", "met")
    ]
    assert found["items"][0]["person_name"] == "owner同志"
    reopened = json_of(post(over, "supervisor", f"{url}/reopen", {"reason": "补录"}))
    assert (reopened["reopened_by"], reopened["reason"]) == ("supervisor", "补录")
    assert printed(over) != before
    assert json_of(over.phone("auditor").get("/closures"))["items"] == [reopened]
    refused(post(over, "supervisor", f"{url}/reopen", {"reason": "补录"}), 409, "not-closed")


def test_refusals_have_codes_of_their_own(over: County) -> None:
    json_of(close(over), 201)
    refused(close(over), 409, "already-closed")
    refused(close(over, month="2018-12"), 409, "month-not-over")
    over.now = datetime(2018, 12, 2, tzinfo=UTC)
    refused(post(over, "supervisor", "/closures", {"place": XIDUAN, "month": "2018-11"}), 409, "already-closed")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"place": XIDUAN, "month": "2018-13"}, "/month", "format"),
        ({"place": XIDUAN}, "/month", "required"),
        ({"place": "nowhere", "month": "2018-11"}, "/place", "not-exist"),
        ({"place": TOWN, "month": "2018-11"}, "/place", "not-exist"),
        ({"place": LELING, "month": "2018-11"}, "/place", "not-exist"),
        ({"place": XIDUAN, "month": "2018-11", "force": True}, "/force", "unknown"),
    ],
)
def test_what_does_not_fit_is_refused(sqlite_county: County, body: Any, pointer: str, code: str) -> None:
    assert refused(post(sqlite_county, "supervisor", "/closures", body), 422, "invalid") == [(pointer, code)]


def test_outside_ones_area_there_are_no_closures(over: County) -> None:
    number = json_of(close(over), 201)["id"]
    assert json_of(over.phone("outside").get("/closures"))["items"] == []
    refused(over.phone("outside").get(f"/closures/{number}/differences"), 404, "not-found")
    refused(post(over, "outside", f"/closures/{number}/reopen", {"reason": "x"}), 404, "not-found")
    refused(post(over, "inside", f"/closures/{number}/reopen", {"reason": "x"}), 403, "forbidden")
    refused(close(over, person="inside"), 403, "forbidden")
    refused(over.phone("owner").get("/closures"), 403, "forbidden")


def test_lists_come_in_pages_and_as_files(over: County) -> None:
    numbers = [json_of(close(over, month=month), 201)["id"] for month in ("2018-09", "2018-10", "2018-11")]
    phone = over.phone("supervisor")
    first = json_of(phone.get("/closures?limit=2"))
    second = json_of(phone.get(f"/closures?limit=2&cursor={first['next']}"))
    assert [row["id"] for row in first["items"] + second["items"]] == numbers[::-1]
    assert second["next"] is None
    assert [row["id"] for row in json_of(phone.get("/closures?month=2018-10"))["items"]] == [numbers[1]]
    rows = list(csv.DictReader(io.StringIO(phone.get("/closures?format=csv").get_data(as_text=True))))
    assert [row["month"] for row in rows] == ["2018-11", "2018-10", "2018-09"]
    for day in ("11-13", "11-20", "11-27"):
        facts.visited(over.deployment, "owner", DONGZHAO, d(day))
    url = f"/closures/{numbers[2]}/differences"
    everything = json_of(phone.get(url))["items"]
    found, cursor = [], ""
    while True:
        paged = json_of(phone.get(f"{url}?limit=1{cursor}"))
        found += paged["items"]
        if paged["next"] is None:
            break
        cursor = f"&cursor={paged['next']}"
    assert found == everything
    assert len(found) > 1
    rows = list(csv.DictReader(io.StringIO(phone.get(f"{url}?format=csv").get_data(as_text=True))))
    assert [(row["window"], row["printed_status"], row["status"]) for row in rows] == [
        (row["window"], row["printed"]["status"], row["now"]["status"]) for row in everything
    ]
