"""What people are told without asking, and when a village is at risk of going unvisited."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from server.domain.engine import Verdict


class NoticeKind(StrEnum):
    """What a notice tells of; the first ten concern one's own duties, the rest an office's work."""

    VISIT_RETURNED = "visit-returned"
    VISIT_REJECTED = "visit-rejected"
    VISIT_CONFIRMED = "visit-confirmed"
    VISIT_REOPENED = "visit-reopened"
    APPEAL_DECIDED = "appeal-decided"
    DUE_TOMORROW = "due-tomorrow"
    GRACE_ENDING = "grace-ending"
    LEAVE_DECIDED = "leave-decided"
    PROPOSAL_DECIDED = "proposal-decided"
    EXCUSE_DECIDED = "excuse-decided"
    QUEUE_OLD = "queue-old"
    VILLAGES_AT_RISK = "villages-at-risk"
    APPEALS_WAITING = "appeals-waiting"
    LEAVE_WAITING = "leave-waiting"
    PROPOSALS_WAITING = "proposals-waiting"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person is told once: the same `kind` and `subject` are never told twice.

    `detail` says what the sentence is made of: codes, days and numbers, nothing personal.
    """

    person: str
    kind: NoticeKind
    subject: str
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WeeklyVisit:
    """A weekly obligation that any day of the week can meet."""

    place: str
    path: str
    person: str
    verdict: Verdict


def at_risk(owed: Iterable[WeeklyVisit]) -> list[WeeklyVisit]:
    """The open obligations of places that nobody has visited, or has asked to have a visit counted for, this week.

    A village with two envoys is visited once one of them was there; the other's own duty is another matter.
    """
    by_place: dict[str, list[WeeklyVisit]] = defaultdict(list)
    for one in owed:
        by_place[one.place].append(one)
    visited = frozenset({Verdict.MET, Verdict.PENDING})
    return [
        one
        for place in sorted(by_place)
        if not any(other.verdict in visited for other in by_place[place])
        for one in sorted(by_place[place], key=lambda one: one.person)
        if one.verdict is Verdict.OPEN
    ]
