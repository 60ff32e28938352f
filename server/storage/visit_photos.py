"""The pictures of visits, and what was added to visits, as rows and as domain values."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, Table, bindparam, false, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.checkins import VisitPhoto
from server.storage import tables as t
from server.storage.people import chunks
from server.storage.prepared import Prepared


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A picture that is on disk: bytes, pixels, and what its own tags say."""

    digest: str
    media_type: str
    bytes: int
    width: int
    height: int
    latitude: float | None
    longitude: float | None
    taken_at: datetime | None
    stored_at: datetime


def if_new(table: Table, columns: Sequence[str]) -> Prepared:
    """An insert that passes over a row which is there already."""
    return Prepared(
        {
            "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
            "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
        },
        columns,
    )


_PHOTO = [field.name for field in fields(StoredPhoto)]
_new_photo = if_new(t.photo, _PHOTO)
_new_addition = if_new(t.addition, ("visit", "content", "note", "at"))
_photos_of = Prepared(
    select(
        *(t.visit_photo.c[name] for name in (
            "digest", "number", "in_time", "announced_at", "received_at", "withdrawn_at")),
        t.photo.c.latitude, t.photo.c.longitude, t.photo.c.taken_at, func.coalesce(t.photo.c.unreadable, false()),
    )
    .select_from(t.visit_photo.outerjoin(t.photo, t.photo.c.digest == t.visit_photo.c.digest))
    .where(t.visit_photo.c.visit == bindparam("visit"))
    .order_by(t.visit_photo.c.number)
)  # fmt: skip
_announce_one = Prepared(
    insert(t.visit_photo),
    ("visit", "digest", "number", "in_time", "announced_at", "received_at", "withdrawn_at"),
)
_keep_photo_state = Prepared(
    update(t.visit_photo)
    .where(t.visit_photo.c.visit == bindparam("k_visit"), t.visit_photo.c.digest == bindparam("k_digest"))
    .values(received_at=bindparam("v_received"), withdrawn_at=bindparam("v_withdrawn"))
)
_known_photo = Prepared(select(*(t.photo.c[name] for name in _PHOTO)).where(t.photo.c.digest == bindparam("digest")))


def photos_of(connection: Connection, visit: str) -> list[VisitPhoto]:
    """Every picture announced for the visit, in the order announced, withdrawn ones too."""
    return [VisitPhoto(*row) for row in _photos_of.rows(connection, {"visit": visit})]


def announce(connection: Connection, visit: str, photos: Iterable[VisitPhoto]) -> None:
    """Stores the announcement of pictures."""
    rows = [
        {
            "visit": visit,
            "digest": photo.digest,
            "number": photo.number,
            "in_time": photo.in_time,
            "announced_at": photo.announced_at,
            "received_at": photo.received_at,
            "withdrawn_at": photo.withdrawn_at,
        }
        for photo in photos
    ]
    for row in rows:
        _announce_one.run(connection, row)


def keep_photo_state(connection: Connection, visit: str, photo: VisitPhoto) -> None:
    """Stores that a picture has arrived or was withdrawn."""
    state = {"v_received": photo.received_at, "v_withdrawn": photo.withdrawn_at}
    _keep_photo_state.run(connection, {"k_visit": visit, "k_digest": photo.digest, **state})


def store_photo(connection: Connection, photo: StoredPhoto) -> bool:
    """Stores what is known of a picture on disk; false if it was known before (from this visit or another)."""
    return _new_photo.run(connection, {name: getattr(photo, name) for name in _PHOTO}) == 1


def hold_photos(connection: Connection, digests: Collection[str]) -> None:
    """Waits for whoever is storing a visit with one of these pictures, or what they look like; then others wait.

    On SQLite a transaction is alone anyway.
    """
    c = t.photo.c
    for chunk in chunks(sorted(digests)) if connection.dialect.name == "postgresql" else ():
        connection.execute(select(c.digest).where(c.digest.in_(chunk)).order_by(c.digest).with_for_update())


def known_photo(connection: Connection, digest: str) -> StoredPhoto | None:
    """A picture that is on disk."""
    row = _known_photo.first(connection, {"digest": digest})
    return StoredPhoto(*row) if row else None


def add_addition(connection: Connection, visit: str, content: bytes, note: str, at: datetime) -> bool:
    """Stores an addition; false if the same one was stored before."""
    return _new_addition.run(connection, {"visit": visit, "content": content, "note": note, "at": at}) == 1


def has_addition(connection: Connection, visit: str, content: bytes) -> bool:
    """Whether the same addition was stored before."""
    c = t.addition.c
    return connection.execute(select(c.id).where(c.visit == visit, c.content == content)).first() is not None


def additions(connection: Connection, visit: str) -> int:
    """How many additions to the visit there are."""
    return connection.scalar(select(func.count()).where(t.addition.c.visit == visit)) or 0


def change_photos(
    connection: Connection, visit: str, before: Sequence[VisitPhoto], after: Sequence[VisitPhoto]
) -> None:
    """Stores announcements and withdrawals as they now are, given how they stand."""
    known = {photo.digest: photo for photo in before}
    announce(connection, visit, [photo for photo in after if photo.digest not in known])
    for photo in after:
        if photo.digest in known and photo != known[photo.digest]:
            keep_photo_state(connection, visit, photo)


def photos_of_all(connection: Connection, visits: Sequence[str]) -> dict[str, list[VisitPhoto]]:
    """The announced pictures of several visits, without what their tags say."""
    v = t.visit_photo.c
    found: dict[str, list[VisitPhoto]] = defaultdict(list)
    columns = (v.digest, v.number, v.in_time, v.announced_at, v.received_at, v.withdrawn_at)
    for chunk in chunks(visits):
        query = select(v.visit, *columns).where(v.visit.in_(chunk)).order_by(v.visit, v.number)
        for visit, *rest in connection.execute(query):
            found[visit].append(VisitPhoto(*rest))
    return found
