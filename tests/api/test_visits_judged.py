"""Where a check-in is stored, and what the checks make of it at the door."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.adapters.samples import DONGZHAO_GPS, TAKEN, TAKEN_OFFSET, exif_block
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
    north_of,
    photo,
    take_in,
    visit_id,
)

PHOTO = photo(1)


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
        ({"at": NOW.replace(year=2000), "device": {"skew_s": -567_993_600}}, "review", {"clock": "warn"}),
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
