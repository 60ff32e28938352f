"""What is personal in the record, readable only with a key of the person it is about.

Nothing that was written can be taken back from a record that is only added to. Whoever destroys the key erases it.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.storage import tables as t
from server.storage.people import chunks

_NONCE = 12  # bytes, random: a key would have to seal billions of lines before two were likely the same

Personal = Mapping[str, Any]


def seal(connection: Connection, parts: Iterable[tuple[str, Personal]], now: datetime) -> list[bytes | None]:
    """Each part, under the code of whom it is about, made unreadable without that person's key.

    None for whom the key was destroyed: what would be written is erased already. Keys are asked for at each call and
    kept nowhere else, so that a destroyed one is gone at once from every process.
    """
    listed = list(parts)
    held = _with_new(connection, {about for about, _ in listed}, now)
    ciphers = {person: AESGCM(key) for person, key in held.items() if key is not None}
    return [_sealed(ciphers[about], about, part) if about in ciphers else None for about, part in listed]


def opened(connection: Connection, parts: Iterable[tuple[str | None, bytes | None]]) -> list[dict[str, Any] | None]:
    """Each sealed part, under the code of whom it is about, as it was written; none where it is erased or not whole."""
    listed = list(parts)
    held = _held(connection, {about for about, sealed in listed if about is not None and sealed is not None})
    ciphers = {person: AESGCM(key) for person, key in held.items() if key is not None}
    return [
        _opened(ciphers[about], about, sealed)
        if about is not None and about in ciphers and sealed is not None
        else None
        for about, sealed in listed
    ]


def destroy(connection: Connection, person: str, now: datetime) -> bool:
    """Destroys a person's key, also one that was never needed, so that none is made later; false if it was so."""
    c = t.person_key.c
    _with_new(connection, {person}, now)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")  # the bytes are overwritten, not only let go
    gone = update(t.person_key).where(c.person == person, c.destroyed_at.is_(None)).values(key=None, destroyed_at=now)
    return connection.execute(gone).rowcount == 1


def destroyed(connection: Connection, person: str) -> datetime | None:
    """When a person's key was destroyed, if it was."""
    c = t.person_key.c
    at: datetime | None = connection.scalar(select(c.destroyed_at).where(c.person == person))
    return at


def _with_new(connection: Connection, persons: Collection[str], now: datetime) -> dict[str, bytes | None]:
    """The keys of these people, made for those who have none yet."""
    held = _held(connection, persons)
    # In order, so that two who make keys for the same people wait for one another, but never both.
    missing = sorted(person for person in persons if person not in held)
    if missing:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        adding = dialect.insert(t.person_key).on_conflict_do_nothing()
        rows = [{"person": person, "key": secrets.token_bytes(32), "created_at": now} for person in missing]
        connection.execute(adding, rows)
        held |= _held(connection, missing)  # another may have been first
    return held


def _held(connection: Connection, persons: Collection[str]) -> dict[str, bytes | None]:
    c = t.person_key.c
    found: dict[str, bytes | None] = {}
    for chunk in chunks(sorted(persons)):
        found.update(
            (row.person, row.key) for row in connection.execute(select(c.person, c.key).where(c.person.in_(chunk)))
        )
    return found


def _sealed(cipher: AESGCM, about: str, part: Personal) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + cipher.encrypt(nonce, json.dumps(part, ensure_ascii=False).encode(), about.encode())


def _opened(cipher: AESGCM, about: str, sealed: bytes) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode()))
    except (InvalidTag, ValueError):
        return None  # the chain says that it was changed
    return found
