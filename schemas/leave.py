"""Leave: asked for, entered, decided on."""

from __future__ import annotations

from schemas.base import DAY, Base, Choice, Code, Cursor, Day, Instant, Items, Matching, Part, Text
from schemas.changes import ChangedOut
from schemas.exports import ExportQuery
from server.domain.postings import LeaveKind

STATUSES = ("waiting", "approved", "refused", "withdrawn")
_ID = "[rf][1-9][0-9]{0,17}"


class LeaveIn(Base):
    """Days away, both included: one's own, for the office to decide, or another `person`'s, entered by their office."""

    start = Day(required=True)
    end = Day(required=True)
    kind = Choice(LeaveKind, required=True)
    note = Text(0, 1000, lines=True, load_default="")
    person = Code()


class LeaveDecisionIn(Base):
    """What the office decides: on leave that waits, or to `cancel` approved leave."""

    decision = Choice(("approve", "refuse", "cancel"), required=True)
    reason = Text(1, 1000, lines=True, visible=True, required=True)


class LeaveQuery(ExportQuery):
    """Whose leave, and how it stands."""

    cursor = Cursor(DAY, _ID)
    person = Code()
    status = Choice(STATUSES)


class LeaveOut(Base):
    """Leave; `r…` was asked for or entered, `f…` came in a file, approved."""

    id = Matching(_ID, "code")
    person = Code()
    person_name = Text(0, 100)
    start = Day()
    end = Day()
    kind = Choice(LeaveKind)
    note = Text(0, 1000, lines=True)
    status = Choice(STATUSES)
    at = Instant(allow_none=True)
    decided_by = Code(allow_none=True)
    decided_at = Instant(allow_none=True)
    reason = Text(0, 1000, lines=True)


class LeavesOut(Base):
    """A page of leave, latest first."""

    items = Items(Part(LeaveOut), required=True)
    next = Cursor(DAY, _ID, required=True, allow_none=True)


class ChangedLeaveOut(ChangedOut):
    """Leave as it stands now; none if it came in a file and was cancelled."""

    result = Part(LeaveOut, allow_none=True)
