"""Facts put straight into the tables, each with the marks that its real writer leaves, in one transaction."""

import csv
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select, update

from server.domain.calendar import DayKind, DayMark
from server.domain.checkins import Visit
from server.domain.checks import VisitStatus
from server.domain.duties import SHIPPED, Duty
from server.domain.periods import local_day
from server.domain.places import BEGINNING, EVERYWHERE, Level, Place, Standing
from server.domain.postings import Leave, Posting
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import people, register, visits
from server.storage import tables as t
from server.storage.people import Person
from tests.domain.county import COUNTY

ZONE = ZoneInfo("Asia/Shanghai")
EVER = (date.min, date.max)


def opened(url: str, folder: Path, **given: Any) -> Deployment:
    """A deployment on a database that has its tables."""
    return open_deployment(Settings(database_url=url, uploads=folder / "uploads", **given))


def county(deployment: Deployment, persons: Sequence[str] = ("p", "q")) -> None:
    """The small county of the domain's tests, the shipped duties, and some people without postings."""
    with deployment.database.write() as connection:
        for duty in SHIPPED:
            register.put_duty(connection, duty)
        register.insert_places(connection, COUNTY)
        register.bump(connection)
    add_people(deployment, [Person(code, f"name of {code}", phone="13800000000") for code in persons])


def add_people(deployment: Deployment, persons: Iterable[Person]) -> None:
    rows = [{"code": p.code, "name": p.name, "phone": p.phone, "unit": p.unit} for p in persons]
    with deployment.database.write() as connection:
        connection.execute(insert(t.person), rows)


def post(deployment: Deployment, *postings: Posting) -> None:
    with deployment.database.write() as connection:
        for p in postings:
            row = {"person": p.person, "role": str(p.role), "place": p.place, "start": p.start, "end": p.end}
            connection.execute(insert(t.posting).values(office_weekday=p.office_weekday, **row))
        _judge_again(connection, {p.person for p in postings})


def end_postings(deployment: Deployment, person: str, end: date) -> None:
    """Every posting of the person that has no end, or a later one, ends on the day; one that begins later goes."""
    c = t.posting.c
    with deployment.database.write() as connection:
        connection.execute(delete(t.posting).where(c.person == person, c.start > end))
        later = (c.end.is_(None)) | (c.end > end)
        connection.execute(update(t.posting).where(c.person == person, later).values(end=end))
        _judge_again(connection, {person})


def leave(deployment: Deployment, *leaves: Leave) -> None:
    with deployment.database.write() as connection:
        for x in leaves:
            row = {"person": x.person, "start": x.start, "end": x.end, "kind": str(x.kind), "note": x.note}
            connection.execute(insert(t.leave).values(row))
            people.bump_facts(connection, [x.person])
            people.mark_stale(connection, [(x.person, x.start, x.end)])


def mark(deployment: Deployment, *marks: DayMark) -> None:
    with deployment.database.write() as connection:
        register.put_marks(connection, marks, ())
        register_changed(connection)


def change_place(deployment: Deployment, code: str, standing: Standing) -> None:
    """A place stands otherwise from a day on."""
    with deployment.database.write() as connection:
        connection.execute(
            insert(t.place_standing).values(
                place=code,
                since=standing.since,
                parent=standing.parent,
                points=[list(point) for point in standing.points],
                central_village=standing.central_village,
            )
        )
        register_changed(connection)


def change_duty(deployment: Deployment, duty: Duty) -> None:
    with deployment.database.write() as connection:
        register.put_duty(connection, duty)
        register_changed(connection)


def visited(
    deployment: Deployment,
    person: str,
    place: str,
    day: date,
    activity: str = "visit",
    status: str = "confirmed",
    *,
    at: datetime | None = None,
    **given: Any,
) -> str:
    """A visit on a day, at noon, or at an instant; its id."""
    instant = at or datetime.combine(day, time(12), ZONE)
    visit = made(person, place, instant, activity, status, deployment.zone, **given)
    with deployment.database.read() as connection:
        path = deployment.world(connection).tree.path(place, visit.day)
    store(deployment, [replace(visit, path=path)])
    return visit.id


