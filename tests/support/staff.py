"""A small county in a database, with the people who work in it and their accounts.

    C county
        T township: D district (central village d1): d1 d2
        U township: F district: f1
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

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


def settle(url: str, uploads: Path, **given: object) -> Deployment:
    """A deployment on an empty database: tables, places, duties, people, postings, accounts, grants and tokens."""
    deployment = open_deployment(Settings(database_url=url, uploads=uploads, **given))  # type: ignore[arg-type]
    migrate.upgrade(deployment.database)
    fill(deployment)
    return deployment


def fill(deployment: Deployment) -> None:
    """Puts the county and its people into an empty database that has its tables."""
    with deployment.database.write() as connection:
        register.insert_places(connection, [_place(code) for code in PLACES])
        for duty in SHIPPED:
            register.put_duty(connection, duty)
    everybody = dict.fromkeys([*POSTINGS, *GRANTS])
    add_people(deployment, everybody)
    for person, (role, place) in POSTINGS.items():
        post(deployment, person, role, place)
    for person, place in OFFICES.items():
        post(deployment, person, "seconded-cadre", place)
    with deployment.database.write() as connection:
        accounts.open_accounts(connection, everybody, NOW)
        for person, (kind, place) in GRANTS.items():
            accounts.add_grant(connection, person, Grant(kind, place), "command-line", NOW)
        for person in everybody:
            accounts.add_token(
                connection, secrets.token_digest(token_of(person)), person, NOW, NOW + timedelta(days=180)
            )
        accounts.revoke(connection, "revoked", NOW)


def _place(code: str) -> Place:
    level, parent, central = PLACES[code]
    return Place(code, f"{code}村", level, (Standing(BEGINNING, parent, (POINT,), central_village=central),))


def add_people(deployment: Deployment, people: Iterable[str], phone: str | None = None) -> None:
    """Registers people by their codes, each with a phone number of their own unless one is given."""
    rows = [
        {"code": code, "name": f"{code}名", "phone": phone or phone_of(code), "unit": "", "language": "zh"}
        for code in people
    ]
    with deployment.database.write() as connection:
        connection.execute(insert(t.person), rows)


def post(
    deployment: Deployment, person: str, role: str, place: str, start: date = date(2018, 9, 3), end: date | None = None
) -> None:
    """Posts a person."""
    weekday = 2 if role == "district-secretary" else None
    values = {"person": person, "role": role, "place": place, "start": start, "end": end, "office_weekday": weekday}
    with deployment.database.write() as connection:
        connection.execute(insert(t.posting).values(**values))


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
