"""Whole files at once: many rows added or changed in a few statements, and what must be worked out again after."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.sql.selectable import Select

from server.domain.checkins import Entry, Visit
from server.domain.imports import LeaveRow, PersonRow, PostingRow
from server.domain.places import Level
from server.domain.postings import Leave, Posting
from server.storage import logbook, people
from server.storage import tables as t
from server.storage import visits as visit_rows
from server.storage.people import chunks

BATCH = 5000  # rows handed to the driver at a time


def hold_people(connection: Connection) -> None:
    """Waits for the check-ins that are being written, and lets no other begin until this transaction ends.

    A check-in whose findings rest on the facts before this change is then there to be marked, or is decided again. On
    SQLite a transaction is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE"))


# Places


def known_places(connection: Connection, codes: Collection[str]) -> dict[str, tuple[str, Level]]:
    """Name and level of those of these places that exist."""
    c = t.place.c
    found: dict[str, tuple[str, Level]] = {}
    for chunk in chunks(sorted(set(codes))):
        for code, name, level in connection.execute(select(c.code, c.name, c.level).where(c.code.in_(chunk))):
            found[code] = (name, Level(level))
    return found


def move_visits(connection: Connection, moves: Iterable[tuple[str, str, date, date]]) -> None:
    """Gives visits on the days from one day to before another their place's new path: (old, new, from, before)."""
    c = t.visit.c
    query = update(t.visit).where(
        c.path == bindparam("k_path"), c.day >= bindparam("k_from"), c.day < bindparam("k_before")
    )
    rows = ({"k_path": old, "v_path": new, "k_from": first, "k_before": last} for old, new, first, last in moves)
    _execute(connection, query.values(path=bindparam("v_path")), rows)


# People, postings, leave


def known_people(connection: Connection, codes: Collection[str]) -> set[str]:
    """Those of these people who exist."""
    found: set[str] = set()
    for chunk in chunks(sorted(set(codes))):
        found.update(connection.scalars(select(t.person.c.code).where(t.person.c.code.in_(chunk))))
    return found


def add_people(connection: Connection, rows: Iterable[PersonRow]) -> None:
    """Stores new people."""
    _insert(
        connection, t.person, ({"code": r.code, "name": r.name, "phone": r.phone or "", "unit": r.unit} for r in rows)
    )


def change_people(connection: Connection, rows: Iterable[PersonRow]) -> None:
    """Changes these people's names, telephone numbers and units."""
    query = update(t.person).where(t.person.c.code == bindparam("k_code"))
    query = query.values(name=bindparam("v_name"), phone=bindparam("v_phone"), unit=bindparam("v_unit"))
    values = ({"k_code": r.code, "v_name": r.name, "v_phone": r.phone or "", "v_unit": r.unit} for r in rows)
    _execute(connection, query, values)


def postings_of(connection: Connection, codes: Collection[str]) -> dict[str, list[Posting]]:
    """The postings of these people, past and to come."""
    found: dict[str, list[Posting]] = {}
    for chunk in chunks(sorted(set(codes))):
        found.update(people.postings_of(connection, chunk))
    return found


def leaves_of(connection: Connection, codes: Collection[str]) -> dict[str, list[Leave]]:
    """The approved leaves of these people."""
    found: dict[str, list[Leave]] = {}
    for chunk in chunks(sorted(set(codes))):
        found.update(people.leaves_of(connection, chunk))
    return found


def add_postings(connection: Connection, rows: Iterable[PostingRow]) -> None:
    """Stores new postings."""
    names = ("person", "role", "place", "start", "end", "office_weekday")
    _insert(connection, t.posting, ({name: getattr(r, name) for name in names} for r in rows))


def change_postings(connection: Connection, rows: Iterable[PostingRow]) -> None:
    """Changes the last day and the office weekday of postings, found by person, role, place and first day."""
    c = t.posting.c
    keys = ("person", "role", "place", "start")
    query = update(t.posting).where(*(c[name] == bindparam(f"k_{name}") for name in keys))
    query = query.values(end=bindparam("v_end"), office_weekday=bindparam("v_weekday"))
    values = (
        {f"k_{name}": getattr(r, name) for name in keys} | {"v_end": r.end, "v_weekday": r.office_weekday} for r in rows
    )
    _execute(connection, query, values)


def add_leaves(connection: Connection, rows: Iterable[LeaveRow]) -> None:
    """Stores new leaves."""
    names = ("person", "start", "end", "kind", "note")
    _insert(connection, t.leave, ({name: getattr(r, name) for name in names} for r in rows))


