"""`GET /me`: what is still to do, and until when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from server.domain.postings import Leave, Posting
from tests.api.phones import County, json_of
from tests.domain.county import d
from tests.factories import DISTRICT, DONGZHAO, JINJIA, MUTOUWANG, XIDUAN
from tests.services import facts


def me(county: County, person: str = "owner", at: str | None = None) -> Any:
    """The first page of a person, at a moment in the county."""
    if at:
        county.now = datetime.fromisoformat(f"2018-{at}+08:00").astimezone(UTC)
    return json_of(county.phone(person).get("/me"))


def owed(answer: Any) -> dict[tuple[str, str], tuple[str, int]]:
    return {(o["duty"], o["window"]): (o["status"], o["remaining"]) for o in answer["obligations"]}


def test_a_person_sees_who_they_are_and_where_they_are_posted(sqlite_county: County) -> None:
    answer = me(sqlite_county)
    assert answer["person"] == {
        "code": "owner",
        "name": "owner同志",
        "phone": "13900000000",
        "unit": "",
        "language": "zh",
    }
    assert answer["today"] == "2018-11-20"
    assert answer["now"] == "2018-11-20T09:31:10+08:00"
    assert answer["postings"] == [
        {
            "role": "envoy",
            "place": DONGZHAO,
            "place_name": "东赵村",
            "township": XIDUAN,
            "township_name": "西段乡",
            "start": "2018-09-03",
            "end": None,
            "office_weekday": None,
        }
    ]
    assert answer["grants"] == []
    assert me(sqlite_county, "inside")["grants"] == [
        {"kind": "reviewer", "place": XIDUAN, "place_name": "西段乡", "township_name": "西段乡"}
    ]


def test_the_places_one_owes_visits_at_say_where_they_are(sqlite_county: County) -> None:
    (place,) = me(sqlite_county)["places"]
    assert (place["code"], place["place_name"], place["township_name"]) == (DONGZHAO, "东赵村", "西段乡")
    assert (place["points"], place["radius_m"]) == ([{"latitude": 37.811268, "longitude": 117.012492}], 500.0)


def test_how_many_photos_an_activity_needs_is_told_beforehand(sqlite_county: County) -> None:
    assert me(sqlite_county)["photos_needed"] == {"visit": 1, "study": 1, "office": 1, "other": 0}


def test_the_week_that_runs_says_what_is_to_do_and_until_when(sqlite_county: County) -> None:
    week = next(o for o in me(sqlite_county)["obligations"] if o["window"] == "2018-W47")
    assert (week["duty"], week["place_name"], week["township_name"]) == ("envoy-weekly-visit", "东赵村", "西段乡")
    assert (week["window"], week["status"], week["remaining"]) == ("2018-W47", "due", 1)
    assert (week["until"], week["grace_until"]) == ("2018-11-26T00:00:00+08:00", "2018-11-29T00:00:00+08:00")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("11-20T09:00", {"2018-W46": "grace", "2018-W47": "due", "2018-W48": "upcoming"}),
        ("11-25T23:59", {"2018-W47": "due", "2018-W48": "upcoming"}),
        ("11-26T00:00", {"2018-W47": "grace", "2018-W48": "due", "2018-W49": "upcoming"}),
        ("11-28T23:59", {"2018-W47": "grace", "2018-W48": "due", "2018-W49": "upcoming"}),
        ("11-29T00:00", {"2018-W48": "due", "2018-W49": "upcoming"}),
    ],
)
def test_a_week_stays_on_the_page_until_its_time_of_grace_is_over(
    county: County, at: str, expected: dict[str, str]
) -> None:
    found = me(county, at=at)["obligations"]
    assert {o["window"]: o["status"] for o in found if o["duty"] == "envoy-weekly-visit"} == expected


def test_what_is_done_today_stays_with_nothing_left_to_do(sqlite_county: County) -> None:
    facts.visited(sqlite_county.deployment, "owner", DONGZHAO, d("11-15"), "study")
    found = owed(me(sqlite_county, at="11-15T20:00"))
    assert found[("envoy-study-day", "2018-11")] == ("met", 0)
    assert found[("envoy-weekly-visit", "2018-W46")] == ("met", 0)
    assert ("envoy-study-day", "2018-11") not in owed(me(sqlite_county, at="11-16T08:00"))


def test_a_visit_that_waits_for_the_office_leaves_the_duty_pending_however_long(sqlite_county: County) -> None:
    facts.visited(sqlite_county.deployment, "owner", DONGZHAO, d("11-06"), status="review")
    assert owed(me(sqlite_county, at="11-29T08:00"))[("envoy-weekly-visit", "2018-W45")] == ("pending", 1)


def test_nothing_is_left_to_do_in_a_week_on_leave(sqlite_county: County) -> None:
    facts.leave(sqlite_county.deployment, Leave("owner", d("11-19"), d("11-23")))
    assert owed(me(sqlite_county))[("envoy-weekly-visit", "2018-W47")] == ("excused", 0)


def test_a_secretary_sees_each_village_of_the_round(county: County) -> None:
    answer = me(county, "secretary")
    round_ = {o["place"]: o["status"] for o in answer["obligations"] if o["duty"] == "secretary-monthly-round"}
    assert round_ == {MUTOUWANG: "due", JINJIA: "due", DONGZHAO: "due"}
    office = [o for o in answer["obligations"] if o["duty"] == "secretary-office-day"]
    assert [(o["window"], o["status"], o["until"]) for o in office] == [
        ("2018-W47", "due", "2018-11-21T00:00:00+08:00"),
        ("2018-W48", "upcoming", "2018-11-28T00:00:00+08:00"),
    ]
    assert answer["postings"][0]["office_weekday"] == 2


def test_only_postings_that_are_not_over_are_shown(sqlite_county: County) -> None:
    facts.end_postings(sqlite_county.deployment, "owner", d("11-18"))
    facts.post(sqlite_county.deployment, Posting("owner", "first-secretary", JINJIA, d("12-01")))
    assert [(p["role"], p["place"]) for p in me(sqlite_county)["postings"]] == [("first-secretary", JINJIA)]


def test_visits_that_need_their_person_are_shown_latest_first(county: County) -> None:
    rejected = facts.visited(county.deployment, "owner", DONGZHAO, d("11-12"), status="rejected")
    returned = facts.visited(county.deployment, "owner", DONGZHAO, d("11-19"), status="returned")
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-13"))
    facts.visited(county.deployment, "owner", DONGZHAO, d("10-20"), status="rejected")
    facts.visited(county.deployment, "colleague", JINJIA, d("11-19"), status="returned")
    found = me(county)["visits"]
    assert [(v["id"], v["status"], v["place_name"], v["missing"]) for v in found] == [
        (returned, "returned", "东赵村", []),
        (rejected, "rejected", "东赵村", []),
    ]


def test_a_visit_whose_photo_is_awaited_names_the_photo(sqlite_county: County) -> None:
    digest = "a" * 64
    body = {
        "activity": "visit",
        "place": DONGZHAO,
        "captured_at": "2018-11-20T09:31:05+08:00",
        "position": {"latitude": 37.811268, "longitude": 117.012492, "accuracy_m": 12},
        "photos": [digest],
    }
    assert sqlite_county.phone().put(body).status_code == 201
    found = me(sqlite_county)
    assert [(v["status"], v["missing"]) for v in found["visits"]] == [("incomplete", [digest])]
    assert owed(found)[("envoy-weekly-visit", "2018-W47")] == ("pending", 1)


def test_somebody_without_any_posting_has_an_empty_page(sqlite_county: County) -> None:
    answer = me(sqlite_county, "idle")
    assert (answer["postings"], answer["obligations"], answer["visits"]) == ([], [], [])


def test_the_page_asks_for_nothing(sqlite_county: County) -> None:
    assert sqlite_county.phone().get(f"/me?place={DISTRICT}").status_code == 422
