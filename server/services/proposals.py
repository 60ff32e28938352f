"""Changes that touch what their author owes: they wait here until somebody else approves or refuses them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from server.domain import problems
from server.domain.access import Caller, GrantKind
from server.domain.problems import Problem
from server.services import days, duties, excuses, merging, place_changes, postings
from server.services.areas import area_now, area_of
from server.services.changing import Apply, Changed, carry_out
from server.services.deployment import Deployment
from server.storage import imports as rows
from server.storage import people
from server.storage import proposals as stored
from server.storage.database import Connection
from server.storage.logbook import Line
from server.storage.proposals import Proposal

# What an approval does, by the kind that `changing.change` was called with.
APPLIES: Mapping[str, Apply] = {
    "day-mark": days.apply_mark,
    "day-move": days.apply_move,
    "day-unmove": days.apply_unmove,
    "duty-end": duties.apply_end,
    "duty-version": duties.apply_version,
    stored.EXCUSE: excuses.apply_excuse,
    stored.EXCUSE_END: excuses.apply_end,
    "place-change": place_changes.apply_change,
    "place-merge": merging.apply_merge,
    "place-new": place_changes.apply_new,
    "place-split": merging.apply_split,
    "posting-new": postings.apply_new,
    "posting-change": postings.apply_change,
    "posting-delete": postings.apply_delete,
    "posting-move": postings.apply_move,
}
DECIDERS = frozenset({GrantKind.ADMIN, GrantKind.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Seen:
    """A proposal with the name of who made it."""

    proposal: Proposal
    by_name: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A proposal that was decided, and what its approval changed."""

    proposal: Seen
    changed: Changed | None


def page(
    deployment: Deployment, caller: Caller, status: str | None, now: datetime, after: int | None, limit: int
) -> list[Seen]:
    """Proposals the caller made or may decide, latest first."""
    with deployment.database.read() as connection:
        reach = area_of(deployment, connection, caller, now).reach_of(DECIDERS)
        areas = None if reach.whole else reach.areas
        found = stored.page(connection, areas, caller.person, status, after, limit)
        return _seen(connection, found)


def see(deployment: Deployment, caller: Caller, number: int, now: datetime) -> Seen:
    """One of them; raises Problem NOT_FOUND for one outside the area, FORBIDDEN inside it without the right."""
    with deployment.database.read() as connection:
        return _seen(connection, [_find(deployment, connection, caller, number, now)])[0]


def approve(deployment: Deployment, caller: Caller, number: int, reason: str, now: datetime) -> Decided:
    """Does the change now, as if the caller had asked for it: their rights count, and the facts as they stand.

    Raises Problem: NOT_FOUND, FORBIDDEN also for one's own, NEEDS_SECOND_PERSON if it touches what the caller owes too,
    CONFLICT if it was decided already or does not fit any more.
    """
    proposal = _open(deployment, caller, number, now)

    def settle(connection: Connection) -> None:
        _settle(connection, proposal, stored.APPROVED, caller, reason, now)

    try:
        changed = carry_out(deployment, caller, proposal.body, APPLIES[proposal.kind], now, settle, proposal.by)
    except Problem as problem:
        if problem.kind in (problems.INVALID, problems.OVERLAP):
            raise Problem(problems.CONFLICT, errors=problem.errors) from None
        raise
    return Decided(see(deployment, caller, number, now), changed)


def refuse(deployment: Deployment, caller: Caller, number: int, reason: str, now: datetime) -> Decided:
    """Refuses it; raises Problem: NOT_FOUND, FORBIDDEN for one's own, CONFLICT if it was decided already."""
    proposal = _open(deployment, caller, number, now)
    with deployment.database.write() as connection:
        _settle(connection, proposal, stored.REFUSED, caller, reason, now)
    return Decided(see(deployment, caller, number, now), None)


def withdraw(deployment: Deployment, caller: Caller, number: int, now: datetime) -> None:
    """Takes one's own back; raises Problem: NOT_FOUND, FORBIDDEN for another's, CONFLICT if it was decided already."""
    with deployment.database.read() as connection:
        proposal = _find(deployment, connection, caller, number, now)
    if proposal.by != caller.person:
        raise Problem(problems.FORBIDDEN)
    with deployment.database.write() as connection:
        _settle(connection, proposal, stored.WITHDRAWN, caller, "", now)


def _open(deployment: Deployment, caller: Caller, number: int, now: datetime) -> Proposal:
    """A proposal of somebody else's that the caller may decide by grants that are not from its author."""
    with deployment.database.read() as connection:
        proposal = _find(deployment, connection, caller, number, now)
        # Rights that its author has given count for nothing here: they would decide by another's hand.
        reach = area_now(deployment, connection, caller, now, proposal.by).reach_of(DECIDERS)
    if proposal.by == caller.person or not (reach.whole or reach.covers(proposal.path)):
        raise Problem(problems.FORBIDDEN)
    if proposal.status != stored.WAITING:
        raise Problem(problems.CONFLICT)
    return proposal


def _find(deployment: Deployment, connection: Connection, caller: Caller, number: int, now: datetime) -> Proposal:
    proposal = stored.find(connection, number)
    if proposal is None:
        raise Problem(problems.NOT_FOUND)
    area = area_of(deployment, connection, caller, now)
    reach = area.reach_of(DECIDERS)
    if proposal.by == caller.person or reach.whole or reach.covers(proposal.path):
        return proposal
    readable = area.reader.whole or area.reader.covers(proposal.path)
    raise Problem(problems.FORBIDDEN if readable else problems.NOT_FOUND)


def _settle(
    connection: Connection, proposal: Proposal, status: str, caller: Caller, reason: str, now: datetime
) -> None:
    if not stored.decide(connection, proposal.id, status, caller.person, now, reason):
        raise Problem(problems.CONFLICT)
    detail = {"kind": proposal.kind, "by": proposal.by}
    personal = {"reason": reason, "body": dict(proposal.body)}
    path = "" if proposal.path == stored.EVERYWHERE else proposal.path
    line = Line(caller.person, status, "proposal", str(proposal.id), detail, path, proposal.by, personal)
    rows.log(connection, now, [line])


def _seen(connection: Connection, found: list[Proposal]) -> list[Seen]:
    named = people.named(connection, {proposal.by for proposal in found})
    return [Seen(proposal, named[proposal.by].name) for proposal in found]
