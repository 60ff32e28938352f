"""Every row of the table of docs/checks.md, both sides of each limit, and the statuses that follow."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.checks import (
    CheckInFacts,
    Finding,
    Limits,
    Outcome,
    PhotoFact,
    Previous,
    VisitStatus,
    examine,
    status,
)
from tests.domain.effort import effort

PASS, WARN, FAIL = Outcome.PASS, Outcome.WARN, Outcome.FAIL
LIMITS = Limits()
NOON = datetime(2018, 11, 20, 4, tzinfo=UTC)

# An envoy in the village, with a good fix and one photo, received at once.
GOOD = CheckInFacts(
    activity="visit",
    captured_at=NOON,
    occurred_at=NOON,
    received_at=NOON,
    radius_m=500,
    covered=True,
    announced=1,
    announced_in_time=1,
    missing=0,
    accuracy_m=12,
    away_m=30,
)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def found(check: str, limits: Limits = LIMITS, **facts: Any) -> Finding:
    """The finding of one check on the good check-in with some facts changed."""
    (finding,) = [f for f in examine(replace(GOOD, **facts), limits) if f.check == check]
    return finding


def test_a_good_check_in_passes_every_check_in_the_order_of_the_table() -> None:
    findings = examine(GOOD, LIMITS)
    assert [finding.check for finding in findings] == [
        "place", "accuracy", "posting", "clock", "photos", "photo-place", "photo-time", "photo-reuse", "speed", "mock"
    ]  # fmt: skip
    assert {finding.outcome for finding in findings} == {PASS}
    assert status(findings, GOOD, NOON, LIMITS) is VisitStatus.CONFIRMED


@pytest.mark.parametrize(
    ("facts", "outcome", "reason"),
    [
        pytest.param({"away_m": 0}, PASS, "", id="inside the polygon"),
        pytest.param({"away_m": 500}, PASS, "", id="at the radius"),
        pytest.param({"away_m": 500.1}, WARN, "near", id="just beyond the radius"),
        pytest.param({"away_m": 1000, "accuracy_m": 0}, WARN, "near", id="at twice the radius"),
        pytest.param({"away_m": 1000.1, "accuracy_m": 12}, FAIL, "beyond", id="beyond twice the radius"),
        pytest.param({"away_m": 300, "radius_m": 200, "accuracy_m": 100}, WARN, "near", id="within the accuracy"),
        pytest.param({"away_m": 150, "radius_m": 50, "accuracy_m": 100}, WARN, "near", id="at radius and accuracy"),
        pytest.param({"away_m": 150.1, "radius_m": 50, "accuracy_m": 100}, FAIL, "beyond", id="beyond the accuracy"),
        pytest.param({"away_m": 250, "radius_m": 50, "accuracy_m": 9000}, WARN, "near", id="200 m of a bad accuracy"),
        pytest.param({"away_m": 250.1, "radius_m": 50, "accuracy_m": 9000}, FAIL, "beyond", id="no more than 200 m"),
        pytest.param({"away_m": 150, "radius_m": 50, "accuracy_m": None}, FAIL, "beyond", id="no accuracy grants none"),
        pytest.param({"has_position": False, "away_m": None}, WARN, "no-position", id="no position given"),
        pytest.param({"away_m": None}, WARN, "unknown-place", id="the place has no position yet"),
        pytest.param({"away_m": 1500, "away_as_gcj02_m": 500}, WARN, "gcj02", id="would pass read as GCJ-02"),
        pytest.param({"away_m": 1500, "away_as_gcj02_m": 500.1}, FAIL, "beyond", id="would not quite, as GCJ-02"),
        pytest.param({"away_m": 900, "away_as_gcj02_m": 10}, WARN, "gcj02", id="near, but right as GCJ-02"),
        pytest.param({"away_m": 900, "away_as_gcj02_m": 501}, WARN, "near", id="near, and no better as GCJ-02"),
        pytest.param(
            {"away_m": 1500, "away_as_gcj02_m": 9, "gives_gcj02": True},
            PASS,
            "read-as-gcj02",
            id="known to give GCJ-02",
        ),
        pytest.param(
            {"away_m": 1500, "away_as_gcj02_m": 501, "gives_gcj02": True}, FAIL, "beyond", id="known, but elsewhere"
        ),
        pytest.param({"away_m": 10, "away_as_gcj02_m": 540, "gives_gcj02": True}, PASS, "", id="known, but right now"),
        pytest.param({"away_m": 400, "away_as_gcj02_m": 9000}, PASS, "", id="nor does a pass"),
        pytest.param({"away_m": float("nan")}, FAIL, "beyond", id="nonsense is nowhere near"),
    ],
)
def test_place(facts: dict[str, Any], outcome: Outcome, reason: str) -> None:
    finding = found("place", **facts)
    assert (finding.outcome, finding.reason) == (outcome, reason)
    assert finding.limit == facts.get("radius_m", 500)
    shown = "away_as_gcj02_m" if reason == "read-as-gcj02" else "away_m"
    assert finding.value is facts.get(shown, GOOD.away_m)


@pytest.mark.parametrize(
    ("accuracy", "outcome", "reason"),
    [(100, PASS, ""), (100.1, WARN, ""), (0, PASS, ""), (None, WARN, "not-given")],
)
def test_accuracy(accuracy: float | None, outcome: Outcome, reason: str) -> None:
    assert found("accuracy", accuracy_m=accuracy) == Finding("accuracy", outcome, reason, accuracy, 100)


@pytest.mark.parametrize(("covered", "outcome"), [(True, PASS), (False, FAIL)])
def test_posting(covered: bool, outcome: Outcome) -> None:
    assert found("posting", covered=covered) == Finding("posting", outcome)


@pytest.mark.parametrize(
    ("age", "skew", "outcome", "reason", "value", "limit"),
    [
        pytest.param(0, 0, PASS, "", 0, 72 * 3600, id="now"),
        pytest.param(-300, 0, PASS, "", -300, 72 * 3600, id="five minutes in the future"),
        pytest.param(-301, 0, FAIL, "future", -301, -300, id="more than five minutes in the future"),
        pytest.param(72 * 3600, 0, PASS, "", 72 * 3600, 72 * 3600, id="72 hours old"),
        pytest.param(72 * 3600 + 1, 0, WARN, "old", 72 * 3600 + 1, 72 * 3600, id="older than 72 hours"),
        pytest.param(4, 599, PASS, "", 4, 72 * 3600, id="a skew under ten minutes"),
        pytest.param(4, 600, WARN, "skew", 600, 600, id="a skew of ten minutes, corrected"),
        pytest.param(4, -599, PASS, "", 4, 72 * 3600, id="slow by less than ten minutes"),
        pytest.param(4, -600, WARN, "skew", -600, 600, id="slow by ten minutes, corrected"),
        pytest.param(-301, 900, FAIL, "future", -301, -300, id="the future comes first"),
        pytest.param(72 * 3600 + 1, 900, WARN, "old", 72 * 3600 + 1, 72 * 3600, id="then age"),
    ],
)
def test_clock(age: float, skew: float, outcome: Outcome, reason: str, value: float, limit: float) -> None:
    finding = found("clock", received_at=NOON, occurred_at=NOON - seconds(age), skew_s=skew)
    assert finding == Finding("clock", outcome, reason, value, limit)


@pytest.mark.parametrize(
    ("activity", "announced", "in_time", "outcome", "reason"),
    [
        pytest.param("visit", 1, 1, PASS, "", id="a visit with one"),
        pytest.param("study", 1, 1, PASS, "", id="a study meeting with one"),
        pytest.param("office", 1, 1, PASS, "", id="an office day with one"),
        pytest.param("visit", 0, 0, FAIL, "too-few", id="a visit without"),
        pytest.param("study", 0, 0, FAIL, "too-few", id="a study meeting without"),
        pytest.param("office", 0, 0, FAIL, "too-few", id="an office day without"),
        pytest.param("other", 0, 0, PASS, "", id="anything else needs none"),
        pytest.param("other", 2, 2, PASS, "", id="but may have some"),
        pytest.param("visit", 1, 0, WARN, "added-late", id="added when nobody stood there any more"),
        pytest.param("visit", 0, 1, FAIL, "too-few", id="announced in time and withdrawn"),
        pytest.param("other", 1, 0, PASS, "", id="what needs none may be added late"),
    ],
)
def test_photos(activity: str, announced: int, in_time: int, outcome: Outcome, reason: str) -> None:
    finding = found("photos", activity=activity, announced=announced, announced_in_time=in_time)
    assert finding == Finding("photos", outcome, reason, announced, 0 if activity == "other" else 1)


def shot(away_m: float | None = None, after: float | None = None) -> PhotoFact:
    """A photo tagged so far from the point and taken so many seconds after the check-in."""
    return PhotoFact(away_m, None if after is None else NOON + seconds(after))


@pytest.mark.parametrize(
    ("photos", "accuracy", "expected"),
    [
        pytest.param([], 12, (PASS, "no-tag", None, 512), id="no photo"),
        pytest.param([shot()], 12, (PASS, "no-tag", None, 512), id="no tag"),
        pytest.param([shot(512)], 12, (PASS, "", 512, 512), id="at the limit"),
        pytest.param([shot(512.1)], 12, (WARN, "", 512.1, 512), id="beyond it"),
        pytest.param([shot(500)], None, (PASS, "", 500, 500), id="no accuracy grants none"),
        pytest.param([shot(500.1)], None, (WARN, "", 500.1, 500), id="nor beyond it"),
        pytest.param([shot(10), shot(8_000_000), shot()], 12, (WARN, "", 8_000_000, 512), id="the worst of several"),
        pytest.param([shot(0)], 12, (PASS, "", 0, 512), id="a tag on the spot is a tag"),
    ],
)
def test_photo_place(
    photos: list[PhotoFact], accuracy: float | None, expected: tuple[Outcome, str, float | None, float]
) -> None:
    assert found("photo-place", photos=photos, accuracy_m=accuracy) == Finding("photo-place", *expected)


@pytest.mark.parametrize(
    ("announced", "in_time", "unreadable", "expected"),
    [
        pytest.param(1, 0, 1, (WARN, "unreadable", 0, 1), id="the only one"),
        pytest.param(2, 1, 1, (PASS, "", 1, 1), id="one of two"),
        pytest.param(2, 0, 1, (WARN, "added-late", 1, 1), id="another was added late"),
    ],
)
def test_an_unreadable_photo_is_none(
    announced: int, in_time: int, unreadable: int, expected: tuple[Outcome, str, float, float]
) -> None:
    photos = [PhotoFact(unreadable=True)] * unreadable
    facts = {"announced": announced, "announced_in_time": in_time, "photos": photos}
    assert found("photos", **facts) == Finding("photos", *expected)


@pytest.mark.parametrize(
    ("photos", "expected"),
    [
        pytest.param([], (PASS, "no-tag", None, -7200), id="no photo"),
        pytest.param([shot()], (PASS, "no-tag", None, -7200), id="no tag"),
        pytest.param([shot(after=0)], (PASS, "", 0, -7200), id="the same second"),
        pytest.param([shot(after=-7200)], (PASS, "", -7200, -7200), id="two hours before"),
        pytest.param([shot(after=-7201)], (WARN, "", -7201, -7200), id="more than two hours before"),
        pytest.param([shot(after=900)], (PASS, "", 900, 900), id="a quarter of an hour after"),
        pytest.param([shot(after=901)], (WARN, "", 901, 900), id="more than a quarter of an hour after"),
        pytest.param([shot(after=10), shot(after=-9000), shot()], (WARN, "", -9000, -7200), id="one of several"),
        pytest.param([shot(after=1000), shot(after=-9000)], (WARN, "", -9000, -7200), id="the worst of two"),
        pytest.param([shot(after=3000), shot(after=-9000)], (WARN, "", 3000, 900), id="the worst is the later one"),
    ],
)
def test_photo_time(photos: list[PhotoFact], expected: tuple[Outcome, str, float | None, float]) -> None:
    assert found("photo-time", photos=photos) == Finding("photo-time", *expected)


def test_a_photos_time_is_compared_with_the_same_phones_clock() -> None:
    fast = {"captured_at": NOON + seconds(8000), "occurred_at": NOON, "skew_s": 8000}
    assert found("photo-time", photos=[shot(after=8000)], **fast).outcome is PASS
    assert found("photo-time", photos=[shot(after=0)], **fast).outcome is WARN


@pytest.mark.parametrize(
    ("copies", "near", "expected"),
    [
        pytest.param([], [], (PASS, "", 0, 0, ()), id="none"),
        pytest.param(["a"], [], (WARN, "copy", 1, 0, ("a",)), id="the same picture"),
        pytest.param([], ["b", "c"], (WARN, "near-copy", 2, 0, ("b", "c")), id="nearly the same"),
        pytest.param(["a"], ["b"], (WARN, "copy", 1, 0, ("a",)), id="the same says more"),
    ],
)
def test_photo_reuse(copies: list[str], near: list[str], expected: tuple[Any, ...]) -> None:
    assert found("photo-reuse", copies=copies, near_copies=near) == Finding("photo-reuse", *expected)


@pytest.mark.parametrize(
    ("previous", "accuracy", "expected"),
    [
        pytest.param(None, 12, (PASS, "no-previous", None, 150), id="no previous one"),
        pytest.param(Previous(150_000, 3600, 0), 0, (PASS, "", 150, 150), id="150 km in an hour"),
        pytest.param(Previous(150_001, 3600, 0), 0, (WARN, "", 150.001, 150), id="a metre more"),
        pytest.param(Previous(150_100, 3600, 60), 40, (PASS, "", 150, 150), id="less both accuracies"),
        pytest.param(Previous(150_101, 3600, 60), 40, (WARN, "", 150.001, 150), id="a metre more than both"),
        pytest.param(Previous(150_001, 3600, None), None, (WARN, "", 150.001, 150), id="no accuracy takes nothing off"),
        pytest.param(Previous(80, 1, 60), 40, (PASS, "", 0, 150), id="never less than nothing"),
        pytest.param(Previous(100, 0, 60), 40, (PASS, "same-time", 0, 0), id="at once, within the accuracies"),
        pytest.param(Previous(101, 0, 60), 40, (WARN, "same-time", 1, 0), id="at once, beyond them"),
    ],
)
def test_speed(previous: Previous | None, accuracy: float | None, expected: tuple[Any, ...]) -> None:
    outcome, reason, value, limit = expected
    finding = found("speed", previous=previous, accuracy_m=accuracy)
    assert (finding.outcome, finding.reason, finding.limit) == (outcome, reason, limit)
    assert finding.value == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(("mock", "outcome"), [(False, PASS), (True, WARN)])
def test_mock(mock: bool, outcome: Outcome) -> None:
    assert found("mock", mock=mock) == Finding("mock", outcome)


FAILING: dict[str, dict[str, Any]] = {
    "place": {"away_m": 3000},
    "posting": {"covered": False},
    "photos": {"announced": 0, "announced_in_time": 0},
}


@pytest.mark.parametrize("check", FAILING)
def test_a_failure_that_nobody_can_act_on_any_more_is_a_warning(check: str) -> None:
    for delay, outcome, then in [(900, FAIL, VisitStatus.REJECTED), (901, WARN, VisitStatus.REVIEW)]:
        facts = replace(GOOD, received_at=NOON + seconds(delay), **FAILING[check])
        findings = {finding.check: finding for finding in examine(facts, LIMITS)}
        assert findings[check].outcome is outcome
        assert status(tuple(findings.values()), facts, NOON, LIMITS) is then
    on_the_spot = found(check, **FAILING[check])
    assert findings[check] == replace(on_the_spot, outcome=WARN), "it says the same, only milder"


def test_late_counts_from_the_corrected_time() -> None:
    facts = {
        "captured_at": NOON + seconds(3000),
        "occurred_at": NOON,
        "received_at": NOON + seconds(901),
        "away_m": 3000,
    }
    assert found("place", **facts).outcome is WARN
    facts |= {"captured_at": NOON - seconds(3000), "received_at": NOON + seconds(900)}
    assert found("place", **facts).outcome is FAIL


def test_lateness_leaves_everything_else_as_it_is() -> None:
    facts = replace(GOOD, mock=True, previous=Previous(9_000_000, 60, 5), copies=["a"])
    late = replace(facts, received_at=NOON + seconds(1200))
    for at_once, afterwards in zip(examine(facts, LIMITS), examine(late, LIMITS), strict=True):
        assert afterwards == (at_once if at_once.check != "clock" else replace(at_once, value=1200))


def test_every_limit_is_a_setting() -> None:
    strict = Limits(
        accuracy_m=10, place_accuracy_m=5, place_near=1, clock_ahead_s=1, clock_old_s=60, clock_skew_s=2,
        photo_place_m=1, photo_before_s=1, photo_after_s=1, speed_kmh=1, on_the_spot_s=30, promise_days=1,
    )  # fmt: skip
    assert found("accuracy", strict).outcome is WARN
    assert found("place", strict, away_m=506).outcome is FAIL
    assert found("place", strict, away_m=505).outcome is WARN
    assert found("clock", strict, received_at=NOON - seconds(2)).outcome is FAIL
    assert found("clock", strict, received_at=NOON + seconds(61)).reason == "old"
    assert found("clock", strict, skew_s=2).reason == "skew"
    assert found("photo-place", strict, photos=[shot(14)]).outcome is WARN
    assert found("photo-time", strict, photos=[shot(after=-2)]).outcome is WARN
    assert found("photo-time", strict, photos=[shot(after=2)]).outcome is WARN
    assert found("speed", strict, previous=Previous(1000, 900, None)).outcome is WARN
    assert found("posting", strict, covered=False, received_at=NOON + seconds(31)).outcome is WARN
    waiting = replace(GOOD, missing=1)
    assert status((), waiting, NOON + timedelta(days=1, seconds=1), strict) is VisitStatus.REVIEW


def some(*outcomes: Outcome) -> list[Finding]:
    return [Finding("place", outcome) for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "missing", "days", "expected"),
    [
        pytest.param((PASS, PASS), 0, 0, VisitStatus.CONFIRMED, id="all pass"),
        pytest.param((PASS, WARN), 0, 0, VisitStatus.REVIEW, id="any warning"),
        pytest.param((PASS, WARN, FAIL), 0, 0, VisitStatus.REJECTED, id="any failure"),
        pytest.param((PASS, FAIL), 1, 0, VisitStatus.REJECTED, id="a failure while photos are on the way"),
        pytest.param((PASS, FAIL), 1, 8, VisitStatus.REJECTED, id="a failure and photos that never came"),
        pytest.param((PASS, PASS), 1, 0, VisitStatus.INCOMPLETE, id="photos on the way"),
        pytest.param((PASS, WARN), 1, 0, VisitStatus.INCOMPLETE, id="photos on the way before a warning"),
        pytest.param((PASS, PASS), 1, 7, VisitStatus.INCOMPLETE, id="for seven days"),
        pytest.param((PASS, PASS), 1, 7.001, VisitStatus.REVIEW, id="and no longer"),
        pytest.param((PASS, PASS), 0, 8, VisitStatus.CONFIRMED, id="photos that came stay so"),
    ],
)
def test_the_first_status_that_applies(
    outcomes: tuple[Outcome, ...], missing: int, days: float, expected: VisitStatus
) -> None:
    facts = replace(GOOD, missing=missing)
    assert status(some(*outcomes), facts, NOON + timedelta(days=days), LIMITS) is expected


METRES = st.one_of(st.none(), st.floats(0, 20_000))
FACTS = st.builds(
    CheckInFacts,
    activity=st.sampled_from(["visit", "study", "office", "other"]),
    captured_at=st.integers(-5000, 5000).map(lambda n: NOON + seconds(n)),
    occurred_at=st.just(NOON),
    received_at=st.integers(-1000, 400_000).map(lambda n: NOON + seconds(n)),
    radius_m=st.sampled_from([300.0, 500.0]),
    covered=st.booleans(),
    announced=st.integers(0, 2),
    announced_in_time=st.integers(0, 2),
    missing=st.integers(0, 2),
    skew_s=st.integers(-5000, 5000),
    mock=st.booleans(),
    has_position=st.booleans(),
    accuracy_m=METRES,
    away_m=METRES,
    away_as_gcj02_m=METRES,
    photos=st.lists(st.builds(shot, METRES, st.one_of(st.none(), st.integers(-9000, 9000))), max_size=3),
    copies=st.lists(st.sampled_from("ab"), max_size=1),
    near_copies=st.lists(st.sampled_from("cd"), max_size=1),
    previous=st.one_of(st.none(), st.builds(Previous, st.floats(0, 99_999), st.integers(-60, 9000), METRES)),
)


@effort(150)
@given(FACTS)
def test_only_what_a_person_on_the_spot_can_correct_ever_fails(facts: CheckInFacts) -> None:
    findings = examine(facts, LIMITS)
    assert len({finding.check for finding in findings}) == 10
    failed = {finding.check for finding in findings if finding.outcome is FAIL}
    assert failed <= {"place", "posting", "photos", "clock"}
    if facts.received_at - facts.occurred_at > seconds(900):
        assert not failed
    assert (status(findings, facts, facts.received_at, LIMITS) is VisitStatus.REJECTED) == bool(failed)


@effort(150)
@given(FACTS, st.floats(0, 1))
def test_being_nearer_never_makes_the_place_worse(facts: CheckInFacts, share: float) -> None:
    severity = [PASS, WARN, FAIL]
    near = replace(facts, away_m=None if facts.away_m is None else facts.away_m * share)
    outcomes = [next(f for f in examine(each, LIMITS) if f.check == "place").outcome for each in (near, facts)]
    assert severity.index(outcomes[0]) <= severity.index(outcomes[1])


@effort(100)
@given(FACTS)
def test_the_same_facts_are_always_found_the_same(facts: CheckInFacts) -> None:
    assert examine(facts, LIMITS) == examine(replace(facts), LIMITS)
    backwards = replace(facts, photos=facts.photos[::-1])
    assert {(f.check, f.outcome) for f in examine(backwards, LIMITS)} == {
        (f.check, f.outcome) for f in examine(facts, LIMITS)
    }
