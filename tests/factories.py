"""A corner of the real county with its people and their accounts, and check-ins as phones send them.

371481 乐陵市
    371481200 西段乡: 371481200-01 靳木王管区 (central village 木头王村): 木头王村 靳家村 东赵村
    371481001 市中街道: 371481001-01 振兴管区: 振兴社区
"""

import hashlib
import io
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import func, insert, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from server.adapters import secrets
from server.domain import imports as files
from server.domain.access import Grant, GrantKind
from server.domain.checkins import CheckIn, Position, VisitPhoto
from server.domain.duties import SHIPPED
from server.domain.imports import Table
from server.domain.places import BEGINNING, Level, Place, Standing
from server.services import imports
from server.services.deployment import Deployment
from server.services.visits import Picture
from server.storage import accounts, keys, people, register
from server.storage import tables as t
from tests.adapters.samples import encoded

NOW = datetime(2018, 11, 20, 1, 31, 10, tzinfo=UTC)  # 09:31 in the county, a Tuesday
CHINA = timezone(timedelta(hours=8))

LELING, XIDUAN, TOWN = "371481", "371481200", "371481001"
DISTRICT, MUTOUWANG, JINJIA, DONGZHAO = "371481200-01", "371481200263", "371481200264", "371481200268"
TOWN_DISTRICT, ZHENXING = "371481001-01", "371481001031"

# name, level, parent, position, central village
PLACES: dict[str, tuple[str, Level, str | None, tuple[float, float], str | None]] = {
    LELING: ("乐陵市", Level.COUNTY, None, (37.666203, 117.133591), None),
    XIDUAN: ("西段乡", Level.TOWNSHIP, LELING, (37.813169, 116.982592), None),
    DISTRICT: ("靳木王管区", Level.DISTRICT, XIDUAN, (37.808216, 117.000703), MUTOUWANG),
    MUTOUWANG: ("木头王村", Level.VILLAGE, DISTRICT, (37.808216, 117.000703), None),
    JINJIA: ("靳家村", Level.VILLAGE, DISTRICT, (37.806672, 116.985522), None),
    DONGZHAO: ("东赵村", Level.VILLAGE, DISTRICT, (37.811268, 117.012492), None),
    TOWN: ("市中街道", Level.TOWNSHIP, LELING, (37.704170, 117.146602), None),
    TOWN_DISTRICT: ("振兴管区", Level.DISTRICT, TOWN, (37.713300, 117.169063), ZHENXING),
    ZHENXING: ("振兴社区", Level.VILLAGE, TOWN_DISTRICT, (37.713300, 117.169063), None),
}
HERE = PLACES[DONGZHAO][3]

POSTINGS = {
    "owner": ("envoy", DONGZHAO),
    "colleague": ("envoy", JINJIA),
    "stranger": ("envoy", ZHENXING),
    "secretary": ("district-secretary", DISTRICT),
    "leader": ("paired-leader", XIDUAN),
    "inside": ("seconded-cadre", XIDUAN),
}
GRANTS = {
    "inside": (GrantKind.REVIEWER, XIDUAN),
    "outside": (GrantKind.REVIEWER, TOWN),
    "supervisor": (GrantKind.SUPERVISOR, XIDUAN),
    "auditor": (GrantKind.AUDITOR, LELING),
    "admin": (GrantKind.ADMIN, LELING),
}
IDLE = "idle"  # has an account and no posting
PEOPLE = tuple(dict.fromkeys([*POSTINGS, *GRANTS, IDLE]))


def settle(deployment: Deployment, now: datetime = NOW, postings: Mapping[str, tuple[str, str]] | None = None) -> None:
    """Puts the places, the shipped duties, the people, their postings and accounts into an empty database."""
    posted = POSTINGS if postings is None else postings
    with deployment.database.write() as connection:
        register.insert_places(connection, [_place(code) for code in PLACES])
        for duty in SHIPPED:
            register.put_duty(connection, duty)
        register.bump(connection)
        # In one township people know each other's numbers, and in one household share one.
        rows = [{"code": p, "name": f"{p}同志", "phone": f"1390000{n:04}", "unit": ""} for n, p in enumerate(PEOPLE)]
        connection.execute(insert(t.person), rows)
        accounts.open_accounts(connection, PEOPLE, now)
        for person in PEOPLE:
            digest = secrets.token_digest(token_of(person))
            accounts.add_token(connection, digest, person, now, now + timedelta(days=180))
        for person, (kind, place) in GRANTS.items():
            accounts.add_grant(connection, person, Grant(kind, place), "command-line", now)
        for person, (role, place) in posted.items():
            weekday = 2 if role == "district-secretary" else None
            row = {"person": person, "role": role, "place": place, "start": date(2018, 9, 3), "office_weekday": weekday}
            connection.execute(insert(t.posting).values(row))
        people.bump_facts(connection, posted)


def _place(code: str) -> Place:
    name, level, parent, point, central = PLACES[code]
    return Place(code, name, level, (Standing(BEGINNING, parent, (point,), central_village=central),))


def token_of(person: str) -> str:
    """The token with which a person is signed in from the start."""
    return f"token-of-{person}"


