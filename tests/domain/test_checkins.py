"""A check-in as it arrives, and the visit it becomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from server.domain.checkins import Addition, CheckIn, Crs, Entry, Position, Visit, VisitPhoto
from server.domain.checks import VisitStatus
from server.domain.engine import VisitFact
from tests.domain.county import d

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime.fromisoformat("2018-11-20T09:31:05+08:00")
CHECK_IN = CheckIn(
    id="018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d",
    activity="visit",
    captured_at=MORNING,
    place="371481200268",
    position=Position(37.811268, 117.012492, 12),
    photos=("aa", "bb"),
    functions=("go-between",),
    note="东赵村",
)


@pytest.mark.parametrize(
    ("device", "skew", "occurred"),
    [
        pytest.param({}, 0, "01:31:05", id="never known"),
        pytest.param({"skew_s": None}, 0, "01:31:05", id="null if never in contact"),
        pytest.param({"skew_s": 65}, 65, "01:30:00", id="a phone ahead of the server"),
        pytest.param({"skew_s": -55}, -55, "01:32:00", id="a phone behind it"),
    ],
)
def test_it_happened_when_the_phone_says_less_its_known_skew(
    device: dict[str, Any], skew: float, occurred: str
) -> None:
    check_in = replace(CHECK_IN, device=device)
    assert check_in.skew_s == skew
    assert check_in.occurred_at == datetime.fromisoformat(f"2018-11-20T{occurred}+00:00")
    assert check_in.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("written", "skew", "day"),
    [
        ("2018-11-18T15:30:00+00:00", 0, "11-18"),
        ("2018-11-18T23:59:59+08:00", 0, "11-18"),
        ("2018-11-18T23:59:59+08:00", -1, "11-19"),
        ("2018-11-19T00:04:00+08:00", 300, "11-18"),
        ("2018-11-18T12:00:00-05:00", 0, "11-19"),
    ],
)
def test_it_counts_on_the_countys_day(written: str, skew: float, day: str) -> None:
    check_in = replace(CHECK_IN, captured_at=datetime.fromisoformat(written), device={"skew_s": skew})
    assert check_in.day(SHANGHAI) == d(day)


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"captured_at": MORNING.astimezone(UTC)}, id="the same instant with another offset"),
        pytest.param({"device": {"sent_at": "later", "skew_s": 5}}, id="another device block"),
    ],
)
def test_the_same_content_is_the_same_check_in(same: dict[str, Any]) -> None:
    assert replace(CHECK_IN, **same).digest() == CHECK_IN.digest()


@pytest.mark.parametrize(
    "other",
    [
        {"activity": "study"},
        {"place": None},
        {"place": "371481200269"},
        {"captured_at": MORNING + timedelta(microseconds=1)},
        {"position": None},
        {"position": Position(37.811268, 117.012493, 12)},
        {"position": Position(37.811269, 117.012492, 12)},
        {"position": Position(37.811268, 117.012492, None)},
        {"position": Position(37.811268, 117.012492, 12, Crs.GCJ02)},
        {"photos": ("aa",)},
        {"functions": ()},
        {"note": "西赵村"},
    ],
    ids=str,
)
def test_other_content_is_another(other: dict[str, Any]) -> None:
    assert replace(CHECK_IN, **other).digest() != CHECK_IN.digest()


VISIT = Visit(
    id="b", person="p", place="d2", asked_place=None, path="/C/T/D/d2/", activity="visit", captured_at=MORNING,
    occurred_at=MORNING, day=d("11-20"), received_at=MORNING, latitude=37.8, longitude=117.0, accuracy_m=12,
    crs="wgs84", raw_latitude=37.8, raw_longitude=117.0, functions=(), note="", device={}, skew_s=0, content=b"",
    photos=2, status=VisitStatus.CONFIRMED,
)  # fmt: skip


def test_a_visit_has_a_point_if_the_phone_gave_one() -> None:
    assert VISIT.point == (37.8, 117.0)
    assert replace(VISIT, latitude=0.0, longitude=0.0).point == (0.0, 0.0)
    assert replace(VISIT, latitude=None, longitude=None).point is None


def test_visits_come_by_capture_and_then_by_id_never_by_arrival() -> None:
    earlier = replace(
        VISIT, id="c", occurred_at=MORNING - timedelta(seconds=1), received_at=MORNING + timedelta(days=3)
    )
    twin = replace(VISIT, id="a")
    assert sorted([VISIT, earlier, twin], key=lambda visit: visit.order) == [earlier, twin, VISIT]


def test_no_duty_asks_photos_of_what_came_on_paper() -> None:
    assert replace(VISIT, entry=Entry.PAPER).fact().photos is None
    assert replace(VISIT, entry=Entry.HANDED_IN, photos=2).fact().photos == 2


@pytest.mark.parametrize(
    ("given", "examined"),
    [
        ({}, True),
        ({"held": True}, True),
        ({"entry": Entry.HANDED_IN}, True),
        ({"decided": True}, False),
        ({"imported": True}, False),
        ({"entry": Entry.PAPER}, False),
    ],
)
def test_findings_follow_the_facts_until_a_person_decides(given: dict[str, Any], examined: bool) -> None:
    assert replace(VISIT, **given).is_examined is examined


def test_the_engine_sees_a_visit_with_its_photos_and_an_imported_one_without() -> None:
    assert VISIT.fact() == VisitFact("b", "d2", "visit", d("11-20"), "confirmed", 2)
    assert replace(VISIT, imported=True).fact().photos is None


@pytest.mark.parametrize(
    ("changes", "missing"),
    [({}, True), ({"received_at": MORNING}, False), ({"withdrawn_at": MORNING}, False)],
)
def test_a_photo_is_awaited_until_it_comes_or_is_withdrawn(changes: dict[str, Any], missing: bool) -> None:
    assert VisitPhoto("aa", 1, True, MORNING, **changes).missing is missing


@pytest.mark.parametrize(
    ("unreadable", "received_at", "found"),
    [(True, MORNING, True), (True, None, False), (False, MORNING, False), (False, None, False)],
)
def test_a_photo_is_found_unreadable_only_once_it_has_come(
    unreadable: bool, received_at: datetime | None, found: bool
) -> None:
    photo = VisitPhoto("aa", 1, True, MORNING, received_at=received_at, unreadable=unreadable)
    assert photo.found_unreadable is found


def test_the_same_addition_has_the_same_digest_and_no_other_has() -> None:
    addition = Addition(("aa",), ("bb",), "note")
    assert addition.digest() == Addition(("aa",), ("bb",), "note").digest()
    others = [Addition(("bb",), ("aa",), "note"), Addition(("aa",), ("bb",)), Addition(("aa", "bb"), (), "note")]
    assert addition.digest() not in [other.digest() for other in others]
