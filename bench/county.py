"""Made-up counties of Leling's size, with their people and as many visits behind them as a measurement asks for."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import insert

from server.adapters import secrets
from server.domain.checkins import Visit, VisitPhoto
from server.domain.checks import Finding, Outcome, VisitStatus
from server.domain.duties import SHIPPED
from server.domain.places import BEGINNING, Level, Place, Standing, Tree
from server.domain.postings import Posting, Role
from server.services.deployment import Deployment
from server.storage import logbook, register, visits
from server.storage import tables as t
from server.storage.people import chunks

TOWNSHIPS, DISTRICTS, VILLAGES = 16, 154, 1052  # of one county: as in Leling's register
WEEK = timedelta(days=7)
STEP = 0.02  # degrees between neighbouring villages: some 2 km
FINDINGS = tuple(
    Finding(check, Outcome.PASS, reason, value, limit)
    for check, reason, value, limit in (
        ("place", "", 38.2, 500),
        ("accuracy", "", 12.0, 100),
        ("posting", "", None, None),
        ("clock", "", 4.0, 259_200),
        ("photos", "", 1, 1),
        ("photo-place", "no-tag", None, 512),
        ("photo-time", "no-tag", None, -7200),
        ("photo-reuse", "", 0, 0),
        ("speed", "", 0.1, 150),
        ("mock", "", None, None),
    )
)


@dataclass(frozen=True, slots=True)
class Envoy:
    """Who checks in: a person, the village, and where it lies in degrees."""

    person: str
    village: str
    latitude: float
    longitude: float

    @property
    def token(self) -> str:
        """The token that `settle` gives this person."""
        return f"bench-{self.person}"


@dataclass(frozen=True, slots=True)
class Counties:
    """Places and postings of some counties, and the envoys among them."""

    places: list[Place]
    postings: list[Posting]
    envoys: list[Envoy]


def counties(number: int, start: date) -> Counties:
    """So many counties of 16 townships, 154 districts and 1,052 villages, everybody posted from `start` on."""
    made = Counties([], [], [])
    for n in range(number):
        _county(made, f"c{n:03d}", (25.0 + n // 10 * 1.2, 100.0 + n % 10 * 1.2), start)
    return made


def _county(made: Counties, county: str, corner: tuple[float, float], start: date) -> None:
    def add(code: str, level: Level, parent: str | None, at: tuple[float, float], central: str | None = None) -> None:
        made.places.append(Place(code, code, level, (Standing(BEGINNING, parent, (at,), central_village=central),)))

    def post(code: str, role: Role, place: str, weekday: int | None = None) -> None:
        made.postings.append(Posting(code, role, place, start, None, weekday))

    def at(n: int) -> tuple[float, float]:
        return round(corner[0] + n // 33 * STEP, 6), round(corner[1] + n % 33 * STEP, 6)

    add(county, Level.COUNTY, None, corner)
    for n in range(TOWNSHIPS):
        add(f"{county}-t{n:02d}", Level.TOWNSHIP, county, at(n * VILLAGES // TOWNSHIPS))
        post(f"{county}-l{n:02d}", Role.PAIRED_LEADER, f"{county}-t{n:02d}")
    for n in range(DISTRICTS):
        first = -(-n * VILLAGES // DISTRICTS)
        parent = f"{county}-t{n * TOWNSHIPS // DISTRICTS:02d}"
        add(f"{county}-d{n:03d}", Level.DISTRICT, parent, at(first), f"{county}-v{first:04d}")
        post(f"{county}-s{n:03d}", Role.DISTRICT_SECRETARY, f"{county}-d{n:03d}", n % 5 + 1)
    for n in range(VILLAGES):
        add(f"{county}-v{n:04d}", Level.VILLAGE, f"{county}-d{n * DISTRICTS // VILLAGES:03d}", at(n))
        post(f"{county}-e{n:04d}", Role.ENVOY, f"{county}-v{n:04d}")
        made.envoys.append(Envoy(f"{county}-e{n:04d}", f"{county}-v{n:04d}", *at(n)))


def settle(deployment: Deployment, made: Counties, now: datetime) -> None:
    """Stores the counties in an empty database, with an account and a token for every envoy."""
    people = sorted({posting.person for posting in made.postings})
    expires_at = now + timedelta(days=9)
    with deployment.database.write() as connection:
        register.insert_places(connection, made.places)
        for duty in SHIPPED:
            register.put_duty(connection, duty)
        for chunk in chunks(people, 5000):
            connection.execute(insert(t.person), [{"code": p, "name": p, "phone": "", "unit": ""} for p in chunk])
        for posts in chunks(made.postings, 5000):
            connection.execute(insert(t.posting), [{name: getattr(p, name) for name in _POSTING} for p in posts])
        for envoys in chunks(made.envoys, 5000):
            codes = [(envoy.person, secrets.token_digest(envoy.token)) for envoy in envoys]
            connection.execute(insert(t.account), [{"person": person, "created_at": now} for person, _ in codes])
            tokens = [{"person": p, "hash": h, "created_at": now, "expires_at": expires_at} for p, h in codes]
            connection.execute(insert(t.token), tokens)
        register.bump(connection)


_POSTING = ("person", "role", "place", "start", "end", "office_weekday")


def fill(deployment: Deployment, made: Counties, number: int, last: date) -> None:
    """Stores so many confirmed visits, each with photo and line in the log: an envoy's once a week, up to `last`."""
    tree = _tree(deployment)
    paths = {envoy.village: tree.path(envoy.village, last) for envoy in made.envoys}
    for chunk in chunks(_past(made.envoys, number, last, paths), 5000):
        at = chunk[-1].received_at
        with deployment.database.write() as connection:
            visits.insert_many(connection, chunk)
            photos = [(visit, hashlib.sha256(visit.id.encode()).hexdigest()) for visit in chunk]
            connection.execute(insert(t.photo), [_photo(digest, visit) for visit, digest in photos])
            connection.execute(insert(t.visit_photo), [_announced(digest, visit) for visit, digest in photos])
            lines = [logbook.Line(v.person, "check-in", "visit", v.id, {"status": "confirmed"}) for v in chunk]
            logbook.write(connection, at, lines)


