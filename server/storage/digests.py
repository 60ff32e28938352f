"""Which digests were sent, and which are to be tried again: a row for each place, day and address."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.storage import tables as t

c = t.digest.c


@dataclass(frozen=True, slots=True)
class Key:
    """One digest; `address` is the beginning of the address's hash."""

    place: str
    day: date
    address: str


@dataclass(frozen=True, slots=True)
class State:
    """How often it was tried, when it may be tried again, and when it was sent."""

    tries: int
    next_at: datetime
    sent_at: datetime | None


def of_day(connection: Connection, day: date) -> dict[Key, State]:
    """All digests of a day that were tried."""
    query = select(c.place, c.address, c.tries, c.next_at, c.sent_at).where(c.day == day)
    return {Key(place, day, address): State(*rest) for place, address, *rest in connection.execute(query)}


def claim(connection: Connection, key: Key, tries: int, next_at: datetime) -> bool:
    """Takes the next try, the one after `tries`; false if somebody else has taken it or it was sent."""
    if tries == 0:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        new = dialect.insert(t.digest).values(
            place=key.place, day=key.day, address=key.address, tries=1, next_at=next_at
        )
        return connection.scalar(new.on_conflict_do_nothing().returning(c.place)) is not None
    mine = update(t.digest).where(*_is(key), c.tries == tries, c.sent_at.is_(None))
    return connection.execute(mine.values(tries=tries + 1, next_at=next_at)).rowcount == 1


def finish(connection: Connection, key: Key, now: datetime) -> None:
    """Notes that it was sent."""
    connection.execute(update(t.digest).where(*_is(key)).values(sent_at=now))


def _is(key: Key) -> tuple[ColumnElement[bool], ...]:
    return c.place == key.place, c.day == key.day, c.address == key.address
