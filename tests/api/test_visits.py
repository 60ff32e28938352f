"""Checking in, seen from the phone: what is answered, to whom, and what is kept of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from server.adapters import datum, geodesy
from tests.adapters.samples import DONGZHAO_GPS, SHARED_PHOTOS, TAKEN, TAKEN_OFFSET, exif_block
from tests.api.phones import County, finding, json_of, not_passed, refused
from tests.factories import (
    CHINA,
    DISTRICT,
    DONGZHAO,
    HERE,
    JINJIA,
    LELING,
    MUTOUWANG,
    NOW,
    PLACES,
    TOWN,
    XIDUAN,
    ZHENXING,
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


# Who sees what


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("owner", 200), ("colleague", 404), ("stranger", 404), ("secretary", 404), ("leader", 404), ("idle", 404),
        ("inside", 200), ("outside", 404), ("supervisor", 200), ("auditor", 200), ("admin", 200),
    ],
)  # fmt: skip
def test_a_visit_exists_for_its_person_and_for_those_with_a_grant_around_it(
    sqlite_county: County, person: str, status: int
) -> None:
    json_of(sqlite_county.phone().form(check_in([PHOTO]), PHOTO), 201)
    phone = sqlite_county.phone(person)
    missing = phone.see(visit_id(99))
    for answer in (phone.see(), phone.look(PHOTO)):
        assert answer.status_code == status
        if status == 404:
            # Outside one's area a thing does not exist: not a word, not a header tells it from nothing.
            assert (answer.data, answer.headers) == (missing.data, missing.headers)
    listed = json_of(phone.get("/visits"))["items"]
    assert [visit["id"] for visit in listed] == ([visit_id()] if status == 200 else [])


@pytest.mark.parametrize("person", ["colleague", "stranger", "inside", "supervisor", "admin", "idle"])
def test_nobody_else_writes_on_a_visit(sqlite_county: County, person: str) -> None:
    json_of(sqlite_county.phone().put(check_in([PHOTO])), 201)
    kept = sqlite_county.footprint()
    phone = sqlite_county.phone(person)
    assert refused(phone.put(check_in([PHOTO])), 404, "not-found") == []
    assert refused(phone.put(check_in([], note="other")), 404, "not-found") == []
    assert refused(phone.form(check_in([PHOTO]), PHOTO), 404, "not-found") == []
    assert refused(phone.send(PHOTO), 404, "not-found") == []
    assert refused(phone.add({"note": "mine"}), 404, "not-found") == []
    assert sqlite_county.footprint() == kept


def test_a_reviewer_s_own_visit_is_to_them_like_anybody_s(sqlite_county: County) -> None:
    phone = sqlite_county.phone("inside")
    json_of(phone.form(check_in([PHOTO]), PHOTO), 201)
    at = sqlite_county.after(days=1)
    again = json_of(phone.form(check_in([PHOTO], at=at), PHOTO, visit=visit_id(2)), 201)
    assert "visits" not in finding(again, "photo-reuse")
    assert phone.look(PHOTO, "?size=original").data != PHOTO


@pytest.mark.parametrize("path", ["/visits", f"/visits/{visit_id()}", f"/visits/{visit_id()}/photos/{'a' * 64}"])
def test_without_a_token_there_is_nothing(sqlite_county: County, path: str) -> None:
    for token in ("", "Bearer nonsense", "Basic b3duZXI6eA=="):
        answer = sqlite_county.app.test_client().get(f"/api/v1{path}", headers={"Authorization": token})
        assert refused(answer, 401, "unauthenticated") == []


def test_the_list_is_latest_first_in_pages_and_takes_its_filters(county: County) -> None:
    for number, person in enumerate(["owner", "colleague", "owner", "stranger", "owner"], start=1):
        at = NOW - timedelta(days=2 * number)
        body = check_in(at=at, activity="other", place=None, point=PLACES[DONGZHAO][3])
        json_of(county.phone(person).put(body, visit_id(number)), 201)

    def ids(query: str, person: str = "admin") -> list[int]:
        items = json_of(county.phone(person).get(f"/visits?{query}"))["items"]
        return [int(item["id"][-2:], 16) for item in items]

    assert ids("") == [1, 2, 3, 4, 5]
    assert ids("", "owner") == [1, 3, 5]
    assert ids("", "inside") == [1, 2, 3, 5]
    assert ids("", "outside") == [4]
    assert ids("person=colleague") == [2]
    assert ids("person=colleague", "owner") == []
    assert ids(f"place={XIDUAN}") == [1, 2, 3, 5]
    assert ids(f"place={XIDUAN}", "outside") == []
    assert ids(f"place={JINJIA}") == [2]
    assert ids("from=2018-11-14&to=2018-11-16") == [2, 3]
    found = json_of(county.phone("admin").get("/visits"))["items"]
    for status in ("confirmed", "review", "rejected"):
        assert ids(f"status={status}") == [int(v["id"][-2:], 16) for v in found if v["status"] == status]
    walked: list[str] = []
    cursor = ""
    while cursor is not None:
        page = json_of(county.phone("admin").get(f"/visits?limit=2{cursor and '&cursor='}{cursor}"))
        walked += [item["id"] for item in page["items"]]
        assert len(page["items"]) <= 2
        cursor = page["next"]
    assert walked == [visit_id(number) for number in range(1, 6)]


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("from=2018-11-20&to=2018-11-19", [("/to", "order")]),
        ("place=nowhere", [("/place", "not-exist")]),
        ("status=lost", [("/status", "choice")]),
        ("cursor=x", [("/cursor", "cursor")]),
        ("cursor=2018-13-40T99:99:99Z~" + "a" * 36, [("/cursor", "cursor")]),
        ("limit=0", [("/limit", "range")]),
        ("colour=red", [("/colour", "unknown")]),
        ("status=review&status=review", [("/status", "repeated")]),
    ],
)
def test_a_list_asked_for_wrongly_says_what_is_wrong(
    sqlite_county: County, query: str, errors: list[tuple[str, str]]
) -> None:
    assert refused(sqlite_county.phone().get(f"/visits?{query}"), 422, "invalid") == errors


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
    del rows["log"], rows_after["log"]
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


def test_an_id_in_capitals_is_the_same_id(sqlite_county: County) -> None:
    json_of(sqlite_county.phone().put(check_in([PHOTO])), 201)
    again = json_of(sqlite_county.phone().put(check_in([PHOTO]), visit_id().upper()), 200)
    assert again["id"] == visit_id()


# Which place


@pytest.mark.parametrize(
    ("person", "given", "place"),
    [
        ("owner", {}, DONGZHAO),
        ("owner", {"point": None}, DONGZHAO),
        ("owner", {"point": PLACES[ZHENXING][3]}, DONGZHAO),
        ("secretary", {}, DONGZHAO),
        ("secretary", {"point": north_of(PLACES[JINJIA][3], 300)}, JINJIA),
        ("secretary", {"point": PLACES[DISTRICT][3]}, MUTOUWANG),
        ("secretary", {"place": DISTRICT}, MUTOUWANG),
        ("leader", {"point": PLACES[XIDUAN][3]}, XIDUAN),
        ("leader", {"point": PLACES[JINJIA][3]}, JINJIA),
        ("idle", {"point": north_of(PLACES[ZHENXING][3], -200)}, ZHENXING),
        ("owner", {"place": LELING}, LELING),
        ("owner", {"place": ZHENXING}, ZHENXING),
    ],
    ids=lambda value: str(value),
)
def test_where_a_check_in_is_stored(sqlite_county: County, person: str, given: dict[str, Any], place: str) -> None:
    body = check_in(activity="other", **{"place": None, **given})
    assert json_of(sqlite_county.phone(person).put(body), 201)["place"] == place


@pytest.mark.parametrize(
    ("person", "given", "code"),
    [
        ("secretary", {"place": None, "point": None}, "place-needed"),
        ("idle", {"place": None, "point": None}, "place-needed"),
        ("owner", {"place": "371481999999"}, "unknown-place"),
        ("owner", {"place": "nowhere"}, "unknown-place"),
    ],
    ids=str,
)
def test_a_place_that_cannot_be_known_is_refused(
    sqlite_county: County, person: str, given: dict[str, Any], code: str
) -> None:
    kept = sqlite_county.footprint()
    answer = sqlite_county.phone(person).put(check_in(activity="other", **given))
    assert refused(answer, 422, "invalid") == [("/place", code)]
    assert sqlite_county.footprint() == kept


def test_a_district_without_a_central_village_cannot_be_named(sqlite_county: County) -> None:
    row = f"{DISTRICT} 靳木王管区 district {XIDUAN} 37.808216 117.000703 - -"
    take_in(sqlite_county.deployment, "places", row)
    answer = sqlite_county.phone("secretary").put(check_in(place=DISTRICT))
    assert refused(answer, 422, "invalid") == [("/place", "no-central-village")]


def test_a_visit_elsewhere_says_that_no_posting_covers_it(sqlite_county: County) -> None:
    body = check_in([PHOTO], point=PLACES[TOWN][3], place=TOWN)
    answer = json_of(sqlite_county.phone().form(body, PHOTO), 201)
    assert answer["status"] == "rejected"
    assert not_passed(answer) == {"posting": "fail"}
    assert "市中街道" in finding(answer, "posting")["message"]


# The checks, at the door


@pytest.mark.parametrize(
    ("given", "status", "expected"),
    [
        ({"point": north_of(HERE, 499)}, "confirmed", {}),
        ({"point": north_of(HERE, 600)}, "review", {"place": "warn"}),
        ({"point": north_of(HERE, 1100), "accuracy": 900}, "rejected", {"place": "fail", "accuracy": "warn"}),
        ({"accuracy": 101}, "review", {"accuracy": "warn"}),
        ({"accuracy": None}, "review", {"accuracy": "warn"}),
        ({"at": NOW + timedelta(minutes=4)}, "confirmed", {}),
        ({"at": NOW + timedelta(minutes=6)}, "rejected", {"clock": "fail"}),
        ({"at": NOW + timedelta(minutes=6), "device": {"skew_s": 360}}, "confirmed", {}),
        ({"at": NOW + timedelta(hours=1), "device": {"skew_s": 3600}}, "review", {"clock": "warn"}),
        ({"at": NOW - timedelta(hours=71)}, "confirmed", {}),
        ({"at": NOW - timedelta(hours=73)}, "review", {"clock": "warn"}),
        ({"at": NOW - timedelta(minutes=16), "point": north_of(HERE, 3000)}, "review", {"place": "warn"}),
        ({"at": NOW - timedelta(minutes=14), "point": north_of(HERE, 3000)}, "rejected", {"place": "fail"}),
        ({"device": {"mock": True}}, "review", {"mock": "warn"}),
        ({"device": {"mock": None}}, "confirmed", {}),
    ],
    ids=str,
)
def test_the_checks_decide_the_status(
    sqlite_county: County, given: dict[str, Any], status: str, expected: dict[str, str]
) -> None:
    answer = json_of(sqlite_county.phone().form(check_in([PHOTO], **given), PHOTO), 201)
    assert not_passed(answer) == expected
    assert answer["status"] == status


@pytest.mark.parametrize(
    ("activity", "announced", "status"),
    [("visit", 0, "rejected"), ("study", 0, "rejected"), ("office", 0, "rejected"), ("other", 0, "confirmed"),
     ("visit", 1, "confirmed"), ("visit", 2, "confirmed")],
)  # fmt: skip
def test_each_activity_needs_its_photos(sqlite_county: County, activity: str, announced: int, status: str) -> None:
    pictures = [photo(n) for n in range(announced)]
    answer = json_of(sqlite_county.phone().form(check_in(pictures, activity=activity), *pictures), 201)
    assert answer["status"] == status
    assert not_passed(answer) == ({"photos": "fail"} if status == "rejected" else {})


@pytest.mark.parametrize(
    ("taken", "offset", "gps", "expected"),
    [
        ("2018:11:20 09:31:00", "+08:00", DONGZHAO_GPS, {}),
        ("2018:11:20 09:31:00", None, None, {}),  # without an offset it is local time
        ("2018:11:20 01:31:00", "+00:00", None, {}),
        ("2018:11:20 01:31:00", None, None, {"photo-time": "warn"}),
        ("2018:11:20 07:00:00", None, None, {"photo-time": "warn"}),
        ("2018:11:20 09:50:00", None, None, {"photo-time": "warn"}),
        (None, None, {**DONGZHAO_GPS, 2: (37.0, 40.0, 0.0)}, {"photo-place": "warn"}),
    ],
)
def test_what_a_photo_says_of_itself_is_compared(
    sqlite_county: County, taken: str | None, offset: str | None, gps: Any, expected: dict[str, str]
) -> None:
    tags = {tag: value for tag, value in ((TAKEN, taken), (TAKEN_OFFSET, offset)) if value}
    data = photo(1, exif_block({}, tags, gps))
    answer = json_of(sqlite_county.phone().form(check_in([data]), data), 201)
    assert not_passed(answer) == expected


def test_a_hundred_kilometres_in_half_an_hour_are_noticed(sqlite_county: County) -> None:
    sqlite_county.now = NOW - timedelta(minutes=30)
    far = north_of(HERE, 100_000)
    first = check_in(at=sqlite_county.now, point=far, activity="other", place=LELING)
    json_of(sqlite_county.phone("leader").put(first, visit_id(1)), 201)
    take_in(sqlite_county.deployment, "postings", f"idle seconded-cadre {LELING} 2018-11-01 - -")
    take_in(sqlite_county.deployment, "places", f"{LELING} 乐陵市 county - {far[0]} {far[1]} 1000 -")
    json_of(sqlite_county.phone("idle").put(first, visit_id(2)), 201)
    sqlite_county.now = NOW
    second = json_of(sqlite_county.phone("idle").form(check_in([PHOTO]), PHOTO, visit=visit_id(3)), 201)
    assert second["status"] == "review"
    speed = finding(second, "speed")
    assert (speed["outcome"], speed["limit"]) == ("warn", 150)
    assert speed["value"] == pytest.approx(200, abs=2)


def test_a_visit_late_in_the_evening_written_as_utc_counts_on_the_countys_day(sqlite_county: County) -> None:
    sqlite_county.now = datetime(2018, 11, 18, 23, 31, tzinfo=CHINA)
    body = {**check_in([PHOTO]), "captured_at": "2018-11-18T15:30:00Z"}
    answer = json_of(sqlite_county.phone().form(body, PHOTO), 201)
    assert (answer["day"], answer["captured_at"]) == ("2018-11-18", "2018-11-18T23:30:00+08:00")
    assert [o["window"] for o in answer["obligations"]] == ["2018-W46"]


def test_a_study_meeting_on_the_15th_meets_both_duties_of_an_envoy(sqlite_county: County) -> None:
    sqlite_county.now = datetime(2018, 11, 15, 10, tzinfo=CHINA)
    body = check_in([PHOTO], at=sqlite_county.now, activity="study")
    answer = json_of(sqlite_county.phone().form(body, PHOTO), 201)
    assert [(o["duty"], o["status"]) for o in answer["obligations"]] == [
        ("envoy-study-day", "met"),
        ("envoy-weekly-visit", "met"),
    ]


def test_the_sentences_are_in_the_language_asked_for(sqlite_county: County) -> None:
    json_of(sqlite_county.phone().put(check_in(point=north_of(HERE, 3000))), 201)
    chinese, english = (json_of(sqlite_county.phone(language=x).see()) for x in ("zh", "en"))
    assert "东赵村" in finding(chinese, "place")["message"]
    assert finding(english, "place")["message"].isascii() or "km" in finding(english, "place")["message"]
    assert [f["message"] for f in chinese["findings"]] != [f["message"] for f in english["findings"]]
