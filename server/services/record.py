"""The log's own use cases: where a line belongs, and who has looked at what of others."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from server.domain.access import READERS, Caller, areas
from server.domain.accounts import standing_places
from server.domain.checkins import Visit
from server.domain.periods import local_day
from server.domain.places import Tree, shared_area
from server.services.deployment import Deployment
from server.storage import accounts, logbook, people
from server.storage.database import Connection
from server.storage.logbook import Line


def homes(connection: Connection, deployment: Deployment, persons: Collection[str], now: datetime) -> dict[str, str]:
    """The path of the smallest area that holds everything each of these people belongs to today.

    By their postings or, for who has none, by their grants; empty, the whole deployment, for who has neither.
    """
    tree = deployment.world(connection).tree
    today = local_day(now, deployment.zone)
    found: dict[str, str] = {}
    for chunk in people.chunks(sorted(set(persons))):
        postings = people.postings_of(connection, chunk)
        places = {person: standing_places(postings.get(person, ()), today) for person in chunk}
        without = [person for person in chunk if not places[person]]
        if without:
            held = accounts.grants_of(connection, without)
            places |= {person: {grant.place for grant in held.get(person, ())} for person in without}
        for person, its in places.items():
            found[person] = shared_area(tree.path(place, today) for place in its)
    return found


def home(connection: Connection, deployment: Deployment, person: str, now: datetime) -> str:
    """As `homes`, of one person."""
    return homes(connection, deployment, [person], now)[person]


def note_seen(deployment: Deployment, caller: Caller, visit: Visit, now: datetime, photo: str = "") -> None:
    """Notes that the caller has looked at a visit, or at a photo of it, unless it is their own."""
    if visit.person != caller.person:
        detail = {"photo": photo} if photo else {}
        _note(deployment, Line(caller.person, "read", "visit", visit.id, detail, visit.path, visit.person), now)


def note_listed(
    deployment: Deployment, caller: Caller, visits: Sequence[Visit], query: Mapping[str, Any], now: datetime
) -> None:
    """Notes that the caller has looked at a list of visits, unless there is none of others in it."""
    others = [visit for visit in visits if visit.person != caller.person]
    if others:
        detail = {"query": _told(query), "count": len(others)}
        path = shared_area(visit.path for visit in others)
        _note(deployment, Line(caller.person, "read", "visits", "", detail, path), now)


def note_export(
    deployment: Deployment, caller: Caller, name: str, query: Mapping[str, str], count: int, now: datetime
) -> None:
    """Notes that the caller has taken a list away as a file; who holds no grant has only their own in it."""
    reach, tree, today = _reach(deployment, caller, now)
    if reach:
        path = _asked(query, reach, tree, today)
        _note(deployment, _of_list(caller, "export", "list", name, query, count, path), now)


def note_report(
    deployment: Deployment, caller: Caller, name: str, query: Mapping[str, str], count: int, now: datetime
) -> None:
    """Notes that the caller has looked at a report on others."""
    path = _asked(query, *_reach(deployment, caller, now))
    _note(deployment, _of_list(caller, "read", name, "", query, count, path), now)


def _reach(deployment: Deployment, caller: Caller, now: datetime) -> tuple[Sequence[str], Tree, date]:
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
    today = local_day(now, deployment.zone)
    return areas(caller.grants, tree, today, READERS), tree, today


def _asked(query: Mapping[str, str], reach: Sequence[str], tree: Tree, today: date) -> str:
    """The area that was asked for, or else the one that holds all the caller may read."""
    place = query.get("place", "")
    return tree.path(place, today) if place in tree else shared_area(reach)


def _of_list(
    caller: Caller, verb: str, kind: str, subject: str, query: Mapping[str, str], count: int, path: str
) -> Line:
    return Line(caller.person, verb, kind, subject, {"query": _told(query), "count": count}, path)


def _told(query: Mapping[str, Any]) -> dict[str, str]:
    """What was asked for, but for words: what is searched by may be a name, and stands in the log for ever."""
    return {name: str(value) for name, value in query.items() if name not in ("q", "cursor", "language", "for_excel")}


def _note(deployment: Deployment, line: Line, now: datetime) -> None:
    with deployment.database.write(shared=True) as connection:
        logbook.write(connection, now, [line])
