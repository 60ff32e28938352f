"""Places stored as they now stand, and which visits must be looked at again for it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, literal, or_, select, update

from server.domain.places import Place
from server.storage import register
from server.storage import tables as t
from server.storage.imports import BATCH, open_visits
from server.storage.people import chunks

_UNDATED = ("name", "level", "ended_on", "service_from", "successors")


def put(connection: Connection, changes: Iterable[tuple[Place | None, Place]]) -> None:
    """Stores places as they now are, each with what it was, none for a new one.

    Parents and central villages must be stored already or be among them, in any order.
    """
    listed = list(changes)
    new = [_row(place) for before, place in listed if before is None]
    for chunk in chunks(new, BATCH):
        connection.execute(insert(t.place), chunk)
    changed = [_row(place) for before, place in listed if before is not None and _row(before) != _row(place)]
    query = update(t.place).where(t.place.c.code == bindparam("k_code"))
    query = query.values({name: bindparam(f"v_{name}") for name in _UNDATED})
    for chunk in chunks(changed, BATCH):
        connection.execute(query, [{"k_code": r["code"], **{f"v_{n}": r[n] for n in _UNDATED}} for r in chunk])
    gone: list[dict[str, Any]] = []
    stands: list[dict[str, Any]] = []
    for before, place in listed:
        known = before.standings if before is not None else ()
        gone += ({"k_place": place.code, "k_since": s.since} for s in known if s not in place.standings)
        stands += (register.standing_row(place.code, s) for s in place.standings if s not in known)
    s = t.place_standing.c
    going = delete(t.place_standing).where(s.place == bindparam("k_place"), s.since == bindparam("k_since"))
    for chunk in chunks(gone, BATCH):
        connection.execute(going, chunk)
    for chunk in chunks(stands, BATCH):
        connection.execute(insert(t.place_standing), chunk)


def _row(place: Place) -> dict[str, Any]:
    return {
        "code": place.code,
        "name": place.name,
        "level": place.level.value,
        "ended_on": place.ended_on,
        "service_from": place.service_from,
        "successors": list(place.successors),
    }


def ended(connection: Connection) -> dict[str, date]:
    """The places that have ended or will, each with the first day on which it is no more."""
    c = t.place.c
    rows = connection.execute(select(c.code, c.ended_on).where(c.ended_on.is_not(None)))
    return {row.code: row.ended_on for row in rows}


def mark_visits_at(
    connection: Connection, stays: Iterable[tuple[str, date, date]], cause: str, *, decided: bool = False
) -> None:
    """Notes that visits at these paths from a first to a last day must be worked out again.

    Those whose findings follow the facts; with `decided` all of them, for where they belong may have changed.
    """
    c = t.visit.c
    found = select(c.id, literal(cause)) if decided else open_visits(cause)
    found = found.where(c.path == bindparam("k_path"), c.day >= bindparam("k_first"), c.day <= bindparam("k_last"))
    query = insert(t.stale_visit).from_select(["visit", "cause"], found)
    rows = [{"k_path": path, "k_first": first, "k_last": last} for path, first, last in sorted(set(stays))]
    for chunk in chunks(rows, BATCH):
        connection.execute(query, chunk)


def mark_visits_without_place(
    connection: Connection, stretches: Sequence[tuple[date, date]], posted_at: Collection[str] | None, cause: str
) -> None:
    """Notes the visits in a stretch of days whose phone left the place out, and which may now be nearest to another.

    Those are the visits of people with a posting at one of the places (none given: whatever posting), for whom the
    nearest of their villages is taken, and of those without any posting on the day, for whom it is the nearest of all.
    """
    c, p = t.visit.c, t.posting.c
    first, last = min(first for first, _ in stretches), max(last for _, last in stretches)
    found = open_visits(cause).where(c.asked_place.is_(None), c.day >= first, c.day <= last)
    if posted_at is not None:
        in_force = and_(p.person == c.person, p.start <= c.day, or_(p.end.is_(None), p.end >= c.day))
        posted_there = c.person.in_(select(p.person).where(p.place.in_(sorted(posted_at))))
        found = found.where(or_(posted_there, ~exists().where(in_force)))
    connection.execute(insert(t.stale_visit).from_select(["visit", "cause"], found))
