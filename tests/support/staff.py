"""A small county in a database, with the people who work in it and their accounts.

C county
    T township: D district (central village d1): d1 d2
    U township: F district: f1
"""

import functools
import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from server.adapters import secrets
from server.domain.access import Caller, Grant, GrantKind
from server.domain.duties import SHIPPED
from server.domain.places import BEGINNING, Level, Place, Standing
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import accounts, migrate, register
from server.storage import tables as t

NOW = datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)  # 09:31 in the county, a Tuesday
POINT = (37.811268, 117.012492)
PASSWORD = "correct-horse"

PLACES = {
    "C": (Level.COUNTY, None, None),
    "T": (Level.TOWNSHIP, "C", None),
    "D": (Level.DISTRICT, "T", "d1"),
    "d1": (Level.VILLAGE, "D", None),
    "d2": (Level.VILLAGE, "D", None),
    "U": (Level.TOWNSHIP, "C", None),
    "F": (Level.DISTRICT, "U", None),
    "f1": (Level.VILLAGE, "F", None),
}
POSTINGS = {
    "owner": ("envoy", "d1"),
    "colleague": ("envoy", "d2"),
    "stranger": ("envoy", "f1"),
    "secretary": ("district-secretary", "D"),
    "revoked": ("envoy", "d1"),
}
GRANTS = {
    "inside": (GrantKind.REVIEWER, "T"),
    "outside": (GrantKind.REVIEWER, "U"),
    "supervisor": (GrantKind.SUPERVISOR, "T"),
    "auditor": (GrantKind.AUDITOR, "T"),
    "admin": (GrantKind.ADMIN, "T"),
    "neighbour": (GrantKind.ADMIN, "U"),
    "chief": (GrantKind.ADMIN, "C"),
}
# Where those with a grant belong themselves
OFFICES = {"inside": "T", "outside": "U", "supervisor": "T", "auditor": "T", "admin": "T", "neighbour": "U"}


@functools.cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "template.db")
        deployment = open_deployment(Settings(database_url=f"sqlite:///{path}", uploads=Path(folder)))
        migrate.upgrade(deployment.database)
        fill(deployment)
        deployment.database.close()
        return path.read_bytes()


def on_sqlite(folder: Path, **given: Any) -> Settings:
    """Settings of a deployment in a folder, with the county and its people in its SQLite file; a copy, so cheap."""
    path = folder / "county.db"
    path.write_bytes(_template())
    return Settings(database_url=f"sqlite:///{path}", uploads=folder / "uploads", **given)


def fill(deployment: Deployment) -> None:
    """Puts the county and its people into an empty database that has its tables."""
    everybody = dict.fromkeys([*POSTINGS, *GRANTS])
    postings = POSTINGS | {person: ("seconded-cadre", place) for person, place in OFFICES.items()}
    with deployment.database.write() as connection:
        register.insert_places(connection, [_place(code) for code in PLACES])
        for duty in SHIPPED:
            register.put_duty(connection, duty)
        connection.execute(insert(t.person), [_person(code) for code in everybody])
        connection.execute(insert(t.posting), [_posting(who, *where) for who, where in postings.items()])
        accounts.open_accounts(connection, everybody, NOW)
        for person, (kind, place) in GRANTS.items():
            accounts.add_grant(connection, person, Grant(kind, place), "command-line", NOW)
        expires_at = NOW + timedelta(days=180)
        for person in everybody:
            accounts.add_token(connection, secrets.token_digest(token_of(person)), person, NOW, expires_at)
        accounts.revoke(connection, "revoked", NOW)


def _person(code: str, phone: str | None = None) -> dict[str, Any]:
    return {"code": code, "name": f"{code}名", "phone": phone or phone_of(code), "unit": "", "language": "zh"}


def _posting(
    person: str, role: str, place: str, start: date = date(2018, 9, 3), end: date | None = None
) -> dict[str, Any]:
    weekday = 2 if role == "district-secretary" else None
    return {"person": person, "role": role, "place": place, "start": start, "end": end, "office_weekday": weekday}


def _place(code: str) -> Place:
    level, parent, central = PLACES[code]
    return Place(code, f"{code}村", level, (Standing(BEGINNING, parent, (POINT,), central_village=central),))


def add_people(deployment: Deployment, people: Iterable[str], phone: str | None = None) -> None:
    """Registers people by their codes, each with a phone number of their own unless one is given."""
    with deployment.database.write() as connection:
        connection.execute(insert(t.person), [_person(code, phone) for code in people])


def post(deployment: Deployment, person: str, role: str, place: str, **days: date) -> None:
    """Posts a person; from `start` (the autumn) to `end` (open)."""
    with deployment.database.write() as connection:
        connection.execute(insert(t.posting).values(**_posting(person, role, place, **days)))


def set_password(deployment: Deployment, person: str, password: str = PASSWORD) -> None:
    """Gives a person with an account a password."""
    with deployment.database.write() as connection:
        accounts.set_password(connection, person, secrets.hash_password(password))


def caller_of(deployment: Deployment, person: str) -> Caller:
    """The person as the caller of a service, with their grants as they stand."""
    with deployment.database.read() as connection:
        held = accounts.grants_of(connection, [person]).get(person, [])
    return Caller(person, f"{person}名", grants=tuple(Grant(grant.kind, grant.place) for grant in held))


def token_of(person: str) -> str:
    """The token with which a person is signed in from the start."""
    return f"token-of-{person}"


def phone_of(person: str) -> str:
    """The phone number of a person."""
    return "13" + "".join(str(ord(char) % 10) for char in person).ljust(9, "0")[:9]