def _past(envoys: Sequence[Envoy], number: int, last: date, paths: dict[str, str]) -> Iterator[Visit]:
    rounds = -(-number // len(envoys))
    made = 0
    for back in range(rounds - 1, -1, -1):
        day = last - back * WEEK
        noon = datetime.combine(day, time(2), UTC)  # ten in the morning there
        for n, envoy in enumerate(envoys[: number - made]):
            yield _visit(envoy, day, noon + timedelta(seconds=n), paths[envoy.village])
            made += 1


def _visit(envoy: Envoy, day: date, at: datetime, path: str) -> Visit:
    number = uuid.uuid4()
    return Visit(
        id=str(number),
        person=envoy.person,
        place=envoy.village,
        asked_place=envoy.village,
        path=path,
        activity="visit",
        captured_at=at,
        occurred_at=at,
        day=day,
        received_at=at,
        latitude=envoy.latitude,
        longitude=envoy.longitude,
        accuracy_m=12.0,
        crs="wgs84",
        raw_latitude=envoy.latitude,
        raw_longitude=envoy.longitude,
        functions=("policy-explainer",),
        note="",
        device={"offline": False},
        skew_s=0.0,
        content=hashlib.sha256(number.bytes).digest(),
        photos=1,
        findings=FINDINGS,
        status=VisitStatus.CONFIRMED,
    )


def _photo(digest: str, visit: Visit) -> dict[str, object]:
    size = {"media_type": "image/jpeg", "bytes": 300_000, "width": 1280, "height": 960}
    return {"digest": digest, "stored_at": visit.received_at, **size}


def _announced(digest: str, visit: Visit) -> dict[str, object]:
    photo = VisitPhoto(digest, 0, in_time=True, announced_at=visit.received_at, received_at=visit.received_at)
    return {
        "visit": visit.id,
        "digest": photo.digest,
        "number": photo.number,
        "in_time": photo.in_time,
        "announced_at": photo.announced_at,
        "received_at": photo.received_at,
        "looked_at": photo.received_at,
    }


def _tree(deployment: Deployment) -> Tree:
    with deployment.database.read() as connection:
        return deployment.world(connection).tree
