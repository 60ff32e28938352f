"""Single postings: found, listed, taken away."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, delete, false, or_, select, tuple_

from server.domain.postings import Posting
from server.storage import tables as t

p = t.posting.c
_COLUMNS = (p.id, p.person, p.role, p.place, p.start, p.end, p.office_weekday)


@dataclass(frozen=True, slots=True)
class Held:
    """A posting with the number it is known by."""

    id: int
    posting: Posting


@dataclass(frozen=True, slots=True)
class Sought:
    """Which postings are asked for: at some of these places, or of this person; what is none is not asked."""

    places: Collection[str] | None = None
    own: str | None = None  # or of this person, wherever
    person: str | None = None
    role: str | None = None
    on: date | None = None


def find(connection: Connection, number: int) -> Held | None:
    """The posting of this number."""
    row = connection.execute(select(*_COLUMNS).where(p.id == number)).first()
    return _held(row) if row else None


def of(connection: Connection, person: str) -> list[Held]:
    """The postings of a person, past and to come, in order of their first day."""
    query = select(*_COLUMNS).where(p.person == person).order_by(p.start, p.id)
    return [_held(row) for row in connection.execute(query)]


def page(connection: Connection, sought: Sought, after: tuple[str, int] | None, limit: int) -> Sequence[Held]:
    """At most `limit` postings, in order of person and number."""
    query = select(*_COLUMNS).order_by(p.person, p.id).limit(limit)
    if sought.places is not None:
        query = query.where(or_(false(), p.place.in_(sorted(sought.places)), p.person == sought.own))
    if sought.person is not None:
        query = query.where(p.person == sought.person)
    if sought.role is not None:
        query = query.where(p.role == sought.role)
    if sought.on is not None:
        query = query.where(and_(p.start <= sought.on, or_(p.end.is_(None), p.end >= sought.on)))
    if after is not None:
        query = query.where(tuple_(p.person, p.id) > tuple_(*after))
    return [_held(row) for row in connection.execute(query)]


def remove(connection: Connection, number: int) -> None:
    """Takes a posting away."""
    connection.execute(delete(t.posting).where(p.id == number))


def _held(row: Any) -> Held:
    return Held(row.id, Posting(row.person, row.role, row.place, row.start, row.end, row.office_weekday))
