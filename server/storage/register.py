"""The register everybody shares: places, duties and day marks, and how far verdicts are stored."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from server.domain.calendar import DayKind, DayMark
from server.domain.duties import DayOff, Duty, Fixed, Target
from server.domain.places import Level, Place, Standing, Tree
from server.storage import tables as t


@dataclass(frozen=True, slots=True)
class State:
    """The register's own row."""

    revision: int
    judged_from: date | None
    judged_to: date | None
    basis: str


def state(connection: Connection, lock: bool = False) -> State:
    """The register's state; with `lock`, held against other changes until the transaction ends."""
    query = select(t.register.c.revision, t.register.c.judged_from, t.register.c.judged_to, t.register.c.basis)
    row = connection.execute(query.with_for_update() if lock else query).one()
    return State(*row)


def bump(connection: Connection) -> None:
    """Counts one change of places, duties or days."""
    connection.execute(update(t.register).values(revision=t.register.c.revision + 1))


def set_judged(connection: Connection, first: date, last: date) -> None:
    """Keeps the span of days for whose windows verdicts are stored."""
    connection.execute(update(t.register).values(judged_from=first, judged_to=last))


def set_basis(connection: Connection, basis: str) -> None:
    """Keeps the settings under which the stored verdicts were judged."""
    connection.execute(update(t.register).values(basis=basis))


def tree(connection: Connection) -> Tree:
    """Every place with its standings."""
    standings: dict[str, list[Standing]] = defaultdict(list)
    s = t.place_standing.c
    columns = (s.place, s.since, s.parent, s.points, s.radius_m, s.polygon, s.central_village)
    for row in connection.execute(select(*columns).order_by(s.place, s.since)):
        points = tuple((point[0], point[1]) for point in row.points)
        standings[row.place].append(
            Standing(row.since, row.parent, points, row.radius_m, row.polygon, row.central_village)
        )
    p = t.place.c
    places = (
        Place(
            row.code,
            row.name,
            Level(row.level),
            tuple(standings[row.code]),
            row.ended_on,
            row.service_from,
            tuple(row.successors),
        )
        for row in connection.execute(select(p.code, p.name, p.level, p.ended_on, p.service_from, p.successors))
    )
    return Tree(places)


def insert_places(connection: Connection, places: Sequence[Place]) -> None:
    """Stores new places with their standings; parents must be stored already or be among them, in any order."""
    if not places:
        return
    rows = [
        {
            "code": p.code,
            "name": p.name,
            "level": p.level.value,
            "ended_on": p.ended_on,
            "service_from": p.service_from,
        }
        for p in places
    ]
    connection.execute(insert(t.place), rows)
    connection.execute(
        insert(t.place_standing), [standing_row(place.code, s) for place in places for s in place.standings]
    )


def put_standing(connection: Connection, code: str, standing: Standing) -> None:
    """Stores how a place stands from a day on, replacing what was stored for the same day."""
    s = t.place_standing
    connection.execute(delete(s).where(s.c.place == code, s.c.since == standing.since))
    connection.execute(insert(s), [standing_row(code, standing)])


def standing_row(code: str, standing: Standing) -> dict[str, Any]:
    """A standing as a row of its table."""
    return {
        "place": code,
        "since": standing.since,
        "parent": standing.parent,
        "points": [list(point) for point in standing.points],
        "radius_m": standing.radius_m,
        "polygon": standing.polygon,
        "central_village": standing.central_village,
    }


def moved_days(connection: Connection) -> dict[tuple[str, str], dict[str, date]]:
    """By duty and window, then by place: the day on which a fixed day falls there instead."""
    c = t.day_move.c
    found: dict[tuple[str, str], dict[str, date]] = defaultdict(dict)
    for duty, window, place, day in connection.execute(select(c.duty, c.window, c.place, c.day)):
        found[(duty, window)][place] = day
    return dict(found)


def marks(connection: Connection) -> list[DayMark]:
    """Every day mark and closure."""
    c = t.day_mark.c
    return [
        DayMark(day, DayKind(kind), place) for day, place, kind in connection.execute(select(c.day, c.place, c.kind))
    ]


def put_marks(connection: Connection, added: Iterable[DayMark], removed: Iterable[DayMark]) -> None:
    """Takes away and stores day marks; a closure stands beside an off or work mark of the same day and place."""
    for mark in removed:
        c = t.day_mark.c
        closure = mark.kind is DayKind.CLOSED
        connection.execute(delete(t.day_mark).where(c.day == mark.day, c.place == mark.place, c.closure.is_(closure)))
    rows = [{"day": m.day, "place": m.place, "kind": m.kind.value, "closure": m.kind is DayKind.CLOSED} for m in added]
    if rows:
        connection.execute(insert(t.day_mark), rows)


def duties(connection: Connection) -> list[Duty]:
    """Every version of every duty."""
    return [
        Duty(
            code=row.code,
            role=row.role,
            activities=frozenset(row.activities),
            target=Target(row.target),
            every=row.every,
            fixed=Fixed(row.fixed),
            number=row.number,
            day_off=DayOff(row.day_off),
            times=row.times,
            min_photos=row.min_photos,
            since=row.since,
            active=row.active,
        )
        for row in connection.execute(select(t.duty).order_by(t.duty.c.code, t.duty.c.since))
    ]


def put_duty(connection: Connection, duty: Duty) -> None:
    """Stores one version of a duty, replacing a version of the same day."""
    connection.execute(delete(t.duty).where(t.duty.c.code == duty.code, t.duty.c.since == duty.since))
    connection.execute(
        insert(t.duty).values(
            code=duty.code,
            since=duty.since,
            role=str(duty.role),
            activities=sorted(duty.activities),
            target=duty.target.value,
            every=duty.every,
            fixed=duty.fixed.value,
            number=duty.number,
            day_off=duty.day_off.value,
            times=duty.times,
            min_photos=duty.min_photos,
            active=duty.active,
        )
    )
