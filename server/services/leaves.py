"""Leave: asked for by the person, decided on by their office, entered or cancelled by it. Approved, it is a fact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from server.domain import problems
from server.domain.access import Caller, GrantKind
from server.domain.postings import Leave
from server.domain.problems import Problem, invalid
from server.services import members
from server.services.areas import Area, area_of
from server.services.changing import Changed, Done, Ground, change
from server.services.comparing import Compared
from server.services.deployment import Deployment
from server.services.imports_base import mark_people
from server.services.imports_people import plan_leave
from server.services.record import home
from server.storage import imports as rows
from server.storage import leaves, people
from server.storage.database import Connection
from server.storage.leaves import Entry, Sought
from server.storage.logbook import Line

OFFICE = frozenset({GrantKind.REVIEWER, GrantKind.ADMIN})
LONGEST = timedelta(days=366)
MOST_WAITING = 20  # requests of one person that nobody has decided on


@dataclass(frozen=True, slots=True)
class Named:
    """Leave with the name of whose it is."""

    entry: Entry
    person_name: str


def page(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    *,
    after: tuple[date, str] | None = None,
    limit: int = 50,
    person: str | None = None,
    status: str | None = None,
) -> list[Named]:
    """At most `limit` leaves of one's own and of whoever is posted in one's area then, latest first."""
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
        places = None if area.reader.whole else area.inside(area.reader)
        found = leaves.page(connection, Sought(places, caller.person, person, status), after, limit)
        return named(connection, found)


def ask(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Asks for leave of one's own, which waits until the office decides; tried out, only whether that can be asked.

    Raises Problem: INVALID for more than a year, CONFLICT if the same waits or holds already, or too many wait.
    """
    leave = Leave(caller.person, body["start"], body["end"], body["kind"], body.get("note", ""))
    _check_days(leave.start, leave.end)
    with deployment.database.write() as connection:
        people.all_versions(connection, [caller.person], lock=True)  # two taps at once are one request
        asked = leaves.waiting(connection, caller.person)
        known = [*asked, *people.leaves_of(connection, [caller.person]).get(caller.person, ())]
        if len(asked) >= MOST_WAITING or any(_key(leave) == _key(other) for other in known):
            raise Problem(problems.CONFLICT)
        if dry_run:
            return Changed(None, Compared(), dry_run=True)
        code = leaves.add(connection, leave, now)
        path = home(connection, deployment, caller.person, now)
        line = _line(caller.person, "asked", code, leave, path, (None, leaves.WAITING), {"note": leave.note})
        rows.log(connection, now, [line])
        return Changed(_one(connection, code), Compared())