def change_leaves(connection: Connection, rows: Iterable[LeaveRow]) -> None:
    """Changes the notes of leaves, found by person, days and kind."""
    c = t.leave.c
    keys = ("person", "start", "end", "kind")
    query = update(t.leave).where(*(c[name] == bindparam(f"k_{name}") for name in keys))
    values = ({f"k_{name}": getattr(r, name) for name in keys} | {"v_note": r.note} for r in rows)
    _execute(connection, query.values(note=bindparam("v_note")), values)


def posted(connection: Connection, places: Collection[str] | None = None) -> list[tuple[str, str]]:
    """(person, place) of everybody who has or had a posting at one of the places; none given: at any."""
    c = t.posting.c
    query = select(c.person, c.place).distinct()
    if places is None:
        return [(person, place) for person, place in connection.execute(query)]
    found: list[tuple[str, str]] = []
    for chunk in chunks(sorted(set(places))):
        found += ((person, place) for person, place in connection.execute(query.where(c.place.in_(chunk))))
    return found


def bump_visits(connection: Connection, codes: Iterable[str]) -> None:
    """Counts a change of these people's visits."""
    c = t.person.c
    for chunk in chunks(sorted(set(codes))):
        connection.execute(update(t.person).where(c.code.in_(chunk)).values(visits=c.visits + 1))


# Visits


@dataclass(frozen=True, slots=True)
class StoredVisit:
    """As much of a stored visit as an import compares."""

    id: str
    person: str
    place: str
    activity: str
    captured_at: datetime
    day: date
    raw_latitude: float | None
    raw_longitude: float | None
    accuracy_m: float | None
    crs: str | None
    status: str
    content: bytes
    imported: bool
    decided: bool
    held: bool
    version: int


def stored_visits(connection: Connection, ids: Collection[str]) -> dict[str, StoredVisit]:
    """Those of these visits that are stored."""
    columns = [t.visit.c[name] for name in StoredVisit.__slots__]
    found: dict[str, StoredVisit] = {}
    for chunk in chunks(sorted(set(ids))):
        for row in connection.execute(select(*columns).where(t.visit.c.id.in_(chunk))):
            found[row.id] = StoredVisit(*row)
    return found


_CHANGED = ("person", "place", "asked_place", "path", "activity", "captured_at", "occurred_at", "day", "latitude",
            "longitude", "accuracy_m", "crs", "raw_latitude", "raw_longitude", "content", "version")  # fmt: skip


def add_visits(connection: Connection, visits: Iterable[Visit]) -> None:
    """Stores new visits."""
    visit_rows.insert_many(connection, visits)


def change_visits(connection: Connection, visits: Iterable[Visit]) -> None:
    """Changes imported records to what the file says; when they came first stays."""
    query = update(t.visit).where(t.visit.c.id == bindparam("k_id"))
    query = query.values({name: bindparam(f"v_{name}") for name in (*_CHANGED, "status")})
    values = (
        {f"v_{name}": getattr(v, name) for name in _CHANGED} | {"k_id": v.id, "v_status": v.status.value}
        for v in visits
    )
    _execute(connection, query, values)


def any_visits(connection: Connection) -> bool:
    """Whether there are visits at all."""
    return connection.execute(select(t.visit.c.id).limit(1)).first() is not None


def mark_visits_of(connection: Connection, spans: Iterable[tuple[str, date, date]], cause: str) -> None:
    """Notes that the findings of these people's visits on these days must be worked out again."""
    c = t.visit.c
    found = open_visits(cause).where(
        c.person == bindparam("k_person"), c.day >= bindparam("k_first"), c.day <= bindparam("k_last")
    )
    query = insert(t.stale_visit).from_select(["visit", "cause"], found)
    _execute(connection, query, ({"k_person": p, "k_first": first, "k_last": last} for p, first, last in spans))


def open_visits(cause: str) -> "Select[Any]":
    """Visits whose findings are ours to work out, as `Visit.is_examined` says."""
    c = t.visit.c
    from_phones = or_(c.entry.is_(None), c.entry != Entry.PAPER.value)
    return select(c.id, literal(cause)).where(c.decided.is_(False), c.imported.is_(False), from_phones)


def _insert(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    for chunk in chunks(rows, BATCH):
        connection.execute(insert(table), chunk)


def _execute(connection: Connection, query: Any, rows: Iterable[dict[str, Any]]) -> None:
    for chunk in chunks(rows, BATCH):
        connection.execute(query, chunk)


def log(connection: Connection, at: datetime, lines: Iterable[logbook.Line]) -> None:
    """Adds log lines, however many."""
    for chunk in chunks(lines, BATCH):
        logbook.write(connection, at, chunk)
