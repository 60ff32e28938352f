"""A phone's queue as a file, handed in by the office: the visits keep their ids and wait for a second person."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.api.phones import County, finding, json_of, refused
from tests.api.test_decisions import take_grant, week
from tests.factories import DONGZHAO, NOW, XIDUAN, ZHENXING, check_in, digest, log_of, photo, visit_id

PHOTO, OTHER = photo(1), photo(2)


def record(number: int = 1, *photos: bytes, **given: Any) -> dict[str, Any]:
    held = [{"sha256": digest(data), "type": "image/jpeg", "data": base64.b64encode(data).decode()} for data in photos]
    return {"kind": "check-in", "id": visit_id(number), "body": check_in(photos, **given), "photos": held}


def file(*records: dict[str, Any], **given: Any) -> dict[str, Any]:
    head = {"format": "daocun-handed-in", "version": 1, "person": "owner", "saved_at": "2018-11-20T09:31:10+08:00"}
    return {**head, "part": 1, "parts": 1, "records": list(records), **given}


def hand_in(county: County, *records: dict[str, Any], who: str = "inside", **given: Any) -> list[dict[str, Any]]:
    answer = json_of(county.phone(who).post("/handed-in", file(*records, **given)))
    items: list[dict[str, Any]] = answer["items"]
    assert answer["refused"] == sum(item["outcome"] == "refused" for item in items)
    return items


def problem(item: dict[str, Any]) -> tuple[str, list[str]]:
    assert item["outcome"] == "refused"
    return item["problem"]["code"], [error["pointer"] for error in item["problem"].get("errors", [])]


def test_a_visit_handed_in_keeps_its_id_and_counts_once_a_second_person_confirms_it(county: County) -> None:
    [item] = hand_in(county, record(1, PHOTO))
    visit = item["visit"]
    assert (item["outcome"], visit["id"], visit["status"]) == ("entered", visit_id(), "review")
    assert visit["entry"] == {"kind": "handed-in", "by": "inside", "by_name": "inside同志", "reason": ""}
    assert (visit["photos"]["missing"], visit["photos"]["received"]) == ([], [digest(PHOTO)])
    assert (finding(visit, "place")["outcome"], week(county)) == ("pass", "pending")
    assert refused(county.phone("inside").decide("confirm"), 403, "own-entry") == []
    take_grant(county, "secretary", XIDUAN)
    assert json_of(county.phone("secretary").decide("confirm"))["status"] == "confirmed"
    assert week(county) == "met"
    [(actor, verb, detail), *_] = log_of(county.deployment, visit_id())
    assert (actor, verb, detail["after"]["entry"]) == ("inside", "entered", "handed-in")
    assert county.deployment.photos.path(digest(PHOTO)).read_bytes() == PHOTO


def test_the_same_file_again_changes_nothing(county: County) -> None:
    hand_in(county, record(1, PHOTO), record(2, OTHER))
    kept = county.footprint()
    again = hand_in(county, record(1, PHOTO), record(2, OTHER))
    assert [item["outcome"] for item in again] == ["present", "present"]
    assert county.footprint() == kept


def test_the_phone_that_comes_back_into_signal_is_told_that_all_is_here(county: County) -> None:
    hand_in(county, record(1, PHOTO))
    kept = county.footprint()
    assert json_of(county.phone().put(check_in([PHOTO])))["status"] == "review"
    assert county.phone().send(PHOTO).status_code == 200
    assert county.footprint() == kept


def test_what_the_phone_had_sent_is_completed_with_the_photos_that_it_had_announced(county: County) -> None:
    json_of(county.phone().put(check_in([PHOTO, OTHER])), 201)
    handed = record(1, PHOTO, OTHER)
    [item] = hand_in(county, {**handed, "photos": handed["photos"][:1]})
    assert (item["outcome"], item["visit"]["photos"]["missing"]) == ("completed", [digest(OTHER)])
    [item] = hand_in(county, handed)
    # Its person's own record, and just the pictures they announced: the checks decide as if the phone had sent them.
    assert (item["outcome"], item["visit"]["status"], item["visit"]["entry"]) == ("completed", "confirmed", None)
    assert [line[:2] for line in log_of(county.deployment, visit_id())][1] == ("inside", "photo")


def test_one_that_is_refused_keeps_no_other_from_being_taken(county: County) -> None:
    broken = record(2, PHOTO)
    broken["photos"][0]["data"] = base64.b64encode(OTHER).decode()
    twice = record(3, PHOTO)
    twice["photos"] *= 2
    items = hand_in(
        county,
        {"kind": "check-in", "id": "x"},
        broken,
        twice,
        {**record(4), "photos": record(4, PHOTO)["photos"]},
        record(5, note="x" * 3000),
        {**record(6), "kind": "addition"},
        record(7, activity="dance"),
        record(8, PHOTO),
    )
    assert [item["id"] for item in items] == [None, *(visit_id(n) for n in range(2, 9))]
    assert [problem(item) for item in items[:-1]] == [
        ("invalid", ["/id", "/body"]),
        ("photo-digest", ["/photos/0"]),
        ("invalid", ["/photos/1/sha256"]),
        ("invalid", ["/photos/0/sha256"]),
        ("invalid", ["/body/note"]),
        ("invalid", ["/kind"]),
        ("invalid", ["/body/activity"]),
    ]
    assert items[-1]["outcome"] == "entered"
    assert county.footprint()[0]["visit"] == 1


def test_photos_that_the_phone_has_lost_may_come_later(sqlite_county: County) -> None:
    [item] = hand_in(sqlite_county, {**record(1, PHOTO), "photos": []})
    assert (item["visit"]["status"], item["visit"]["photos"]["missing"]) == ("review", [digest(PHOTO)])
    assert sqlite_county.phone().send(PHOTO).status_code == 201
    assert json_of(sqlite_county.phone().see())["status"] == "review"


def test_an_id_in_use_is_never_another_visit(county: County) -> None:
    json_of(county.phone().put(check_in([])), 201)
    json_of(county.phone("colleague").put(check_in([]), visit_id(2)), 201)
    kept = county.footprint()
    items = hand_in(county, record(1, PHOTO), record(2))
    assert [problem(item)[0] for item in items] == ["visit-differs", "conflict"]
    assert county.footprint() == kept


@pytest.mark.parametrize(
    ("who", "given", "status", "code"),
    [
        ("owner", {}, 403, "forbidden"),
        ("supervisor", {}, 403, "forbidden"),
        ("inside", {"person": "inside"}, 403, "own-visit"),
        ("inside", {"format": "daocun"}, 422, "invalid"),
        ("inside", {"version": 2}, 422, "invalid"),
        ("inside", {"records": []}, 422, "invalid"),
        ("inside", {"more": 1}, 422, "invalid"),
    ],
)
def test_who_may_hand_in_what(sqlite_county: County, who: str, given: dict[str, Any], status: int, code: str) -> None:
    kept = sqlite_county.footprint()
    refused(sqlite_county.phone(who).post("/handed-in", {**file(record(1, PHOTO)), **given}), status, code)
    assert sqlite_county.footprint() == kept


@pytest.mark.parametrize(
    ("who", "person", "place", "pointer"),
    [
        ("outside", "owner", DONGZHAO, "/place"),
        ("inside", "owner", ZHENXING, "/place"),
        ("inside", "owner", "nowhere", "/place"),
        ("inside", "nobody", ZHENXING, "/place"),
        ("inside", "nobody", "nowhere", "/place"),
        ("inside", "stranger", DONGZHAO, "/person"),
        ("inside", "nobody", DONGZHAO, "/person"),
    ],
)
def test_outside_one_s_area_there_is_nothing(
    sqlite_county: County, who: str, person: str, place: str, pointer: str
) -> None:
    kept = sqlite_county.footprint()
    [item] = hand_in(sqlite_county, record(1, PHOTO, place=place), who=who, person=person)
    assert problem(item) == ("invalid", [pointer])
    assert [error["code"] for error in item["problem"]["errors"]] == ["not-exist"]
    assert sqlite_county.footprint() == kept


@pytest.mark.parametrize("person", ["stranger", "nobody"])
def test_without_a_place_nobody_outside_the_area_is_told_from_nobody_at_all(county: County, person: str) -> None:
    [item] = hand_in(county, record(1, PHOTO, place=None), person=person)
    assert problem(item) == ("invalid", ["/person"])


def test_a_visit_outside_the_area_is_not_told_of_by_its_id(sqlite_county: County) -> None:
    json_of(sqlite_county.phone().put(check_in([])), 201)
    [item] = hand_in(sqlite_county, record(1), who="outside")
    assert problem(item) == ("invalid", ["/place"])


def test_it_is_as_large_as_a_check_in_with_its_photos_may_be(sqlite_county: County) -> None:
    large = "A" * (33 * 1024**2)
    held = record(1, PHOTO)
    held["photos"][0]["data"] = large
    refused(sqlite_county.phone("inside").post("/handed-in", file(held)), 413, "too-large")
    held["photos"][0]["data"] = large[: 9 * 1024**2 * 4 // 3]
    [item] = hand_in(sqlite_county, held)
    assert problem(item)[0] == "photo-too-large"


def test_what_was_seen_too_late_to_be_put_right_is_a_warning(sqlite_county: County) -> None:
    [item] = hand_in(sqlite_county, record(1, PHOTO, point=(37.9, 117.2), at=NOW.replace(hour=0)))
    assert (item["visit"]["status"], finding(item["visit"], "place")["outcome"]) == ("review", "warn")
