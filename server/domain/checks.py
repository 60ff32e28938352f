"""Is this visit real? Facts about a check-in in, findings and a status out (docs/checks.md).

No finding proves a trick. A check fails only where the person on the spot can still put it right; everything else that
looks odd is a warning, and a person decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from server.domain.duties import Activity


class Outcome(StrEnum):
    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


class VisitStatus(StrEnum):
    INCOMPLETE = "incomplete"
    CONFIRMED = "confirmed"
    REVIEW = "review"
    RETURNED = "returned"
    REJECTED = "rejected"


PHOTOS_NEEDED: Mapping[str, int] = {Activity.VISIT: 1, Activity.STUDY: 1, Activity.OFFICE: 1, Activity.OTHER: 0}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the checks; the defaults are those of docs/checks.md."""

    accuracy_m: float = 100
    place_accuracy_m: float = 200  # of a fix's accuracy, this much at most is granted at the fence
    place_near: float = 2  # times the radius
    clock_ahead_s: float = 5 * 60
    clock_old_s: float = 72 * 3600
    clock_skew_s: float = 10 * 60
    photo_place_m: float = 500
    photo_before_s: float = 2 * 3600
    photo_after_s: float = 15 * 60
    near_copy_percent: int = 93  # of agreement in fine detail
    speed_kmh: float = 150
    on_the_spot_s: float = 15 * 60  # after this a failure can no longer be put right
    promise_days: int = 7  # for promised photos
    photos_needed: Mapping[str, int] = field(default_factory=lambda: dict(PHOTOS_NEEDED))  # by activity


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `value` and `limit` in metres, seconds, km/h or counts, `reason` names the sentence.

    `others` are earlier visits that share a picture: for reviewers' eyes only.
    """

    check: str
    outcome: Outcome
    reason: str = ""
    value: float | None = None
    limit: float | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhotoFact:
    """A photo that has arrived: how far its own GPS tag lies from the point (metres), and its own time."""

    away_m: float | None = None
    taken_at: datetime | None = None
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Previous:
    """The person's previous check-in that was not rejected, seen from this one: metres, seconds, metres."""

    away_m: float
    seconds: float
    accuracy_m: float | None


@dataclass(frozen=True, slots=True)
class CheckInFacts:
    """Everything the checks look at; distances in metres, instants in UTC."""

    activity: str
    captured_at: datetime  # as the phone wrote it
    occurred_at: datetime  # captured_at less the phone's known skew
    received_at: datetime
    radius_m: float
    covered: bool  # a posting in force that day covers the place
    announced: int  # photos, less the withdrawn ones
    announced_in_time: int  # readable, also of those withdrawn since: announced while it could be put right
    missing: int  # announced, not withdrawn, not yet here
    skew_s: float = 0
    mock: bool = False
    has_position: bool = True
    accuracy_m: float | None = None
    away_m: float | None = None  # from the place; none if either position is unknown
    away_as_gcj02_m: float | None = None  # the same, had the phone sent GCJ-02 without saying so
    gives_gcj02: bool = False  # this person's phone is known to do just that
    photos: Sequence[PhotoFact] = ()
    copies: Sequence[str] = ()  # earlier visits with exactly one of these pictures
    near_copies: Sequence[str] = ()  # earlier visits with nearly one of them
    previous: Previous | None = None


def examine(facts: CheckInFacts, limits: Limits) -> tuple[Finding, ...]:
    """Every check's finding, in the order of docs/checks.md.

    A failure on a check-in received more than 15 minutes after its capture is written as a warning: nobody can act on
    it any more.
    """
    found = (
        _place(facts, limits),
        _accuracy(facts, limits),
        _posting(facts),
        _clock(facts, limits),
        _photos(facts, limits),
        _photo_place(facts, limits),
        _photo_time(facts, limits),
        _photo_reuse(facts),
        _speed(facts, limits),
        _mock(facts),
    )
    late = facts.received_at - facts.occurred_at > timedelta(seconds=limits.on_the_spot_s)
    if not late:
        return found
    return tuple(
        Finding(f.check, Outcome.WARN, f.reason, f.value, f.limit, f.others) if f.outcome is Outcome.FAIL else f
        for f in found
    )


def status(findings: Sequence[Finding], facts: CheckInFacts, now: datetime, limits: Limits) -> VisitStatus:
    """What the findings make of a visit that no person has decided: the first rule that applies."""
    outcomes = {finding.outcome for finding in findings}
    if Outcome.FAIL in outcomes:
        return VisitStatus.REJECTED
    if facts.missing:
        overdue = now - facts.received_at > timedelta(days=limits.promise_days)
        return VisitStatus.REVIEW if overdue else VisitStatus.INCOMPLETE
    return VisitStatus.REVIEW if Outcome.WARN in outcomes else VisitStatus.CONFIRMED


