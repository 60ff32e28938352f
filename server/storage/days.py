"""Fixed days that fall on another day of their window at a place and all inside it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, insert, select

from server.storage import tables as t

m = t.day_move.c


@dataclass(frozen=True, slots=True)
class Move:
    """The day on which a duty's fixed day falls in one window, at a place and all inside it; why, and whose word."""

    duty: str
    window: str
    place: str
    day: date
    reason: str
    by: str
    at: datetime


_COLUMNS = [m[name] for name in Move.__slots__]


def moves(connection: Connection) -> list[Move]:
    """All of them, in order of day, duty and place."""
    return [Move(*row) for row in connection.execute(select(*_COLUMNS).order_by(m.day, m.duty, m.place))]


def find_move(connection: Connection, duty: str, window: str, place: str) -> Move | None:
    """What is said of this duty and window at just this place."""
    query = select(*_COLUMNS).where(m.duty == duty, m.window == window, m.place == place)
    row = connection.execute(query).first()
    return Move(*row) if row else None


def put_move(connection: Connection, move: Move) -> None:
    """Stores it in the stead of what was said before."""
    remove_move(connection, move)
    connection.execute(insert(t.day_move).values({name: getattr(move, name) for name in Move.__slots__}))


def remove_move(connection: Connection, move: Move) -> None:
    """Takes away what is said of its duty and window at its place."""
    query = delete(t.day_move).where(m.duty == move.duty, m.window == move.window, m.place == move.place)
    connection.execute(query)