# Files, as they are imported


def take_in(deployment: Deployment, kind: files.Kind, text: str, now: datetime = NOW, **given: Any) -> None:
    """Imports rows written with blanks between cells, `-` for an empty one; what follows is worked out too."""
    lines = [[("" if cell == "-" else cell) for cell in line.split()] for line in text.strip().splitlines()]
    header = files.columns(kind)
    table = Table(header, [(number, row) for number, row in enumerate(lines, start=2)])
    imports.import_rows(deployment, kind, files.parse(kind, table), actor="command-line", now=now, **given)
    imports.work_off(deployment, now)


def place_row(code: str, point: tuple[float, float] | None = None, radius: float | None = None) -> str:
    """A row for `take_in` of a place as it stands, with another position or radius."""
    name, level, parent, where, central = PLACES[code]
    latitude, longitude = point or where
    cells = [code, name, level, parent, f"{latitude}", f"{longitude}", f"{radius}" if radius else None, central]
    return " ".join(cell or "-" for cell in cells)


# Photos


@cache
def photo(number: int = 0, exif: bytes = b"", kind: str = "JPEG") -> bytes:
    """A small picture unlike that of any other number."""
    greys = random.Random(number).randbytes(10 * 10)
    picture = Image.frombytes("L", (10, 10), greys).resize((320, 240), Image.Resampling.BICUBIC).convert("RGB")
    return encoded(picture, kind, exif)


def saved_again(data: bytes) -> bytes:
    """The same picture with other bytes."""
    return encoded(Image.open(io.BytesIO(data)), "JPEG", quality=60)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Check-ins


def visit_id(number: int = 1) -> str:
    return f"018c5c2e-7d11-7c3a-9f00-{number:012x}"


def north_of(point: tuple[float, float], metres: float) -> tuple[float, float]:
    """A point so many metres to the north, near enough."""
    return point[0] + metres / 110_990, point[1]


def local(at: datetime) -> str:
    """An instant as a phone in the county writes it."""
    return at.astimezone(CHINA).isoformat()


def check_in(
    photos: Iterable[bytes] = (),
    at: datetime = NOW - timedelta(seconds=5),
    point: tuple[float, float] | None = HERE,
    accuracy: float | None = 12,
    **given: Any,
) -> dict[str, Any]:
    """A check-in at 东赵村 as a phone sends it."""
    position = None if point is None else {"latitude": point[0], "longitude": point[1], "accuracy_m": accuracy}
    body = {"activity": "visit", "place": DONGZHAO, "captured_at": local(at), "position": position}
    return {**body, "photos": [digest(data) for data in photos], **given}


def sent(
    number: int,
    at: datetime,
    place: str | None = DONGZHAO,
    point: tuple[float, float] | None = HERE,
    photos: Sequence[bytes] = (),
    activity: str = "visit",
) -> CheckIn:
    """A check-in as the services take it."""
    position = None if point is None else Position(*point, accuracy_m=12.0)
    return CheckIn(visit_id(number), activity, at, place, position, tuple(digest(data) for data in photos))


def picture(deployment: Deployment, data: bytes, media_type: str = "image/jpeg") -> Picture:
    """A picture that has come in and was checked."""
    received = deployment.photos.check(data, digest(data), media_type=media_type, limit=10_000_000)
    return Picture(received, data)


def multipart(body: Any, *pictures: bytes, media_type: str = "image/jpeg") -> tuple[bytes, str]:
    """A check-in with its photos in one call: the body and its media type."""
    form = {"visit": _file(json.dumps(body).encode(), "visit.json", "application/json")}
    for number, data in enumerate(pictures):
        form[f"photo{number}"] = _file(data, f"照片{number}.jpg", media_type)
    stream, _length, boundary = stream_encode_multipart(form, use_tempfile=False)
    return stream.read(), f'multipart/form-data; boundary="{boundary}"'


def _file(data: bytes, name: str, media_type: str) -> FileStorage:
    return FileStorage(io.BytesIO(data), filename=name, content_type=media_type)


# What is kept


def footprint(deployment: Deployment) -> tuple[dict[str, int], list[str]]:
    """How many rows each table has, and which files there are."""
    with deployment.database.read() as connection:
        rows = {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in _TABLES}
    root: Path = deployment.photos.root
    return rows, sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


_TABLES = [table for table in t.metadata.sorted_tables if table.name != "attempt"]


def log_of(deployment: Deployment, visit: str) -> list[tuple[str, str, Any]]:
    """Actor, verb and detail of the log's lines about a visit, in order, with what in them is personal."""
    c = t.log.c
    columns = (c.actor, c.verb, c.detail, c.about, c.personal)
    query = select(*columns).where(c.kind == "visit", c.subject == visit).order_by(c.id)
    with deployment.database.read() as connection:
        rows = connection.execute(query).all()
        opened = keys.opened(connection, [(row.about, row.personal) for row in rows])
        return [
            (row.actor, row.verb, row.detail | (personal or {})) for row, personal in zip(rows, opened, strict=True)
        ]


def missing_of(photos: Iterable[VisitPhoto]) -> list[str]:
    return [found.digest for found in photos if found.missing]