def _place(facts: CheckInFacts, limits: Limits) -> Finding:
    radius, away = facts.radius_m, facts.away_m
    if not facts.has_position:
        return Finding("place", Outcome.WARN, "no-position", None, radius)
    if away is None:
        return Finding("place", Outcome.WARN, "unknown-place", None, radius)
    if away <= radius:
        return Finding("place", Outcome.PASS, "", away, radius)
    if facts.away_as_gcj02_m is not None and facts.away_as_gcj02_m <= radius:
        if facts.gives_gcj02:
            return Finding("place", Outcome.PASS, "read-as-gcj02", facts.away_as_gcj02_m, radius)
        return Finding("place", Outcome.WARN, "gcj02", away, radius)
    granted = min(facts.accuracy_m or 0, limits.place_accuracy_m)
    if away <= radius + granted or away <= limits.place_near * radius:
        return Finding("place", Outcome.WARN, "near", away, radius)
    return Finding("place", Outcome.FAIL, "beyond", away, radius)


def _accuracy(facts: CheckInFacts, limits: Limits) -> Finding:
    if facts.accuracy_m is None:
        return Finding("accuracy", Outcome.WARN, "not-given", None, limits.accuracy_m)
    outcome = Outcome.PASS if facts.accuracy_m <= limits.accuracy_m else Outcome.WARN
    return Finding("accuracy", outcome, "", facts.accuracy_m, limits.accuracy_m)


def _posting(facts: CheckInFacts) -> Finding:
    return Finding("posting", Outcome.PASS if facts.covered else Outcome.FAIL)


def _clock(facts: CheckInFacts, limits: Limits) -> Finding:
    age = (facts.received_at - facts.occurred_at).total_seconds()
    if -age > limits.clock_ahead_s:
        return Finding("clock", Outcome.FAIL, "future", age, -limits.clock_ahead_s)
    if age > limits.clock_old_s:
        return Finding("clock", Outcome.WARN, "old", age, limits.clock_old_s)
    if abs(facts.skew_s) >= limits.clock_skew_s:
        return Finding("clock", Outcome.WARN, "skew", facts.skew_s, limits.clock_skew_s)
    return Finding("clock", Outcome.PASS, "", age, limits.clock_old_s)


def _photos(facts: CheckInFacts, limits: Limits) -> Finding:
    needed = limits.photos_needed[facts.activity]
    if facts.announced < needed:
        return Finding("photos", Outcome.FAIL, "too-few", facts.announced, needed)
    readable = facts.announced - sum(photo.unreadable for photo in facts.photos)
    if readable < needed:
        # Found out when the person has long gone on: nobody can be told on the spot any more.
        return Finding("photos", Outcome.WARN, "unreadable", readable, needed)
    if facts.announced_in_time < needed:
        # Added when nobody stood there any more: evidence for a person to look at, not a pass.
        return Finding("photos", Outcome.WARN, "added-late", readable, needed)
    return Finding("photos", Outcome.PASS, "", readable, needed)


def _photo_place(facts: CheckInFacts, limits: Limits) -> Finding:
    limit = limits.photo_place_m + (facts.accuracy_m or 0)
    tagged = [photo.away_m for photo in facts.photos if photo.away_m is not None]
    if not tagged:
        return Finding("photo-place", Outcome.PASS, "no-tag", None, limit)
    worst = max(tagged)
    return Finding("photo-place", Outcome.PASS if worst <= limit else Outcome.WARN, "", worst, limit)


def _photo_time(facts: CheckInFacts, limits: Limits) -> Finding:
    # The photo's clock and the check-in's are the same phone's: compared as written, before any skew is taken off.
    offsets = [(photo.taken_at - facts.captured_at).total_seconds() for photo in facts.photos if photo.taken_at]
    if not offsets:
        return Finding("photo-time", Outcome.PASS, "no-tag", None, -limits.photo_before_s)
    worst = max(offsets, key=lambda s: max(-s - limits.photo_before_s, s - limits.photo_after_s))
    limit = limits.photo_after_s if worst > 0 else -limits.photo_before_s
    inside = -limits.photo_before_s <= worst <= limits.photo_after_s
    return Finding("photo-time", Outcome.PASS if inside else Outcome.WARN, "", worst, limit)


def _photo_reuse(facts: CheckInFacts) -> Finding:
    if facts.copies:
        return Finding("photo-reuse", Outcome.WARN, "copy", len(facts.copies), 0, tuple(facts.copies))
    if facts.near_copies:
        return Finding("photo-reuse", Outcome.WARN, "near-copy", len(facts.near_copies), 0, tuple(facts.near_copies))
    return Finding("photo-reuse", Outcome.PASS, "", 0, 0)


def _speed(facts: CheckInFacts, limits: Limits) -> Finding:
    previous = facts.previous
    if previous is None:
        return Finding("speed", Outcome.PASS, "no-previous", None, limits.speed_kmh)
    left_m = max(0.0, previous.away_m - (facts.accuracy_m or 0) - (previous.accuracy_m or 0))
    if previous.seconds <= 0:
        # With no time between there is no speed: any distance left is too far.
        return Finding("speed", Outcome.WARN if left_m > 0 else Outcome.PASS, "same-time", left_m, 0)
    kmh = left_m / previous.seconds * 3.6
    return Finding("speed", Outcome.PASS if kmh <= limits.speed_kmh else Outcome.WARN, "", kmh, limits.speed_kmh)


def _mock(facts: CheckInFacts) -> Finding:
    return Finding("mock", Outcome.WARN if facts.mock else Outcome.PASS)
