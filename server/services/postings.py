"""Postings one by one: who holds which, a new one, its end, another weekday, a move, and one typed by mistake."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.domain import problems
from server.domain.access import Caller
from server.domain.periods import DAY
from server.domain.places import shared_area
from server.domain.postings import Posting
from server.domain.problems import Problem, invalid
from server.services import members
from server.services.changing import Changed, Done, Ground, change
from server.services.deployment import Deployment
from server.services.imports_base import FOREVER, Remark, mark_people, text_of
from server.services.imports_people import plan_postings
from server.services.posting_reading import Named, named
from server.services.reports import last_link
from server.storage import accounts, logbook, people, postings
from server.storage import imports as rows
from server.storage.accounts import HeldGrant
from server.storage.database import Connection
from server.storage.logbook import Line
from server.storage.postings import Held


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of a move: the posting that ended, the one that began, and the grants over the old place.

    Grants do not follow from postings: those that remain hold on until somebody ends them.
    """

    ended: Named
    begun: Named
    grants: tuple[HeldGrant, ...]
    grants_ended: tuple[HeldGrant, ...]


def add(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Posts a person; raises Problem: INVALID for what is unknown or outside, OVERLAP, CONFLICT if it is there."""
    return change(deployment, caller, "posting-new", body, apply_new, now, dry_run)


def amend(
    deployment: Deployment, caller: Caller, number: int, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """Changes a posting's last day, or its office weekday: all of it, or `from` a day on as a posting of its own."""
    return change(deployment, caller, "posting-change", {**body, "id": number}, apply_change, now, dry_run)


def remove(deployment: Deployment, caller: Caller, number: int, now: datetime, dry_run: bool) -> Changed:
    """Takes away a posting that was typed by mistake; only the log tells of it then."""
    return change(deployment, caller, "posting-delete", {"id": number}, apply_delete, now, dry_run)


def move(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Ends one posting the day before `on` and begins the next on it, until the last day of the one that ended."""
    return change(deployment, caller, "posting-move", body, apply_move, now, dry_run)


# What is done in the transaction of a change


def apply_new(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """A new posting."""
    ground.area.require(body["place"], pointer="/place")
    members.require(connection, ground.area, body["person"], "/person")
    if _named(connection, body["person"], body["role"], body["place"], date.fromisoformat(body["start"])):
        raise Problem(problems.CONFLICT)
    put, remarks = _put(connection, ground, body)
    return Done(put[0], body["place"], remarks=remarks)


def apply_change(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """Another end or weekday."""
    held = _held(connection, ground, body["id"])
    old = held.posting
    values = _row(old)
    since = date.fromisoformat(body["from"]) if body.get("from") else old.start
    if since < old.start or since > (old.end or FOREVER):
        raise invalid("/from", "outside-posting")
    later = {**values, **{name: body[name] for name in ("end", "office_weekday") if name in body}}
    if since == old.start:
        put, remarks = _put(connection, ground, later)
    else:
        earlier = {**values, "end": text_of(since - DAY)}
        put, remarks = _put(connection, ground, earlier, {**later, "start": since.isoformat()})
    end = put[-1].end
    if "end" in body and end is not None and end <= ground.area.today:
        others = [
            other.posting.place
            for other in postings.of(connection, old.person)
            if other.id != put[-1].id and (other.posting.end or FOREVER) > ground.area.today
        ]
        _grants(connection, ground, old.person, old.place, others, _ending(ground, body, old.person, end))
    return Done(put[-1], old.place, remarks=remarks)


def apply_delete(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """A posting that was never true."""
    held = _held(connection, ground, body["id"])
    gone = held.posting
    postings.remove(connection, held.id)
    span = (gone.person, gone.start, gone.end or FOREVER)
    people.bump_facts(connection, [gone.person])
    mark_people(connection, ground.context, [span])
    if rows.any_visits(connection):
        rows.mark_visits_of(connection, [span], "posting")
    detail = {"before": {"end": text_of(gone.end), "office_weekday": gone.office_weekday}}
    subject = " ".join((gone.person, gone.role, gone.place, gone.start.isoformat()))
    path = ground.area.path(gone.place)
    line = Line(ground.caller.person, "removed", "posting", subject, detail, path, gone.person)
    rows.log(connection, ground.context.now, [line])
    return Done(None, gone.place)


def apply_move(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """One ends, the next begins."""
    for pointer in ("from", "to"):
        ground.area.require(body[pointer], pointer=f"/{pointer}")
    person = body["person"]
    members.require(connection, ground.area, person, "/person")
    on = date.fromisoformat(body["on"])
    if body["from"] == body["to"]:
        raise invalid("/to", "same-place")
    held = [
        held
        for held in postings.of(connection, person)
        if (held.posting.role, held.posting.place) == (body["role"], body["from"]) and held.posting.in_force(on - DAY)
    ]
    if not held:
        raise invalid("/from", "no-posting")
    old = held[0].posting
    earlier = {**_row(old), "end": text_of(on - DAY)}
    later = {**_row(old), "place": body["to"], "start": body["on"]}
    later |= {name: body[name] for name in ("end", "office_weekday") if name in body}
    (ended, begun), remarks = _put(connection, ground, earlier, later)
    remaining, gone = _grants(connection, ground, person, body["from"], [body["to"]], _ending(ground, body, person, on))
    shared = shared_area(ground.area.path(body[pointer]) for pointer in ("from", "to"))
    return Done(Moved(ended, begun, tuple(remaining), tuple(gone)), last_link(shared) or None, remarks=remarks)


def _ending(ground: Ground, body: Mapping[str, Any], person: str, on: date) -> bool:
    """Whether grants end with a posting that holds no more from `on` on: unless told, not before, and never one's own.

    Who works there until next month still needs them, and nobody shuts themselves out without saying so.
    """
    said: bool | None = body.get("end_grants")
    return on <= ground.area.today and person != ground.caller.person if said is None else said


def _grants(
    connection: Connection, ground: Ground, person: str, left_place: str, kept: Iterable[str], ending: bool
) -> tuple[list[HeldGrant], list[HeldGrant]]:
    """The grants over a place that was left and over none of those kept: those that stay, and those ended."""
    area = ground.area
    old, new = area.path(left_place), [area.path(place) for place in kept]
    held = accounts.grants_of(connection, [person]).get(person, [])
    left = [
        grant for grant in held if f"/{grant.place}/" in old and not any(f"/{grant.place}/" in path for path in new)
    ]
    ended = [grant for grant in left if ending and area.admin.covers(area.path(grant.place))]
    accounts.end_grants(connection, [grant.id for grant in ended], ground.context.now)
    for grant in ended:
        detail = {"kind": grant.kind.value, "place": grant.place}
        line = Line(ground.caller.person, "end", "grant", grant.person, detail, area.path(grant.place))
        logbook.write(connection, ground.context.now, [line])
    return [grant for grant in left if grant not in ended], ended


def _held(connection: Connection, ground: Ground, number: int) -> Held:
    held = postings.find(connection, number)
    if held is None:
        raise Problem(problems.NOT_FOUND)
    ground.area.require(held.posting.place, owner=held.posting.person)
    return held


def _named(connection: Connection, person: str, role: str, place: str, start: date) -> Held | None:
    for held in postings.of(connection, person):
        posting = held.posting
        if (posting.role, posting.place, posting.start) == (role, place, start):
            return held
    return None


def _put(connection: Connection, ground: Ground, *given: Mapping[str, Any]) -> tuple[list[Named], tuple[Remark, ...]]:
    """Stores these postings as an import of them would; as they are then, and what there is to say about them."""
    plan = ground.carry_out(connection, plan_postings, ground.parsed("postings", *given))
    found = (_named(connection, r["person"], r["role"], r["place"], date.fromisoformat(r["start"])) for r in given)
    put = named(connection, (held for held in found if held is not None), ground.area.tree, ground.area.today)
    return put, tuple(plan.remarks)


def _row(posting: Posting) -> dict[str, Any]:
    return {
        "person": posting.person,
        "role": str(posting.role),
        "place": posting.place,
        "start": posting.start.isoformat(),
        "end": text_of(posting.end),
        "office_weekday": posting.office_weekday,
    }
