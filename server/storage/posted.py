"""Who is posted where, with the days: for marking just those whom a change of the register touches."""

from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import Connection, and_, bindparam, delete, or_, select

from server.domain.postings import Posting
from server.storage import tables as t
from server.storage.people import chunks

p = t.posting.c
_COLUMNS = (p.person, p.role, p.place, p.start, p.end, p.office_weekday)


def at(connection: Connection, places: Collection[str]) -> list[Posting]:
    """Every posting at one of these places, past and to come."""
    found: list[Posting] = []
    for chunk in chunks(sorted(set(places))):
        query = select(*_COLUMNS).where(p.place.in_(chunk)).order_by(p.person, p.start)
        found += (Posting(*row) for row in connection.execute(query))
    return found


def in_roles(connection: Connection, roles: Collection[str]) -> list[Posting]:
    """Every posting in one of these roles, past and to come."""
    query = select(*_COLUMNS).where(p.role.in_(sorted(roles)))
    return [Posting(*row) for row in connection.execute(query)]


def between(connection: Connection, first: date, last: date) -> list[Posting]:
    """Every posting that shares a day with the span."""
    shares = and_(p.start <= last, or_(p.end.is_(None), p.end >= first))
    return [Posting(*row) for row in connection.execute(select(*_COLUMNS).where(shares))]


def remove(connection: Connection, postings: Iterable[Posting]) -> None:
    """Takes these postings away."""
    keys = ("person", "role", "place", "start")
    query = delete(t.posting).where(*(p[name] == bindparam(f"k_{name}") for name in keys))
    rows = [{f"k_{name}": getattr(posting, name) for name in keys} for posting in postings]
    if rows:
        connection.execute(query, rows)
