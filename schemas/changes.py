"""What a change of the registers answers, and changes that wait for a second person."""

from __future__ import annotations

from schemas.base import (
    Base,
    Choice,
    Code,
    Cursor,
    Day,
    Flag,
    Free,
    Instant,
    Integer,
    Items,
    Part,
    Text,
    UuidText,
)
from schemas.exports import ExportQuery
from server.domain.checks import VisitStatus
from server.domain.engine import Reason, Status

PROPOSAL_STATUSES = ("waiting", "approved", "refused", "withdrawn")
_ID = "[1-9][0-9]{0,17}"


class DryRunQuery(Base):
    """`dry_run=1`: the same answer, and nothing is done."""

    dry_run = Choice(("0", "1"), load_default="0")


class StandingOut(Base):
    """How an obligation stands."""

    status = Choice(Status)
    reason = Choice(Reason)
    opens_on = Day()
    due_on = Day()
    needed = Integer(0, 31)
    done = Integer(0, 31)


class ChangedObligationOut(Base):
    """An obligation that stands otherwise than before; no `before`: it is new; no `after`: it is owed no more."""

    duty = Code()
    person = Code()
    person_name = Text(0, 100)
    place = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    window = Text(0, 8)
    before = Part(StandingOut, allow_none=True)
    after = Part(StandingOut, allow_none=True)


class VisitStateOut(Base):
    """A visit's status, and the place it counts for."""

    status = Choice(VisitStatus)
    place = Code()


class ChangedVisitOut(Base):
    """A visit whose status or place is another than before."""

    id = UuidText()
    before = Part(VisitStateOut)
    after = Part(VisitStateOut)


class ChangesOut(Base):
    """What changed with it: the first of the obligations and visits, and how many there are in all.

    `waiting` counts people whose obligations are still being worked out, if there are too many to wait for.
    """

    obligations = Items(Part(ChangedObligationOut))
    total = Integer(0, 10_000_000)
    visits = Items(Part(ChangedVisitOut))
    visits_total = Integer(0, 10_000_000)
    waiting = Integer(0, 10_000_000)


class ChangedOut(Base):
    """What a change did or, with `dry_run`, would do, and its `result`; `second_person`: it would wait for one."""

    dry_run = Flag()
    second_person = Flag()
    changed = Part(ChangesOut)
    remarks = Items(Text(0, 500), most=1000)


class ProposalOut(Base):
    """A change that touches what its author owes; it is done once somebody else approves it."""

    id = Integer(1, 2**63 - 1)
    kind = Text(0, 32)
    body = Free()
    by = Code()
    by_name = Text(0, 100)
    at = Instant()
    status = Choice(PROPOSAL_STATUSES)
    decided_by = Code(allow_none=True)
    decided_at = Instant(allow_none=True)
    reason = Text(0, 1000, lines=True)


class ProposalsQuery(ExportQuery):
    """Which proposals."""

    cursor = Cursor(_ID)
    status = Choice(PROPOSAL_STATUSES)


class ProposalsOut(Base):
    """A page of proposals, latest first."""

    items = Items(Part(ProposalOut), required=True)
    next = Cursor(_ID, required=True, allow_none=True)


class ApprovalIn(Base):
    """A decision on what somebody else proposed or asked for, with its reason."""

    decision = Choice(("approve", "refuse"), required=True)
    reason = Text(1, 1000, lines=True, visible=True, required=True)


class DecidedProposalOut(Base):
    """A decided proposal, and what its approval changed."""

    proposal = Part(ProposalOut)
    changed = Part(ChangesOut, allow_none=True)
