"""Checking in, seen from the phone: what is answered, and what is kept of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from server.adapters import datum, geodesy
from tests.adapters.samples import SHARED_PHOTOS
from tests.api.phones import County, finding, json_of, not_passed, refused
from tests.factories import (
    DONGZHAO,
    HERE,
    JINJIA,
    MUTOUWANG,
    NOW,
    check_in,
    digest,
    local,
    log_of,
    north_of,
    photo,
    place_row,
    take_in,
    visit_id,
)

PHOTO = photo(1)
WEEK = {
    "duty": "envoy-weekly-visit", "window": "2018-W47", "place": DONGZHAO, "place_name": "东赵村",
    "township_name": "西段乡", "opens_on": "2018-11-19", "due_on": "2018-11-25", "status": "met", "reason": "",
    "needed": 1, "done": 1,
}  # fmt: skip


# What it must show, in its own words


def test_a_check_in_from_the_village_with_a_real_photo_is_confirmed_and_the_week_met(county: County) -> None:
    answer = json_of(county.phone().form(check_in([PHOTO]), PHOTO), 201)
    assert answer["status"] == "confirmed"
    assert answer["obligations"] == [WEEK]
    assert answer["photos"] == {"expected": 1, "missing": [], "received": [digest(PHOTO)]}
    assert answer["person"] == "owner"
    assert (answer["place"], answer["place_name"], answer["township_name"]) == (DONGZHAO, "东赵村", "西段乡")
    assert (answer["captured_at"], answer["received_at"]) == ("2018-11-20T09:31:05+08:00", "2018-11-20T09:31:10+08:00")
    assert [f["check"] for f in answer["findings"]] == [
        "place", "accuracy", "posting", "clock", "photos", "photo-place", "photo-time", "photo-reuse", "speed", "mock",
    ]  # fmt: skip
    assert {f["outcome"] for f in answer["findings"]} == {"pass"}
    assert all(f["message"] for f in answer["findings"])


def test_the_same_again_is_200_and_nothing_new(county: County) -> None:
    first = county.phone().form(check_in([PHOTO]), PHOTO)
    kept = county.footprint()
    county.after(minutes=3)
    again = county.phone().form(check_in([PHOTO]), PHOTO)
    assert json_of(again, 200) == json_of(first, 201)
    assert county.footprint() == kept


def test_three_kilometres_away_is_rejected_with_the_distance_and_put_right_a_minute_later(county: County) -> None:
    phone = county.phone()
    away = json_of(phone.form(check_in([PHOTO], point=north_of(HERE, 3000)), PHOTO), 201)
    assert away["status"] == "rejected"
    place = finding(away, "place")
    assert (place["outcome"], place["limit"]) == ("fail", 500)
    assert place["value"] == pytest.approx(3000, abs=10)
    assert "3.0 公里" in place["message"]
    assert away["obligations"] == []
    at = county.after(minutes=1)
    right = json_of(phone.form(check_in([PHOTO], at=at), PHOTO, visit=visit_id(2)), 201)
    assert right["status"] == "confirmed", not_passed(right)


def test_no_position_is_for_a_person_to_look_at(county: County) -> None:
    body = check_in([PHOTO], point=None, device={"no_position": "denied"})
    answer = json_of(county.phone().form(body, PHOTO), 201)
    assert answer["status"] == "review"
    assert not_passed(answer) == {"place": "warn", "accuracy": "warn"}
    assert answer["obligations"][0]["status"] == "pending"


def test_the_same_photo_another_day_is_for_a_person_to_look_at_who_sees_which_visit(county: County) -> None:
    json_of(county.phone().form(check_in([PHOTO]), PHOTO), 201)
    at = county.after(days=1)
    again = json_of(county.phone().form(check_in([PHOTO], at=at), PHOTO, visit=visit_id(2)), 201)
    assert again["status"] == "review"
    assert not_passed(again) == {"photo-reuse": "warn"}
    assert "visits" not in finding(again, "photo-reuse")
    seen = json_of(county.phone("inside").see(visit_id(2)))
    assert finding(seen, "photo-reuse")["visits"] == [visit_id(1)]
    for reader in ("supervisor", "admin"):
        assert "visits" not in finding(json_of(county.phone(reader).see(visit_id(2))), "photo-reuse")


def test_a_posting_typed_in_a_week_late_makes_what_was_rejected_confirmed(county: County) -> None:
    phone = county.phone("idle")
    assert json_of(phone.form(check_in([PHOTO]), PHOTO), 201)["status"] == "rejected"
    week_later = county.after(days=7)
    take_in(county.deployment, "postings", f"idle envoy {DONGZHAO} 2018-11-19 - -", week_later)
    answer = json_of(phone.see())
    assert answer["status"] == "confirmed"
    assert [(o["duty"], o["window"], o["status"]) for o in answer["obligations"]] == [
        ("envoy-weekly-visit", "2018-W47", "met")
    ]


def test_a_photo_from_arezzo_warns_with_some_eight_thousand_kilometres(county: County) -> None:
    file = SHARED_PHOTOS / "DSCN0010.jpg"
    if not file.exists():
        pytest.skip("the real photos are not beside this folder")
    data = file.read_bytes()
    answer = json_of(county.phone().form(check_in([data]), data), 201)
    assert answer["status"] == "review"
    assert not_passed(answer) == {"photo-place": "warn", "photo-time": "warn"}
    found = finding(answer, "photo-place")
    assert 7_900_000 < found["value"] < 8_400_000
    assert "公里" in found["message"]


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_the_same_point_in_three_datums_is_the_same_place_within_a_metre(sqlite_county: County, crs: str) -> None:
    body = check_in([PHOTO])
    latitude, longitude = datum.from_wgs84(*HERE, crs)
    body["position"] = {"latitude": latitude, "longitude": longitude, "accuracy_m": 12, "crs": crs}
    answer = json_of(sqlite_county.phone().form(body, PHOTO), 201)
    stored = answer["position"]
    assert stored["crs"] == "wgs84"
    assert geodesy.distance_m(*HERE, stored["latitude"], stored["longitude"]) < 1
    assert finding(answer, "place")["value"] < 1
    assert answer["status"] == "confirmed"
    assert answer["sent_position"] == (None if crs == "wgs84" else body["position"])


def test_a_silent_gcj02_is_suspected(sqlite_county: County) -> None:
    shifted = datum.from_wgs84(*HERE, "gcj02")
    take_in(sqlite_county.deployment, "places", place_row(DONGZHAO, radius=100))
    answer = json_of(sqlite_county.phone().form(check_in([PHOTO], point=shifted), PHOTO), 201)
    assert answer["status"] == "review"
    assert "GCJ-02" in finding(answer, "place")["message"]


def test_without_its_photo_it_is_incomplete_and_with_it_confirmed(county: County) -> None:
    phone = county.phone()
    first = json_of(phone.put(check_in([PHOTO])), 201)
    assert (first["status"], first["obligations"][0]["status"]) == ("incomplete", "pending")
    assert first["photos"] == {"expected": 1, "missing": [digest(PHOTO)], "received": []}
    answer = json_of(phone.send(PHOTO), 201)
    assert answer["sha256"] == digest(PHOTO)
    assert answer["received_at"] == "2018-11-20T09:31:10+08:00"
    assert (answer["visit"]["status"], answer["visit"]["obligations"][0]["status"]) == ("confirmed", "met")
    assert json_of(phone.see()) == answer["visit"]


# Sending again


def _reordered(body: dict[str, Any]) -> dict[str, Any]:
    position = dict(reversed(body["position"].items()))
    return dict(reversed({**body, "position": position}.items()))


def _other_offset(body: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(body["captured_at"]) - timedelta(hours=8)
    return {**body, "captured_at": at.replace(tzinfo=None).isoformat() + ".000Z"}


def _other_numbers(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "position": {**body["position"], "accuracy_m": 12.0, "crs": "wgs84"}}


@pytest.mark.parametrize(
    "same",
    [
        _reordered,
        _other_offset,
        _other_numbers,
        lambda body: {**body, "note": "", "functions": []},
        lambda body: {**body, "device": {"sent_at": "2018-11-20T09:40:00+08:00", "skew_s": 3, "offline": True}},
    ],
    ids=["keys in another order", "another offset", "another form of numbers", "defaults written out", "the device"],
)
def test_the_same_content_written_otherwise_is_the_same_check_in(county: County, same: Any) -> None:
    first = json_of(county.phone().put(check_in([PHOTO])), 201)
    rows, files = county.footprint()
    assert json_of(county.phone().put(same(check_in([PHOTO]))), 200) == first
    rows_after, files_after = county.footprint()
    for kept in ("log", "person_key"):  # of a later device a line tells
        del rows[kept], rows_after[kept]
    assert (rows_after, files_after) == (rows, files)


def test_the_first_device_is_kept_and_later_ones_are_logged(county: County) -> None:
    phone = county.phone()
    first, later = {"skew_s": 2, "offline": True}, {"skew_s": 700, "offline": False}
    json_of(phone.put(check_in([PHOTO], device=first)), 201)
    answer = json_of(phone.put(check_in([PHOTO], device=later)), 200)
    assert finding(answer, "clock")["outcome"] == "pass"
    assert log_of(county.deployment, visit_id()) == [
        ("owner", "check-in", {"status": "incomplete"}),
        ("owner", "sent-again", {"device": later}),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"activity": "study"},
        {"place": JINJIA},
        {"place": None},
        {"captured_at": local(NOW)},
        {"position": None},
        {"position": {"latitude": HERE[0], "longitude": HERE[1], "accuracy_m": 12.5}},
        {"position": {"latitude": HERE[0], "longitude": HERE[1], "accuracy_m": 12, "crs": "gcj02"}},
        {"photos": []},
        {"photos": [digest(PHOTO), digest(photo(2))]},
        {"functions": ["go-between"]},
        {"note": "修路"},
    ],
    ids=str,
)
def test_other_content_under_the_same_id_is_409_and_changes_nothing(
    sqlite_county: County, other: dict[str, Any]
) -> None:
    phone = sqlite_county.phone()
    first = json_of(phone.put(check_in([PHOTO])), 201)
    kept = sqlite_county.footprint()
    assert refused(phone.put({**check_in([PHOTO]), **other}), 409, "visit-differs") == []
    assert sqlite_county.footprint() == kept
    assert json_of(phone.see()) == first


def test_other_content_with_photos_leaves_none_of_them_behind(county: County) -> None:
    json_of(county.phone().form(check_in([PHOTO]), PHOTO), 201)
    kept = county.footprint()
    other = photo(2)
    assert refused(county.phone().form(check_in([other]), other), 409, "visit-differs") == []
    assert refused(county.phone("colleague").form(check_in([other]), other), 404, "not-found") == []
    assert county.footprint() == kept


def test_sending_again_is_safe_also_when_what_it_named_is_no_more(county: County) -> None:
    body = check_in([PHOTO], place=None, point=None)
    first = json_of(county.phone().put(body), 201)
    assert first["place"] == DONGZHAO
    # With a second village, what is left out can no longer be known; what was taken stands.
    take_in(county.deployment, "postings", f"owner envoy {MUTOUWANG} 2018-11-01 - -")
    assert refused(county.phone().put(body, visit_id(2)), 422, "invalid") == [("/place", "place-needed")]
    again = json_of(county.phone().put(body), 200)
    assert (again["id"], again["place"]) == (visit_id(), DONGZHAO)


def test_photos_that_come_with_the_second_try_complete_the_visit(county: County) -> None:
    assert json_of(county.phone().put(check_in([PHOTO])), 201)["status"] == "incomplete"
    assert json_of(county.phone().form(check_in([PHOTO]), PHOTO), 200)["status"] == "confirmed"


def test_a_script_need_not_count_digests_when_the_files_come_along(sqlite_county: County) -> None:
    answer = json_of(sqlite_county.phone().form(check_in(), PHOTO, photo(2)), 201)
    assert answer["photos"]["received"] == [digest(PHOTO), digest(photo(2))]
    assert json_of(sqlite_county.phone().form(check_in(), PHOTO, photo(2)), 200)["status"] == "confirmed"
    assert json_of(sqlite_county.phone().put(check_in([PHOTO, photo(2)])), 200)["id"] == answer["id"]


def test_a_file_that_comes_along_twice_is_one_photo(county: County) -> None:
    answer = json_of(county.phone().form(check_in([PHOTO]), PHOTO, PHOTO), 201)
    assert (answer["status"], answer["photos"]["received"]) == ("confirmed", [digest(PHOTO)])


def test_an_id_in_capitals_is_the_same_id(sqlite_county: County) -> None:
    json_of(sqlite_county.phone().put(check_in([PHOTO])), 201)
    again = json_of(sqlite_county.phone().put(check_in([PHOTO]), visit_id().upper()), 200)
    assert again["id"] == visit_id()
