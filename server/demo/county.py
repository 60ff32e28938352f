"""Fills an empty deployment with the demo county: the register of Leling, invented people, and what they did."""

import json
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from server.adapters import drawings, pictures, sheets
from server.demo import history
from server.demo.checkins import Phones, Sent
from server.demo.history import County, Trip
from server.demo.staff import COUNTY, FEW_ENVOYS, Staff, hire
from server.domain import imports as files
from server.domain.calendar import DayKind
from server.domain.checks import VisitStatus
from server.domain.imports import DayRow, Parsed, PlaceRow, VisitRow
from server.domain.periods import DAY, local_day
from server.domain.places import BEGINNING, EVERYWHERE, Level
from server.services import duties, imports, judging
from server.services.deployment import Deployment
from server.storage import decisions, logbook, migrate, register, visit_photos
from server.storage import visits as rows
from server.storage.logbook import SYSTEM
from server.storage.visit_photos import StoredPhoto

Step = Callable[[str, int, int], None]  # which step, how far, of how much
_DRAWN_AHEAD = 64


def fill(deployment: Deployment, now: datetime, seed: int, townships: int, step: Step) -> Staff:
    """Makes the county as it is at `now`; with fewer than all townships, 西段乡 first. Its people."""
    rng = Random(seed)
    today = local_day(now, deployment.zone)
    first = history.first_day(today)
    step("register", 0, 1)
    migrate.upgrade(deployment.database)
    duties.ensure_shipped(deployment, SYSTEM, now)
    deployment.photos.root.mkdir(parents=True, exist_ok=True)
    _take(deployment, "places", _places(townships), now)
    _outline(deployment)
    _take(deployment, "days", _days(deployment, first, today, rng), now)
    with deployment.database.read() as connection:
        world = deployment.world(connection)
    staff = hire(world.tree, first, today, rng)
    _take(deployment, "people", staff.people, now)
    _take(deployment, "postings", staff.postings, now)
    _take(deployment, "leave", staff.leaves, now)
    step("register", 1, 1)
    county = County(world.tree, world.calendar, deployment.zone, first, now)
    done = history.trips(county, staff, rng)
    old = [trip for trip in done if history.kept_elsewhere(trip, county)]
    _take(deployment, "visits", _records(old, rng), now)
    recent = sorted((trip for trip in done if not history.kept_elsewhere(trip, county)), key=lambda t: (t.person, t.at))
    _check_in(deployment, county, staff, recent, rng, step)
    judging.ensure_judged(deployment, first, today, lambda done, all_: step("judging", done, all_))
    return staff


def _take(deployment: Deployment, kind: files.Kind, given: Iterable[Any], now: datetime) -> None:
    imports.import_rows(deployment, kind, Parsed(list(given), {}), since=BEGINNING, actor=SYSTEM, now=now)


def _places(townships: int) -> list[PlaceRow]:
    with resources.as_file(resources.files("server").joinpath("data", "leling-places.csv")) as path:
        parsed: Parsed[PlaceRow] = files.parse("places", sheets.read_table(path, limit_bytes=1_000_000))
    codes = sorted((r.code for r in parsed.rows if r.level is Level.TOWNSHIP), key=lambda c: (c != FEW_ENVOYS, c))
    kept = {COUNTY, *codes[:townships]}
    found = []
    for row in parsed.rows:  # in the file, what holds a place stands before it
        if row.code in kept or (row.parent in kept and row.parent != COUNTY):
            kept.add(row.code)
            found.append(row)
    return found


def _outline(deployment: Deployment) -> None:
    """Gives the county its outline, which no file of places can carry."""
    text = resources.files("server").joinpath("data", "leling-boundary.geojson").read_text(encoding="utf-8")
    outline = json.dumps(json.loads(text)["geometry"])
    with deployment.database.write() as connection:
        standing = register.tree(connection)[COUNTY].standings[0]
        register.put_standing(connection, COUNTY, replace(standing, polygon=outline))
        register.bump(connection)