def made(
    person: str, place: str, instant: datetime, activity: str, status: str, zone: ZoneInfo = ZONE, **given: Any
) -> Visit:
    values: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "person": person,
        "place": place,
        "asked_place": place,
        "path": "",
        "activity": activity,
        "captured_at": instant.astimezone(UTC),
        "occurred_at": instant.astimezone(UTC),
        "day": local_day(instant, zone),
        "received_at": instant.astimezone(UTC),
        "functions": (),
        "note": "",
        "device": {},
        "skew_s": 0.0,
        "content": b"\0" * 32,
        "status": VisitStatus(status),
        **given,
    }
    for name in ("latitude", "longitude", "accuracy_m", "crs", "raw_latitude", "raw_longitude"):
        values.setdefault(name, None)
    return Visit(**values)


def store(deployment: Deployment, made_visits: Sequence[Visit]) -> None:
    with deployment.database.write() as connection:
        visits.insert_many(connection, made_visits)
        _visits_changed(connection, [(v.person, v.day) for v in made_visits])


def decide(deployment: Deployment, visit: str, status: str) -> None:
    """The visit's status becomes another."""
    c = t.visit.c
    with deployment.database.write() as connection:
        person, day = connection.execute(select(c.person, c.day).where(c.id == visit)).one()
        connection.execute(update(t.visit).where(c.id == visit).values(status=status))
        _visits_changed(connection, [(person, day)])


def _visits_changed(connection: Any, touched: Sequence[tuple[str, date]]) -> None:
    c = t.person.c
    for person in sorted({person for person, _ in touched}):
        connection.execute(update(t.person).where(c.code == person).values(visits=c.visits + 1))
    people.mark_stale(connection, [(person, day, day) for person, day in touched])


def _judge_again(connection: Any, persons: Iterable[str]) -> None:
    people.bump_facts(connection, persons)
    people.mark_stale(connection, [(person, *EVER) for person in sorted(persons)])


def register_changed(connection: Any) -> None:
    register.bump(connection)
    people.mark_stale(connection, [(p, *EVER) for p in people.posted_between(connection, *EVER)])


def load(deployment: Deployment, folder: Path) -> None:
    """The files of a golden folder."""
    with deployment.database.write() as connection:
        for duty in SHIPPED:
            register.put_duty(connection, duty)
        register.insert_places(
            connection,
            [
                Place(
                    row["code"],
                    row["name"],
                    Level(row["level"]),
                    (Standing(BEGINNING, row["parent"] or None, central_village=row["central_village"] or None),),
                )
                for row in _rows(folder, "places")
            ],
        )
        register.bump(connection)
    add_people(deployment, [Person(row["code"], row["name"]) for row in _rows(folder, "people")])
    mark(
        deployment,
        *(
            DayMark(_day(row["date"]), DayKind(row["kind"]), row["place"] or EVERYWHERE)
            for row in _rows(folder, "days")
        ),
    )
    post(
        deployment,
        *(
            Posting(
                row["person"],
                row["role"],
                row["place"],
                _day(row["start"]),
                _day(row["end"]) if row["end"] else None,
                int(row["office_weekday"]) if row["office_weekday"] else None,
            )
            for row in _rows(folder, "postings")
        ),
    )
    leave(
        deployment,
        *(
            Leave(row["person"], _day(row["start"]), _day(row["end"]), row["kind"], row["note"])
            for row in _rows(folder, "leave")
        ),
    )
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
    found = []
    for row in _rows(folder, "visits"):
        visit = made(
            row["person"],
            row["place"],
            datetime.fromisoformat(row["captured_at"]),
            row["activity"],
            row["status"],
            deployment.zone,
            id=row["id"],
            imported=True,
        )
        found.append(replace(visit, path=tree.path(visit.place, visit.day)))
    store(deployment, found)


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str) -> date:
    return date.fromisoformat(text)
