"""What people decide on a visit, who may not, when it is too late, and what is open to its person afterwards."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from server.domain import problems
from server.domain.checkins import Visit
from server.domain.checks import Finding, Outcome, VisitStatus
from server.domain.decisions import (
    NOTHING,
    Appeal,
    Decision,
    Record,
    Ruling,
    barred,
    decided,
    overtaken,
    reopened,
    rulings,
    senders,
    takes_additions,
    unappealable,
)
from server.domain.problems import Kind
from tests.domain.county import d

MORNING = datetime.fromisoformat("2018-11-20T09:31:05+08:00")
DAYS = 7
VISIT = Visit(
    id="a", person="owner", place="d2", asked_place=None, path="/C/T/D/d2/", activity="visit", captured_at=MORNING,
    occurred_at=MORNING, day=d("11-20"), received_at=MORNING, latitude=37.8, longitude=117.0, accuracy_m=12,
    crs="wgs84", raw_latitude=37.8, raw_longitude=117.0, functions=(), note="", device={}, skew_s=0, content=b"",
    photos=1, status=VisitStatus.REVIEW, version=4,
)  # fmt: skip
REJECTED = replace(VISIT, status=VisitStatus.REJECTED)
APPEAL = Appeal("村委会搬到了这里", MORNING)
UNREADABLE = Finding("photos", Outcome.WARN, "unreadable", 0, 1)


def said(ruling: Ruling, by: str = "first", *, on_appeal: bool = False, days: float = 0) -> Decision:
    """A decision, so many days after the visit arrived."""
    return Decision(ruling, "已核实", by, MORNING + timedelta(days=days), 2, on_appeal)


@pytest.mark.parametrize(
    ("ruling", "status"),
    [
        (Ruling.CONFIRM, VisitStatus.CONFIRMED),
        (Ruling.REJECT, VisitStatus.REJECTED),
        (Ruling.RETURN, VisitStatus.RETURNED),
    ],
)
@pytest.mark.parametrize("held", [False, True])
def test_a_decision_settles_the_status_and_makes_a_new_version(ruling: Ruling, status: VisitStatus, held: bool) -> None:
    before = replace(VISIT, held=held)
    assert decided(before, ruling) == replace(VISIT, status=status, decided=True, held=False, version=5)


@pytest.mark.parametrize("ruling", list(Ruling))
def test_a_reopened_visit_waits_for_a_person_with_the_version_it_has(ruling: Ruling) -> None:
    again = reopened(decided(VISIT, ruling))
    assert again == replace(VISIT, status=VisitStatus.REVIEW, decided=False, held=True, version=5)


# Who may not


@pytest.mark.parametrize(
    ("decisions", "appeal", "rejecters"),
    [
        pytest.param([], None, set(), id="nothing said"),
        pytest.param([said(Ruling.REJECT)], None, set(), id="not appealed"),
        pytest.param([], APPEAL, set(), id="rejected by the checks"),
        pytest.param([said(Ruling.REJECT)], APPEAL, {"first"}, id="rejected by a reviewer"),
        pytest.param([said(Ruling.RETURN), said(Ruling.CONFIRM)], APPEAL, set(), id="returned and confirmed"),
        pytest.param(
            [said(Ruling.REJECT), said(Ruling.CONFIRM, "second"), said(Ruling.REJECT, "third")],
            APPEAL, {"first", "third"}, id="rejected by two of three",
        ),
        pytest.param(
            [said(Ruling.REJECT), said(Ruling.REJECT, "second", on_appeal=True)],
            APPEAL, {"first"}, id="rejected again on appeal",
        ),
    ],
)  # fmt: skip
def test_whoever_was_appealed_against_has_rejected_before_the_appeal(
    decisions: list[Decision], appeal: Appeal | None, rejecters: set[str]
) -> None:
    assert Record(tuple(decisions), appeal).rejecters == rejecters


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("owner", problems.OWN_VISIT),
        ("clerk", problems.OWN_ENTRY),
        ("first", problems.OWN_DECISION),
        ("second", None),
    ],
)
def test_nobody_decides_on_what_is_in_some_way_their_own(person: str, why: Kind | None) -> None:
    record = Record((said(Ruling.REJECT), said(Ruling.REJECT, "second", on_appeal=True)), APPEAL)
    assert barred(person, replace(VISIT, entered_by="clerk"), record) is why


def test_who_entered_their_own_visit_is_told_that_it_is_their_own() -> None:
    assert barred("owner", replace(VISIT, entered_by="owner"), NOTHING) is problems.OWN_VISIT


def test_without_an_appeal_a_reviewer_may_think_again() -> None:
    assert barred("first", REJECTED, Record((said(Ruling.REJECT),))) is None


@pytest.mark.parametrize(
    ("is_decided", "if_match", "why"),
    [
        pytest.param(False, None, None, id="the first decision"),
        pytest.param(True, None, problems.ALREADY_DECIDED, id="a second that names no version"),
        pytest.param(True, {4}, None, id="a second that names the version"),
        pytest.param(True, {99, 4}, None, id="one of several versions"),
        pytest.param(True, {3}, problems.STALE, id="a second that names an older one"),
        pytest.param(False, {3}, problems.STALE, id="the first, of what is no longer so"),
        pytest.param(False, {4}, None, id="the first that names the version"),
        pytest.param(True, set(), problems.STALE, id="versions that nothing can have"),
    ],
)
def test_what_is_decided_is_decided_anew_only_by_who_names_its_version(
    is_decided: bool, if_match: Collection[int] | None, why: Kind | None
) -> None:
    assert overtaken(replace(VISIT, decided=is_decided), if_match) is why


# What its person can still do


@pytest.mark.parametrize(
    ("status", "appeal", "why"),
    [
        (VisitStatus.REJECTED, None, None),
        (VisitStatus.REJECTED, APPEAL, problems.ALREADY_APPEALED),
        (VisitStatus.REVIEW, APPEAL, problems.ALREADY_APPEALED),
        (VisitStatus.INCOMPLETE, None, problems.NOT_REJECTED),
        (VisitStatus.CONFIRMED, None, problems.NOT_REJECTED),
        (VisitStatus.REVIEW, None, problems.NOT_REJECTED),
        (VisitStatus.RETURNED, None, problems.NOT_REJECTED),
    ],
)
def test_only_a_rejection_is_appealed_and_only_once(
    status: VisitStatus, appeal: Appeal | None, why: Kind | None
) -> None:
    assert unappealable(replace(VISIT, status=status), Record((), appeal), None, MORNING, DAYS) is why


@pytest.mark.parametrize(
    ("is_decided", "decisions", "rejected_later", "since"),
    [
        pytest.param(False, [], None, 0, id="rejected on arrival"),
        pytest.param(False, [], 3, 3, id="rejected by the checks later"),
        pytest.param(True, [said(Ruling.REJECT, days=5)], None, 5, id="rejected by a reviewer"),
        pytest.param(True, [said(Ruling.REJECT, days=5)], 3, 5, id="by the checks and then a reviewer"),
        pytest.param(
            True, [said(Ruling.CONFIRM, days=2), said(Ruling.REJECT, days=6)], None, 6, id="by a second reviewer",
        ),
        pytest.param(False, [said(Ruling.RETURN, days=5)], 8, 8, id="returned, completed, rejected by the checks"),
        pytest.param(True, [], 3, 3, id="decided, and nobody knows by whom"),
    ],
)  # fmt: skip
def test_the_days_count_from_the_last_rejection_and_the_last_instant_is_in_time(
    is_decided: bool, decisions: list[Decision], rejected_later: int | None, since: int
) -> None:
    visit, record = replace(REJECTED, decided=is_decided), Record(tuple(decisions))
    later = None if rejected_later is None else MORNING + timedelta(days=rejected_later)
    last = MORNING + timedelta(days=since + DAYS)
    assert unappealable(visit, record, later, last, DAYS) is None
    assert unappealable(visit, record, later, last + timedelta(microseconds=1), DAYS) is problems.APPEAL_TOO_LATE


@pytest.mark.parametrize(
    ("given", "appeal", "taken"),
    [
        pytest.param({"status": VisitStatus.INCOMPLETE}, None, True, id="incomplete"),
        pytest.param({"status": VisitStatus.RETURNED, "decided": True}, None, True, id="returned"),
        pytest.param({"status": VisitStatus.RETURNED, "decided": True}, APPEAL, True, id="returned on appeal"),
        pytest.param({"status": VisitStatus.REJECTED}, None, True, id="rejected"),
        pytest.param({"status": VisitStatus.REJECTED, "decided": True}, APPEAL, False, id="rejected on appeal"),
        pytest.param({"status": VisitStatus.CONFIRMED}, None, False, id="confirmed"),
        pytest.param({}, None, False, id="waiting, and nothing found"),
        pytest.param({"findings": (UNREADABLE,)}, None, True, id="waiting, with photos nobody can open"),
        pytest.param(
            {"findings": (Finding("place", Outcome.WARN), UNREADABLE)}, None, True, id="waiting for that and more",
        ),
        pytest.param(
            {"findings": (replace(UNREADABLE, reason="missing"),)}, None, False, id="waiting, with too few photos",
        ),
        pytest.param(
            {"findings": (replace(UNREADABLE, check="photo-place"),)}, None, False, id="waiting for another check",
        ),
        pytest.param({"findings": (UNREADABLE,), "decided": True}, None, False, id="in review by a decision"),
        pytest.param({"status": VisitStatus.INCOMPLETE, "imported": True}, None, False, id="incomplete in a file"),
        pytest.param({"findings": (UNREADABLE,), "imported": True}, None, False, id="waiting from a file"),
    ],
)  # fmt: skip
def test_evidence_is_added_while_the_person_can_still_change_the_outcome(
    given: dict[str, Any], appeal: Appeal | None, taken: bool
) -> None:
    assert takes_additions(replace(VISIT, **given), Record((), appeal)) is taken


def test_a_record_from_a_file_is_not_returned_for_more() -> None:
    assert rulings(VISIT) == [Ruling.CONFIRM, Ruling.REJECT, Ruling.RETURN]
    assert rulings(replace(VISIT, imported=True)) == [Ruling.CONFIRM, Ruling.REJECT]


@pytest.mark.parametrize(
    ("entered_by", "who"),
    [(None, {"owner"}), ("owner", {"owner"}), ("clerk", {"owner", "clerk"})],
)
def test_pictures_are_sent_by_the_visits_person_and_who_entered_it(entered_by: str | None, who: set[str]) -> None:
    assert senders(replace(VISIT, entered_by=entered_by)) == who