def enter(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Enters leave of somebody else's as approved; raises Problem as `ask`, and for who is not of the office's."""
    return change(deployment, caller, "leave-new", body, apply_new, now, dry_run)


def decide(
    deployment: Deployment, caller: Caller, code: str, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """Approves or refuses what waits, or cancels what was approved; never one's own.

    Raises Problem: NOT_FOUND, FORBIDDEN, CONFLICT if it does not stand so that this could be decided.
    """
    return change(deployment, caller, "leave-decision", {**body, "id": code}, apply_decision, now, dry_run)


def withdraw(deployment: Deployment, caller: Caller, code: str, now: datetime) -> None:
    """Takes back what one has asked for and nobody has decided on; raises Problem NOT_FOUND, FORBIDDEN, CONFLICT."""
    with deployment.database.write() as connection:
        entry = leaves.find(connection, code)
        if entry is None or entry.person != caller.person:
            area = area_of(deployment, connection, caller, now)
            seen = entry is not None and members.belongs(connection, area, area.reader, entry.person)
            raise Problem(problems.FORBIDDEN if seen else problems.NOT_FOUND)
        if entry.status != leaves.WAITING or not leaves.decide(
            connection, code, leaves.WAITING, leaves.WITHDRAWN, caller.person, now, ""
        ):
            raise Problem(problems.CONFLICT)
        path = home(connection, deployment, caller.person, now)
        status = (leaves.WAITING, leaves.WITHDRAWN)
        rows.log(connection, now, [_line(caller.person, "withdrawn", code, entry.leave, path, status)])


# What is done in the transaction of a change


def apply_new(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """Leave that the office enters."""
    person = body["person"]
    _require_office(connection, ground.area, person, "/person")
    start, end = date.fromisoformat(body["start"]), date.fromisoformat(body["end"])
    _check_days(start, end)
    leave = Leave(person, start, end, body["kind"], body.get("note", ""))
    if any(_key(leave) == _key(other) for other in people.leaves_of(connection, [person]).get(person, ())):
        raise Problem(problems.CONFLICT)
    code = leaves.add(connection, leave, ground.context.now, leaves.APPROVED, ground.caller.person)
    ground.carry_out(connection, plan_leave, ground.parsed("leave", _row(leave)))
    return Done(_one(connection, code))


def apply_decision(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """What the office decides on leave."""
    entry = leaves.find(connection, body["id"])
    if entry is None:
        raise Problem(problems.NOT_FOUND)
    _require_office(connection, ground.area, entry.person)
    before, after = {
        "approve": (leaves.WAITING, leaves.APPROVED),
        "refuse": (leaves.WAITING, leaves.REFUSED),
        "cancel": (leaves.APPROVED, leaves.WITHDRAWN),
    }[body["decision"]]
    now, by = ground.context.now, ground.caller.person
    if entry.status != before:
        raise Problem(problems.CONFLICT)
    if entry.id.startswith(leaves.ASKED):
        leaves.decide(connection, entry.id, before, after, by, now, body["reason"])
    if after == leaves.APPROVED:
        ground.carry_out(connection, plan_leave, ground.parsed("leave", _row(entry.leave)))
    if before == leaves.APPROVED:
        leaves.remove(connection, entry.leave)
        people.bump_facts(connection, [entry.person])
        mark_people(connection, ground.context, [(entry.person, entry.start, entry.end)])
    path = home(connection, ground.context.deployment, entry.person, now)
    verb = "cancelled" if before == leaves.APPROVED else after
    personal = {"reason": body["reason"]}
    rows.log(connection, now, [_line(by, verb, entry.id, entry.leave, path, (before, after), personal)])
    return Done(_one(connection, entry.id))


def _require_office(connection: Connection, area: Area, person: str, pointer: str | None = None) -> None:
    """Raises Problem unless the caller's office keeps the person's leave; nobody keeps their own."""
    if person == area.caller.person:
        raise Problem(problems.FORBIDDEN)
    if members.belongs(connection, area, area.reach_of(OFFICE), person):
        return
    if members.belongs(connection, area, area.reader, person):
        raise Problem(problems.FORBIDDEN)
    raise Problem(problems.NOT_FOUND) if pointer is None else invalid(pointer, "not-exist")


def _check_days(start: date, end: date) -> None:
    if end < start:
        raise invalid("/end", "order")
    if end - start > LONGEST:
        raise invalid("/end", "range", min=start.isoformat(), max=(start + LONGEST).isoformat())


def _key(leave: Leave) -> tuple[date, date, str]:
    return leave.start, leave.end, str(leave.kind)


def _row(leave: Leave) -> dict[str, Any]:
    return {
        "person": leave.person,
        "start": leave.start.isoformat(),
        "end": leave.end.isoformat(),
        "kind": str(leave.kind),
        "note": leave.note,
    }


def _line(
    actor: str,
    verb: str,
    code: str,
    leave: Leave,
    path: str,
    status: tuple[str | None, str],
    personal: Mapping[str, Any] | None = None,
) -> Line:
    detail: dict[str, Any] = {"id": code, "start": leave.start.isoformat(), "end": leave.end.isoformat()}
    detail |= {"before": {"status": status[0]} if status[0] else None, "after": {"status": status[1]}}
    private = {"kind": str(leave.kind), **(personal or {})}  # that somebody is ill is personal
    return Line(actor, verb, "leave", leave.person, detail, path, leave.person, private)


def _one(connection: Connection, code: str) -> Named | None:
    entry = leaves.find(connection, code)
    return named(connection, [entry])[0] if entry else None


def named(connection: Connection, found: Iterable[Entry]) -> list[Named]:
    """Leave with the names of whose it is."""
    entries = list(found)
    persons = people.named(connection, {entry.person for entry in entries})
    return [Named(entry, persons[entry.person].name) for entry in entries]
