"""People, their postings and their leave from files."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from server.domain.imports import CellError, LeaveRow, Parsed, PersonRow, PostingRow
from server.domain.places import Level, Tree
from server.domain.postings import Leave, Posting, Role, overlapping
from server.services.imports_base import (
    FOREVER,
    Context,
    Plan,
    Remark,
    Where,
    mark_people,
    refuse,
    text_of,
    unknown,
)
from server.services.record import homes
from server.storage import imports as rows
from server.storage import people, register
from server.storage import places as places_stored
from server.storage.database import Connection

PERSONAL = ("name", "phone", "unit")
LEVELS: Mapping[Role, Level] = {
    Role.ENVOY: Level.VILLAGE,
    Role.FIRST_SECRETARY: Level.VILLAGE,
    Role.STATIONED_CADRE: Level.VILLAGE,
    Role.DISTRICT_SECRETARY: Level.DISTRICT,
    Role.PAIRED_LEADER: Level.TOWNSHIP,
}


def plan_people(connection: Connection, context: Context, parsed: Parsed[PersonRow]) -> Plan:
    """Decides what becomes of rows of people."""
    codes = [row.code for row in parsed.rows]
    stored = people.named(connection, codes)
    paths = homes(connection, context.deployment, codes, context.now)
    found = Plan()
    added: list[PersonRow] = []
    changed: list[PersonRow] = []
    for row in parsed.rows:
        was = stored.get(row.code)
        before = {"name": was.name, "phone": was.phone, "unit": was.unit} if was else None
        after = {"name": row.name, "phone": row.phone or "", "unit": row.unit}
        where = Where(paths[row.code], row.code, PERSONAL)
        if found.count("person", context.actor, row.code, before, after, where):
            (changed if was else added).append(row)
    found.store = lambda connection: rows.add_people(connection, added)
    found.follow = lambda connection: rows.change_people(connection, changed)
    return found


# Postings


def plan_postings(connection: Connection, context: Context, parsed: Parsed[PostingRow]) -> Plan:
    """Decides what becomes of rows of postings; raises ImportRefused with every row that does not fit the register."""
    codes = {row.person for row in parsed.rows}
    places = rows.known_places(connection, {row.place for row in parsed.rows})
    stored = {_key(p): p for of_one in rows.postings_of(connection, codes).values() for p in of_one}
    errors = [
        *unknown(parsed, "person", "unknown-person", rows.known_people(connection, codes)),
        *unknown(parsed, "place", "unknown-place", places),
        *_wrong_levels(parsed, {code: level for code, (_, level) in places.items()}),
        *_ended(connection, parsed),
        *_overlaps(parsed, stored.values()),
    ]
    refuse(errors)
    tree = context.deployment.world(connection, register.state(connection).revision).tree
    found = Plan(remarks=list(_without_office_day(context, parsed, tree)))
    added: list[PostingRow] = []
    changed: list[PostingRow] = []
    spans: list[tuple[str, date, date]] = []
    for row in parsed.rows:
        was = stored.get(_key(row))
        before = {"end": text_of(was.end), "office_weekday": was.office_weekday} if was else None
        after = {"end": text_of(row.end), "office_weekday": row.office_weekday}
        subject = " ".join((row.person, row.role, row.place, row.start.isoformat()))
        where = Where(tree.path(row.place, max(row.start, context.today)), row.person)
        if found.count("posting", context.actor, subject, before, after, where):
            (changed if was else added).append(row)
            end = max(row.end or FOREVER, (was.end or FOREVER) if was else date.min)
            spans.append((row.person, row.start, end))

    def follow(connection: Connection) -> None:
        people.bump_facts(connection, {person for person, _, _ in spans})
        rows.add_postings(connection, added)
        rows.change_postings(connection, changed)
        mark_people(connection, context, spans)
        if rows.any_visits(connection):
            rows.mark_visits_of(connection, spans, "posting")

    if spans:
        found.follow = follow
    return found


def _key(posting: Posting | PostingRow) -> tuple[str, str, str, date]:
    return posting.person, str(posting.role), posting.place, posting.start


def _wrong_levels(parsed: Parsed[PostingRow], levels: Mapping[str, Level]) -> Iterator[CellError]:
    for row in parsed.rows:
        wanted, level = LEVELS.get(row.role), levels.get(row.place)
        if wanted is not None and level is not None and level is not wanted:
            yield parsed.error(row.row, "place", f"role-needs-{wanted.value}", value=row.place)


def _ended(connection: Connection, parsed: Parsed[PostingRow]) -> Iterator[CellError]:
    """Nobody is posted to a place that is no more: a file of before a merger would bring the old postings back."""
    ended = places_stored.ended(connection)
    for row in parsed.rows:
        if row.place in ended and (row.end or FOREVER) >= ended[row.place]:
            yield parsed.error(row.row, "end", "place-ended", value=row.place)


def _overlaps(parsed: Parsed[PostingRow], stored: Iterable[Posting]) -> Iterator[CellError]:
    """Postings of one person in one role at one place that share a day, in the file or with stored ones."""
    in_file = {_key(row): row for row in parsed.rows}
    all_of_them = [p for p in stored if _key(p) not in in_file]
    all_of_them += [Posting(r.person, r.role, r.place, r.start, r.end, r.office_weekday) for r in parsed.rows]
    for earlier, later in overlapping(all_of_them):
        known = [row for row in (in_file.get(_key(later)), in_file.get(_key(earlier))) if row is not None]
        if not known:
            continue
        row = max(known, key=lambda row: row.row)
        other = earlier if _key(row) == _key(later) else later
        days = {"start": other.start.isoformat(), "end": other.end.isoformat() if other.end else "…"}
        if len(known) == 2:
            yield parsed.error(row.row, "start", "overlap-in-file", row=min(r.row for r in known), **days)
        else:
            yield parsed.error(row.row, "start", "overlap-stored", **days)


def _without_office_day(context: Context, parsed: Parsed[PostingRow], tree: Tree) -> Iterator[Remark]:
    """Secretaries who owe no office day for want of a weekday or a central village (duties.md, Postings)."""
    for row in parsed.rows:
        if row.role is not Role.DISTRICT_SECRETARY:
            continue
        day = max(row.start, min(context.today, row.end or FOREVER))
        if row.office_weekday is None:
            yield Remark("import.no-office-weekday", {"row": row.row, "person": row.person, "place": row.place})
        elif tree.central_village(row.place, day) is None:
            yield Remark("import.no-central-village", {"row": row.row, "person": row.person, "place": row.place})


# Leave


def plan_leave(connection: Connection, context: Context, parsed: Parsed[LeaveRow]) -> Plan:
    """Decides what becomes of rows of leave; raises ImportRefused for people who do not exist."""
    codes = {row.person for row in parsed.rows}
    refuse(unknown(parsed, "person", "unknown-person", rows.known_people(connection, codes)))
    stored: dict[tuple[Any, ...], Leave] = {}
    for of_one in rows.leaves_of(connection, codes).values():
        stored |= {_leave_key(leave): leave for leave in of_one}
    paths = homes(connection, context.deployment, codes, context.now)
    found = Plan()
    added: list[LeaveRow] = []
    changed: list[LeaveRow] = []
    spans: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for row in parsed.rows:
        was = stored.get(_leave_key(row))
        before = {"kind": row.kind, "note": was.note} if was else None
        subject = " ".join((row.person, row.start.isoformat(), row.end.isoformat()))
        where = Where(paths[row.person], row.person, ("kind", "note"))  # that somebody is ill is personal
        if found.count("leave", context.actor, subject, before, {"kind": row.kind, "note": row.note}, where):
            (changed if was else added).append(row)
            if not was:
                spans[row.person].append((row.start, row.end))

    def follow(connection: Connection) -> None:
        people.bump_facts(connection, {row.person for row in (*added, *changed)})
        rows.add_leaves(connection, added)
        rows.change_leaves(connection, changed)
        mark_people(connection, context, ((p, first, last) for p, its in spans.items() for first, last in its))

    if added or changed:
        found.follow = follow
    return found


def _leave_key(leave: Leave | LeaveRow) -> tuple[str, date, date, str]:
    return leave.person, leave.start, leave.end, str(leave.kind)
