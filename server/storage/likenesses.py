"""Which pictures are still to be looked at, what was seen in them, and which are copies of which.

Everything is looked for in a scope, by an index, and so many at most: a person's pictures, or a township's of a year.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, bindparam, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from server.storage import tables as t
from server.storage.people import chunks


@dataclass(frozen=True, slots=True)
class Unlooked:
    """A picture that was sent for a visit and not looked at since."""

    visit: str
    digest: str
    person: str
    place: str
    day: date
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Print:
    """The hashes of a picture (`server.adapters.likeness`), under the visit it was sent for and where that belongs."""

    visit: str
    digest: str
    person: str
    area: str
    occurred_at: datetime
    prints: bytes


@dataclass(frozen=True, slots=True)
class Scope:
    """Among whose pictures to look: a person's or an area's, from `first` to `last` if given."""

    person: str | None = None
    area: str | None = None
    first: datetime | None = None
    last: datetime | None = None


def unlooked(connection: Connection, limit: int) -> list[Unlooked]:
    """Pictures that were sent for a visit and not looked at yet, those here longest first."""
    p, v = t.visit_photo.c, t.visit.c
    waiting = (
        select(p.visit, p.digest)
        # In the words of the partial index, so that SQLite sees that it serves.
        .where(text("visit_photo.looked_at IS NULL AND visit_photo.received_at IS NOT NULL"))
        .order_by(p.received_at)
        .limit(limit)
        .subquery()
    )
    query = (
        select(waiting.c.visit, waiting.c.digest, v.person, v.place, v.day, v.occurred_at)
        .join_from(waiting, t.visit, v.id == waiting.c.visit)
        .order_by(v.occurred_at, waiting.c.visit, waiting.c.digest)
    )
    return [Unlooked(*row) for row in connection.execute(query)]


def keep_prints(connection: Connection, prints: Sequence[Print]) -> None:
    """Stores what was seen in pictures; what is there already stays."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    names = Print.__slots__
    rows = [{name: getattr(one, name) for name in names} for one in prints]
    for chunk in chunks(rows, 2000):
        connection.execute(dialect.insert(t.photo_print).on_conflict_do_nothing(), chunk)


def keep_looked(connection: Connection, looked: Iterable[tuple[str, str]], now: datetime) -> None:
    """Stores that these pictures of these visits were looked at."""
    p = t.visit_photo.c
    rows = [{"k_visit": visit, "k_digest": digest, "v_looked": now} for visit, digest in looked]
    query = update(t.visit_photo).where(p.visit == bindparam("k_visit"), p.digest == bindparam("k_digest"))
    connection.execute(query.values(looked_at=bindparam("v_looked")), rows)


def keep_unreadable(connection: Connection, digests: Collection[str]) -> None:
    """Stores that these pictures could not be decoded."""
    for chunk in chunks(sorted(digests)):
        connection.execute(update(t.photo).where(t.photo.c.digest.in_(chunk)).values(unreadable=True))


def around(connection: Connection, scope: Scope, at: datetime, limit: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The hashes of the scope's pictures by digest, the latest of visits before an instant, and the first from it on.

    At most so many of each.
    """
    c = t.photo_print.c
    owner = c.person == scope.person if scope.person is not None else c.area == scope.area

    def among(bounds: list[ColumnElement[bool]], *order: ColumnElement[datetime]) -> dict[str, bytes]:
        query = select(c.digest, c.prints).where(owner, *bounds).order_by(*order).limit(limit)
        return {row.digest: row.prints for row in connection.execute(query)}

    before = [c.occurred_at < at, *([c.occurred_at >= scope.first] if scope.first else [])]
    after = [c.occurred_at >= at, *([c.occurred_at <= scope.last] if scope.last else [])]
    return among(before, c.occurred_at.desc()), among(after, c.occurred_at.asc())


def keep_alike(connection: Connection, pairs: Iterable[tuple[str, str, int]]) -> None:
    """Stores pairs of pictures of which one is a copy, with how well they agree in percent, both ways round."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    adding = dialect.insert(t.photo_likeness).on_conflict_do_nothing()
    rows = [
        {"digest": mine, "other": theirs, "percent": percent}
        for one, other, percent in pairs
        for mine, theirs in ((one, other), (other, one))
    ]
    for chunk in chunks(rows, 5000):
        connection.execute(adding, chunk)


def mark_holders(connection: Connection, digests: Collection[str], cause: str) -> int:
    """Marks stale every visit that has one of these pictures, unless a person has decided it; how many."""
    v, p = t.visit.c, t.visit_photo.c
    visits: set[str] = set()
    for chunk in chunks(sorted(digests)):
        query = (
            select(v.id)
            .join_from(t.visit_photo, t.visit, v.id == p.visit)
            .where(p.digest.in_(chunk), p.received_at.is_not(None), v.decided.is_(False), v.imported.is_(False))
        )
        visits.update(connection.scalars(query))
    if visits:
        connection.execute(insert(t.stale_visit), [{"visit": visit, "cause": cause} for visit in sorted(visits)])
    return len(visits)


@dataclass(frozen=True, slots=True)
class Resembling:
    """A picture of an earlier visit that is the same as one of a visit, or of which one is a copy of the other."""

    photo: str
    other: str
    visit: str
    person: str
    place: str
    path: str
    day: date
    occurred_at: datetime
    percent: int  # how well they agree; 100 for the very same


def resembling(
    connection: Connection, digests: Collection[str], visits: Collection[str], least: int, limit: int
) -> list[Resembling]:
    """The pictures of these visits that resemble one of these by so many percent: by picture, earliest first."""
    v, p, like = t.visit.c, t.visit_photo.c, t.photo_likeness.c
    of_visit = (v.id, v.person, v.place, v.path, v.day, v.occurred_at)
    theirs = t.visit_photo.join(t.visit, v.id == p.visit)
    sent = (p.visit.in_(visits), p.received_at.is_not(None))
    same = select(p.digest, p.digest, *of_visit, literal(100)).select_from(theirs).where(*sent, p.digest.in_(digests))
    near = (
        select(like.digest, p.digest, *of_visit, like.percent)
        .select_from(theirs.join(t.photo_likeness, like.other == p.digest))
        .where(*sent, like.digest.in_(digests), like.percent >= least)
    )
    found = [Resembling(*row) for query in (same, near) for row in connection.execute(query.limit(limit))]
    return sorted(found, key=lambda one: (one.photo, one.occurred_at, one.visit, one.other))[:limit]
