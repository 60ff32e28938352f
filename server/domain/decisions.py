"""What people decide on visits: confirm, reject, return for more; and the one appeal a rejected visit's person has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from server.domain import problems
from server.domain.checkins import Visit
from server.domain.checks import VisitStatus
from server.domain.problems import Kind


class Ruling(StrEnum):
    """What a reviewer can say of a visit."""

    CONFIRM = "confirm"
    REJECT = "reject"
    RETURN = "return"


STATUS_AFTER: Mapping[Ruling, VisitStatus] = {
    Ruling.CONFIRM: VisitStatus.CONFIRMED,
    Ruling.REJECT: VisitStatus.REJECTED,
    Ruling.RETURN: VisitStatus.RETURNED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, never changed; `version` is of the visit it made, `on_appeal` if the visit had been appealed."""

    ruling: Ruling
    reason: str
    by: str
    at: datetime
    version: int
    on_appeal: bool = False


@dataclass(frozen=True, slots=True)
class Appeal:
    """What the person says against a rejection; without `decided_at` it waits."""

    reason: str
    at: datetime
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What people have said on a visit so far, oldest first."""

    decisions: tuple[Decision, ...] = ()
    appeal: Appeal | None = None

    @property
    def rejecters(self) -> frozenset[str]:
        """Whoever rejected the visit before it was appealed: none of them decides on it afterwards."""
        if self.appeal is None:
            return frozenset()
        return frozenset(d.by for d in self.decisions if d.ruling is Ruling.REJECT and not d.on_appeal)


NOTHING = Record()


def decided(visit: Visit, ruling: Ruling) -> Visit:
    """The visit as a decision leaves it: the checks set its status no more."""
    return replace(visit, status=STATUS_AFTER[ruling], decided=True, held=False, version=visit.version + 1)


def reopened(visit: Visit) -> Visit:
    """The visit once it has been appealed, or completed after it was returned: it waits for a person."""
    return replace(visit, status=VisitStatus.REVIEW, decided=False, held=True)


def barred(person: str, visit: Visit, record: Record) -> Kind | None:
    """Why a person may not decide on the visit, whatever grants they hold: it is in some way their own."""
    if person == visit.person:
        return problems.OWN_VISIT
    if person == visit.entered_by:
        return problems.OWN_ENTRY
    if person in record.rejecters:
        return problems.OWN_DECISION
    return None


def overtaken(visit: Visit, if_match: Collection[int] | None) -> Kind | None:
    """Why a decision comes too late: what a person has decided is decided anew only by who names its version."""
    if if_match is not None:
        return None if visit.version in if_match else problems.STALE
    return problems.ALREADY_DECIDED if visit.decided else None


def unappealable(
    visit: Visit, record: Record, rejected_later: datetime | None, now: datetime, days: int
) -> Kind | None:
    """Why the visit's person cannot appeal: not rejected, appealed before, or more than so many days ago.

    The days count from the last decision, or else from when the checks rejected the visit: on arrival, or later.
    """
    if record.appeal is not None:
        return problems.ALREADY_APPEALED
    if visit.status is not VisitStatus.REJECTED:
        return problems.NOT_REJECTED
    since = rejected_later or visit.received_at
    if visit.decided and record.decisions:
        since = record.decisions[-1].at
    return problems.APPEAL_TOO_LATE if now - since > timedelta(days=days) else None


def takes_additions(visit: Visit, record: Record) -> bool:
    """Whether evidence can be added: while it is incomplete, returned, or rejected and still to be appealed.

    Also while it waits for a reviewer because its photos cannot be opened: whoever sent them can still send others.
    """
    if visit.imported:
        return False
    if visit.status is VisitStatus.REVIEW and not visit.decided:
        return any(finding.check == "photos" and finding.reason == "unreadable" for finding in visit.findings)
    if visit.status is VisitStatus.REJECTED:
        return record.appeal is None
    return visit.status in (VisitStatus.INCOMPLETE, VisitStatus.RETURNED)


def rulings(visit: Visit) -> list[Ruling]:
    """What can be decided on the visit: a record from a file has nobody who could complete it."""
    return [ruling for ruling in Ruling if not (ruling is Ruling.RETURN and visit.imported)]


def senders(visit: Visit) -> frozenset[str]:
    """Who may send the visit's pictures and add to it: its person, and who entered it for them."""
    return frozenset({visit.person, visit.entered_by or visit.person})
