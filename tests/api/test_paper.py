"""Visits made without a phone, entered by the office and confirmed by a second person."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.phones import County, json_of, refused
from tests.api.test_decisions import take_grant, week
from tests.factories import DISTRICT, DONGZHAO, MUTOUWANG, XIDUAN, ZHENXING, digest, log_of, photo, visit_id

PAPER = photo(1)


def sheet(number: int | None = None, **given: Any) -> dict[str, Any]:
    body = {
        "person": "owner", "place": DONGZHAO, "activity": "visit", "captured_at": "2018-11-19T10:00:00+08:00",
        "reason": "手机掉进水里", **given,
    }  # fmt: skip
    return body if number is None else {**body, "id": visit_id(number)}


def test_a_visit_on_paper_waits_and_counts_once_a_second_person_confirms_it(county: County) -> None:
    office = county.phone("inside")
    visit = json_of(office.post("/visits", sheet(1, photos=[digest(PAPER)])), 201)
    assert (visit["status"], visit["person"], visit["findings"], visit["can"]) == ("review", "owner", [], [])
    assert visit["entry"] == {"kind": "paper", "by": "inside", "by_name": "inside同志", "reason": "手机掉进水里"}
    assert (week(county), visit["obligations"][0]["status"]) == ("pending", "pending")
    sent = json_of(office.send(PAPER), 201)["visit"]
    assert (sent["status"], sent["photos"]["missing"]) == ("review", [])
    assert refused(office.decide("confirm"), 403, "own-entry") == []
    take_grant(county, "secretary", XIDUAN)
    second = county.phone("secretary")
    assert [v["id"] for v in json_of(second.get("/visits?waiting=decision"))["items"]] == [visit_id()]
    assert json_of(office.get("/visits?waiting=decision"))["items"] == []
    assert (json_of(second.decide("confirm"))["status"], week(county)) == ("confirmed", "met")
    lines = log_of(county.deployment, visit_id())
    assert (lines[0][2]["before"], lines[0][2]["after"]["entry"]) == (None, "paper")
    told = [(actor, verb) for actor, verb, _ in lines]
    assert told == [("inside", "entered"), ("inside", "photo"), ("secretary", "decided")]


def test_its_person_sees_it_and_nobody_else_s_phone_sends_its_photo(sqlite_county: County) -> None:
    json_of(sqlite_county.phone("inside").post("/visits", sheet(1, photos=[digest(PAPER)])), 201)
    assert json_of(sqlite_county.phone().see())["entry"]["by"] == "inside"
    for person in ("colleague", "supervisor", "admin"):
        assert refused(sqlite_county.phone(person).send(PAPER), 404, "not-found") == []
    assert sqlite_county.phone().send(PAPER).status_code == 201


def test_one_that_was_returned_is_completed_by_who_entered_it(sqlite_county: County) -> None:
    office = sqlite_county.phone("inside")
    json_of(office.post("/visits", sheet(1)), 201)
    take_grant(sqlite_county, "secretary", XIDUAN)
    json_of(sqlite_county.phone("secretary").decide("return", reason="请拍下登记表"))
    assert json_of(office.see())["can"] == ["add"]
    json_of(office.add({"photos": [digest(PAPER)]}))
    back = json_of(office.send(PAPER), 201)["visit"]
    assert (back["status"], back["photos"]["received"]) == ("review", [digest(PAPER)])


@pytest.mark.parametrize(
    ("who", "given", "status", "code", "errors"),
    [
        ("owner", {}, 403, "forbidden", []),
        ("supervisor", {}, 403, "forbidden", []),
        ("inside", {"person": "inside"}, 403, "own-visit", []),
        ("outside", {}, 422, "invalid", [("/place", "not-exist")]),
        ("inside", {"place": ZHENXING}, 422, "invalid", [("/place", "not-exist")]),
        ("inside", {"place": "nowhere"}, 422, "invalid", [("/place", "not-exist")]),
        ("inside", {"person": "stranger"}, 422, "invalid", [("/person", "not-exist")]),
        ("inside", {"person": "nobody"}, 422, "invalid", [("/person", "not-exist")]),
        ("inside", {"captured_at": "2018-11-21T10:00:00+08:00"}, 422, "invalid", [("/captured_at", "not-yet")]),
        ("inside", {"reason": ""}, 422, "invalid", [("/reason", "length")]),
    ],
)
def test_who_may_enter_what(
    sqlite_county: County, who: str, given: dict[str, str], status: int, code: str, errors: list[tuple[str, str]]
) -> None:
    kept = sqlite_county.footprint()
    assert refused(sqlite_county.phone(who).post("/visits", sheet(**given)), status, code) == errors
    assert sqlite_county.footprint() == kept


def test_a_district_stands_for_its_central_village(sqlite_county: County) -> None:
    body = sheet(person="secretary", place=DISTRICT, activity="office")
    assert json_of(sqlite_county.phone("inside").post("/visits", body), 201)["place"] == MUTOUWANG


def test_the_same_again_is_the_same_and_other_content_is_refused(county: County) -> None:
    office = county.phone("inside")
    first = json_of(office.post("/visits", sheet(1)), 201)
    assert json_of(office.post("/visits", sheet(1))) == first
    assert refused(office.post("/visits", sheet(1, reason="别的")), 409, "visit-differs") == []
    take_grant(county, "secretary", XIDUAN)
    assert refused(county.phone("secretary").post("/visits", sheet(1)), 409, "conflict") == []


def test_four_a_month_are_enough(county: County) -> None:
    office = county.phone("inside")
    for number in range(1, 5):
        json_of(office.post("/visits", sheet(number, captured_at=f"2018-11-0{number}T10:00:00+08:00")), 201)
    more = sheet(5, captured_at="2018-11-05T10:00:00+08:00")
    assert refused(office.post("/visits", more), 409, "paper-cap") == []
    json_of(office.post("/visits", sheet(6, captured_at="2018-10-31T10:00:00+08:00")), 201)
    json_of(office.post("/visits", sheet(7, person="colleague")), 201)
    # What was rejected takes nobody's place.
    take_grant(county, "secretary", XIDUAN)
    json_of(county.phone("secretary").decide("reject", visit_id(4)))
    json_of(office.post("/visits", more), 201)
