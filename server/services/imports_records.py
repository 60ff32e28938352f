"""Day marks and records of visits kept elsewhere, from files."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date

from server.adapters import datum, geodesy
from server.domain import words
from server.domain.calendar import DayKind, DayMark
from server.domain.checkins import Visit
from server.domain.checks import VisitStatus
from server.domain.imports import CellError, DayRow, Parsed, VisitRow
from server.domain.periods import DAY, local_day, month_of, week_of
from server.domain.places import BEGINNING, EVERYWHERE, Tree, stand_in
from server.domain.postings import Posting
from server.services.imports_base import FOREVER, NEAR, Context, Overtaken, Plan, Where, mark_people, refuse, unknown
from server.storage import imports as rows
from server.storage import posted, register
from server.storage.database import Connection

POSITION = ("latitude", "longitude", "accuracy_m", "crs")

# Days


def plan_days(connection: Connection, context: Context, parsed: Parsed[DayRow]) -> Plan:
    """Decides what becomes of rows of day marks; raises ImportRefused for places that do not exist."""
    places = rows.known_places(connection, {row.place for row in parsed.rows})
    refuse(unknown(parsed, "place", "unknown-place", places, empty=EVERYWHERE))
    stored = {(m.day, m.place, m.kind is DayKind.CLOSED): m for m in register.marks(connection)}
    tree = context.deployment.world(connection, register.state(connection).revision).tree
    found = Plan()
    added: list[DayMark] = []
    removed: list[DayMark] = []
    for row in parsed.rows:
        for closure in (False, True) if row.kind == words.NO_MARK else (row.kind == DayKind.CLOSED,):
            was = stored.get((row.day, row.place, closure))
            will = None if row.kind == words.NO_MARK else DayMark(row.day, DayKind(row.kind), row.place)
            if was is None and will is None:
                continue
            subject = f"{row.day.isoformat()} {row.place}".strip()
            before, after = ({"kind": mark.kind.value} if mark else None for mark in (was, will))
            where = Where(tree.path(row.place, row.day) if row.place != EVERYWHERE else "")
            if found.count("day", context.actor, subject, before, after, where):
                removed += [was] if was else []
                added += [will] if will else []
        if row.kind == words.NO_MARK and not any((row.day, row.place, c) in stored for c in (False, True)):
            found.unchanged += 1

    def follow(connection: Connection) -> None:
        register.bump(connection)
        register.put_marks(connection, added, removed)
        touched: dict[str, set[date]] = defaultdict(set)
        for mark in (*added, *removed):
            touched[mark.place].add(mark.day)
        if context.judged is not None:
            mark_people(connection, context, _concerned(connection, touched))

    if added or removed:
        found.follow = follow
    return found


def _concerned(connection: Connection, touched: dict[str, set[date]]) -> Iterator[tuple[str, date, date]]:
    """Everybody posted at, above or inside a marked place in a window of the day; an empty place concerns all."""
    tree = register.tree(connection)
    related: dict[tuple[str, tuple[int, ...]], set[str]] = {}
    every_day = sorted(set().union(*touched.values()))
    held: dict[str, list[Posting]] = defaultdict(list)
    for posting in posted.between(connection, _earlier(every_day[0]), _later(every_day[-1])):
        held[posting.place].append(posting)
    days: dict[str, set[date]] = defaultdict(set)
    for place, its_days in touched.items():
        for day in its_days:
            near = _days_around(tree, day)
            key = (place, tuple(near))
            if key not in related:
                concerned = place == EVERYWHERE
                related[key] = set(held) if concerned else _above_and_inside(tree, place, list(near.values()), held)
            first, last = _earlier(day), _later(day)
            for other in related[key]:
                for posting in held[other]:
                    if posting.start <= last and (posting.end is None or posting.end >= first):
                        days[posting.person].add(day)
    for person, its_days in days.items():
        for first, last in _runs(its_days):
            yield person, first, last


def _earlier(day: date) -> date:
    return max(day, BEGINNING + NEAR) - NEAR


def _later(day: date) -> date:
    return min(day, FOREVER - NEAR) + NEAR


def _above_and_inside(tree: Tree, place: str, days: list[date], posted_at: Collection[str]) -> set[str]:
    """Those of the posted places that lie in the place on the first day, or around what does on any of the days."""
    if len(days) == 1:
        return {p for p in posted_at if tree.lies_in(p, place, days[0]) or tree.lies_in(place, p, days[0])}
    inside = {code for code in tree.places if tree.lies_in(code, place, days[0])}
    return {link for code in inside for day in days for link in tree.chain(code, day) if link in posted_at}


def _days_around(tree: Tree, day: date) -> dict[int, date]:
    """The day, and one of each other era in its week and month, by era.

    A village may be owed there and then by somebody to whom it did not belong on the day itself.
    """
    week, month = week_of(day), month_of(day)
    found = {tree.era(day): day}
    for on in (*week.days(), *month.days()):
        found.setdefault(tree.era(on), on)
    return found


def _runs(days: set[date]) -> Iterator[tuple[date, date]]:
    """The days as spans without gaps."""
    first = last = None
    for day in sorted(days):
        if first is None or last is None or day - last > DAY:
            if first is not None and last is not None:
                yield first, last
            first = day
        last = day
    if first is not None and last is not None:
        yield first, last


# Visits


def plan_visits(connection: Connection, context: Context, parsed: Parsed[VisitRow]) -> Plan:
    """Decides what becomes of records of visits kept elsewhere.

    Raises ImportRefused with every row whose person or place does not exist, or whose id is that of a check-in.
    """
    persons = {row.person for row in parsed.rows}
    places = {row.place for row in parsed.rows}
    stored = rows.stored_visits(connection, [row.id for row in parsed.rows])
    errors: list[CellError] = [
        *unknown(parsed, "person", "unknown-person", rows.known_people(connection, persons)),
        *unknown(parsed, "place", "unknown-place", rows.known_places(connection, places)),
        *(
            parsed.error(row.row, "id", "visit-not-imported")
            for row in parsed.rows
            if row.id in stored and not stored[row.id].imported
        ),
    ]
    refuse(errors)
    tree = context.deployment.world(connection, register.state(connection).revision).tree
    found = Plan()
    added: list[Visit] = []
    changed: list[Visit] = []
    touched: dict[str, set[date]] = defaultdict(set)
    for row in parsed.rows:
        visit = _visit(row, tree, context)
        was = stored.get(row.id)
        if was is not None:
            status = VisitStatus(was.status) if was.decided or was.held else visit.status
            visit = replace(visit, status=status, decided=was.decided, held=was.held, version=was.version + 1)
            if (was.content, was.status) == (visit.content, visit.status):
                found.unchanged += 1
                continue
            touched[was.person].add(was.day)
        touched[visit.person].add(visit.day)
        where = Where(visit.path, visit.person, POSITION)
        before = _shown(was) if was else None
        if before and before["person"] != visit.person:
            before = {name: before[name] for name in before if name not in POSITION}  # it is not about this person
        found.count("visit", context.actor, row.id, before, _shown(visit), where)
        (changed if was else added).append(visit)

    def follow(connection: Connection) -> None:
        known = {visit.id: stored[visit.id] for visit in changed}
        if rows.stored_visits(connection, known) != known:
            raise Overtaken  # a person has decided on one since it was read: that stays
        rows.bump_visits(connection, touched)
        rows.add_visits(connection, added)
        rows.change_visits(connection, changed)
        spans = ((person, *span) for person, days in touched.items() for span in _runs(days))
        mark_people(connection, context, spans)

    if touched:
        found.follow = follow
    return found


def _visit(row: VisitRow, tree: Tree, context: Context) -> Visit:
    day = local_day(row.captured_at, context.deployment.zone)
    latitude = longitude = None
    if row.latitude is not None and row.longitude is not None:
        latitude, longitude = datum.to_wgs84(row.latitude, row.longitude, context.crs)
    crs = None if latitude is None else context.crs
    point = None if latitude is None or longitude is None else (latitude, longitude)
    place = stand_in(row.place, day, point, tree, geodesy.rough_distance_m)
    content = [
        row.person,
        row.place,
        row.activity,
        row.captured_at.isoformat(),
        row.latitude,
        row.longitude,
        row.accuracy_m,
        crs,
    ]
    return Visit(
        id=row.id,
        person=row.person,
        place=place,
        asked_place=row.place,
        path=tree.path(place, day),
        activity=row.activity,
        captured_at=row.captured_at,
        occurred_at=row.captured_at,
        day=day,
        received_at=context.now,
        latitude=latitude,
        longitude=longitude,
        accuracy_m=row.accuracy_m,
        crs=crs,
        raw_latitude=row.latitude,
        raw_longitude=row.longitude,
        functions=(),
        note="",
        device={},
        skew_s=0,
        content=hashlib.sha256(json.dumps(content).encode()).digest(),
        status=row.status,
        imported=True,
    )


def _shown(visit: Visit | rows.StoredVisit) -> dict[str, object]:
    return {
        "person": visit.person,
        "place": visit.place,
        "activity": str(visit.activity),
        "captured_at": visit.captured_at.isoformat(),
        "latitude": visit.raw_latitude,
        "longitude": visit.raw_longitude,
        "accuracy_m": visit.accuracy_m,
        "crs": visit.crs,
        "status": str(visit.status),
    }
