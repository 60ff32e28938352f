"""The people of the register one by one: found, entered, corrected, and what became of their entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.domain import problems
from server.domain.access import Caller, GrantKind
from server.domain.problems import Problem, invalid
from server.services import members
from server.services.areas import Area, area_of
from server.services.changing import Changed, Done, Ground, change
from server.services.deployment import Deployment
from server.services.imports_people import plan_people, plan_postings
from server.services.leaves import Named as NamedLeave
from server.services.leaves import named as named_leave
from server.services.posting_reading import Named as NamedPosting
from server.services.posting_reading import named as named_postings
from server.services.record import home
from server.storage import accounts, leaves, people, persons, postings
from server.storage import imports as rows
from server.storage.accounts import HeldGrant
from server.storage.database import Connection
from server.storage.logbook import Line
from server.storage.people import Person
from server.storage.persons import Told

HISTORIANS = frozenset({GrantKind.ADMIN, GrantKind.AUDITOR})
_LEAVES = 100  # the latest, shown with a person
_FIELDS = ("name", "phone", "unit")


@dataclass(frozen=True, slots=True)
class Shown:
    """A person with their postings, past ones too, their latest leave and, for their administrators, their grants."""

    person: Person
    postings: tuple[NamedPosting, ...]
    leave: tuple[NamedLeave, ...]
    grants: tuple[HeldGrant, ...] | None


def page(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    *,
    after: str = "",
    limit: int = 50,
    q: str | None = None,
    place: str | None = None,
) -> list[Person]:
    """At most `limit` people who belong to the caller's area, in order of code; posted nowhere: to the whole.

    `place` keeps those who belong to it or to what lies inside. Raises Problem INVALID for a place that is unknown or
    outside.
    """
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
        places = None if area.reader.whole else area.inside(area.reader)
        if place is not None:
            if place not in area.tree or not area.reader.covers(area.path(place)):
                raise invalid("/place", "not-exist")
            path = area.path(place)
            places = [code for code in area.tree.places if area.path(code).startswith(path)]
        return persons.page(connection, persons.Sought(places, area.today, q), after, limit)


def show(deployment: Deployment, caller: Caller, code: str, now: datetime) -> Shown:
    """One person; raises Problem NOT_FOUND for one who does not belong to what the caller may read."""
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
        person = _visible(connection, area, code)
        held = named_postings(connection, postings.of(connection, code), area.tree, area.today)
        away = named_leave(connection, leaves.page(connection, leaves.Sought(person=code), None, _LEAVES))
        grants: tuple[HeldGrant, ...] | None = None
        if code == caller.person or members.belongs(connection, area, area.admin, code):
            of_one = accounts.grants_of(connection, [code]).get(code, [])
            own = code == caller.person
            grants = tuple(grant for grant in of_one if own or area.admin.covers(area.path(grant.place)))
        return Shown(person, tuple(held), tuple(away), grants)


def history(
    deployment: Deployment, caller: Caller, code: str, now: datetime, before: int | None = None, limit: int = 50
) -> list[Told]:
    """What the log tells of a person, latest first; for auditors and administrators, and of oneself.

    Raises Problem NOT_FOUND as `show`, FORBIDDEN for other readers.
    """
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
        _visible(connection, area, code)
        if code != caller.person and not members.belongs(connection, area, area.reach_of(HISTORIANS), code):
            raise Problem(problems.FORBIDDEN)
        return persons.history(connection, code, before, limit)


def add(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Enters a person; who does not administer the whole deployment gives a `posting` in their area along.

    Raises Problem: CONFLICT for a code that is in use, INVALID, FORBIDDEN.
    """
    return change(deployment, caller, "person-new", body, apply_new, now, dry_run)


def amend(
    deployment: Deployment, caller: Caller, code: str, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """Corrects name, telephone number, unit or language of a person who is in the caller's keeping."""
    return change(deployment, caller, "person-change", {**body, "code": code}, apply_change, now, dry_run)


# What is done in the transaction of a change


def apply_new(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """A new person, with their first posting if one is given."""
    first: Mapping[str, Any] | None = body.get("posting")
    if first is not None:
        ground.area.require(first["place"], pointer="/posting/place")
    elif not ground.area.admin.whole:
        raise Problem(problems.FORBIDDEN) if not ground.area.admin.areas else invalid("/posting", "posting-needed")
    code = body["code"]
    if people.find(connection, code) is not None:
        raise Problem(problems.CONFLICT)
    path = ground.area.path(first["place"]) if first else ""
    ground.carry_out(connection, plan_people, ground.parsed("people", body), path=path)
    _speak(connection, ground, code, body, path)
    if first is None:
        return Done(people.find(connection, code))
    posting = ground.parsed("postings", {**first, "person": code}, under="/posting")
    plan = ground.carry_out(connection, plan_postings, posting, "/posting")
    return Done(people.find(connection, code), first["place"], remarks=tuple(plan.remarks))


def apply_change(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """Another name, number, unit or language."""
    code = body["code"]
    members.require_kept(connection, ground.area, code)
    was = people.find(connection, code)
    assert was is not None
    row = {"code": code, **{name: body.get(name, getattr(was, name)) for name in _FIELDS}}
    ground.carry_out(connection, plan_people, ground.parsed("people", row))
    _speak(connection, ground, code, body, home(connection, ground.context.deployment, code, ground.context.now))
    return Done(people.find(connection, code))


def _speak(connection: Connection, ground: Ground, code: str, body: Mapping[str, Any], path: str) -> None:
    was = people.find(connection, code)
    language = body.get("language")
    if was is None or language in (None, was.language):
        return
    persons.set_language(connection, code, language)
    told = {"before": {"language": was.language}, "after": {"language": language}}
    line = Line(ground.caller.person, "changed", "person", code, told, path, code)
    rows.log(connection, ground.context.now, [line])


def _visible(connection: Connection, area: Area, code: str) -> Person:
    person = people.find(connection, code)
    if person is None or not (code == area.caller.person or members.belongs(connection, area, area.reader, code)):
        raise Problem(problems.NOT_FOUND)
    return person