def _days(deployment: Deployment, first: date, today: date, rng: Random) -> list[DayRow]:
    """A day on which snow closed one township, and a county-wide meeting; both some weeks ago, on working days."""
    worked = [day for day in _span(first + 7 * DAY, today - 14 * DAY) if deployment.is_workday(day)]
    meeting, snow = rng.sample(worked, k=2)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
    townships = sorted(p.code for p in tree.places.values() if p.level is Level.TOWNSHIP and p.code != FEW_ENVOYS)
    found = [DayRow(1, meeting, DayKind.CLOSED, EVERYWHERE)]
    if townships:
        found.append(DayRow(2, snow, DayKind.CLOSED, rng.choice(townships)))
    return found


def _records(trips: Iterable[Trip], rng: Random) -> Iterator[VisitRow]:
    """Trips as they were kept before the service came: on paper, later typed in."""
    statuses = [VisitStatus.CONFIRMED, VisitStatus.REVIEW, VisitStatus.REJECTED]
    for number, trip in enumerate(trips, 1):
        status = rng.choices(statuses, weights=(960, 15, 25))[0]
        at = trip.at.astimezone(UTC)
        yield VisitRow(number, new_id(rng), trip.person, trip.place, trip.activity, at, None, None, None, status)


def _check_in(
    deployment: Deployment, county: County, staff: Staff, trips: Sequence[Trip], rng: Random, step: Step
) -> None:
    with ThreadPoolExecutor(2) as pool, closing(_drawn(pool, rng.random())) as fresh:
        phones = Phones(deployment, county.tree, staff.postings, county.now, rng, fresh, drawings.saved_again)
        sent: list[Sent] = []
        for number, trip in enumerate(trips):
            if number % 50 == 0:
                step("check-ins", number, len(trips))
            sent += phones.send(trip)
        list(pool.map(_write, *zip(*_files(deployment, phones.album.pictures), strict=True)))
    _store(deployment, sent, phones.album.pictures)
    step("check-ins", len(trips), len(trips))


def _drawn(pool: ThreadPoolExecutor, seed: float) -> Generator[bytes, None, None]:
    """Picture after picture, some drawn ahead: most of the work is done outside Python's lock."""
    waiting = deque(pool.submit(drawings.village, f"{seed}-{number}") for number in range(_DRAWN_AHEAD))
    for number in count(_DRAWN_AHEAD):
        waiting.append(pool.submit(drawings.village, f"{seed}-{number}"))
        yield waiting.popleft().result()


def _files(deployment: Deployment, album: dict[str, bytes]) -> list[tuple[Path, bytes]]:
    return [(deployment.photos.path(digest), data) for digest, data in album.items()]


def _write(path: Path, data: bytes) -> None:
    # Not synced, as a real photo would be: nobody was promised this one.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _store(deployment: Deployment, sent: Sequence[Sent], album: dict[str, bytes]) -> None:
    received: dict[str, datetime] = {}
    for one in sent:
        for photo in one.photos:
            if photo.received_at:
                earlier = received.get(photo.digest, photo.received_at)
                received[photo.digest] = min(earlier, photo.received_at)
    with deployment.database.write() as connection:
        rows.insert_many(connection, (one.visit for one in sent))
        for digest, at in received.items():
            visit_photos.store_photo(connection, _stored(digest, album[digest], at))
        for one in sent:
            visit_photos.announce(connection, one.visit.id, one.photos)
            for decision in one.decisions:
                decisions.add(connection, one.visit.id, decision)
        for at, line in sorted((line for one in sent for line in one.lines), key=lambda pair: pair[0]):
            logbook.write(connection, at, [line])


def _stored(digest: str, data: bytes, at: datetime) -> StoredPhoto:
    facts = pictures.inspect(data, pictures.JPEG)
    return StoredPhoto(digest, facts.media_type, len(data), facts.width, facts.height, None, None, None, at)


def new_id(rng: Random) -> str:
    """A UUID that the seed decides."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _span(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY
