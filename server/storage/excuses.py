"""What people say of obligations they did not meet, and what supervisors excuse."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.storage import tables as t
from server.storage.people import chunks

Key = tuple[str, str, str, str]  # person, duty, place, window
_x, _e = t.excuse.c, t.explanation.c


@dataclass(frozen=True, slots=True)
class Excuse:
    """What a supervisor has excused, and has not taken back."""

    id: int
    person: str
    duty: str
    place: str
    window: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the person says of an obligation."""

    text: str
    at: datetime


_EXCUSE = (_x.id, _x.person, _x.duty, _x.place, _x.window, _x.reason, _x.by, _x.at)


def add(connection: Connection, key: Key, reason: str, by: str, at: datetime) -> int:
    """Stores an excuse; its number."""
    person, duty, place, window = key
    row = {"person": person, "duty": duty, "place": place, "window": window, "reason": reason, "by": by, "at": at}
    return int(connection.execute(insert(t.excuse).values(row).returning(_x.id)).scalar_one())


def find(connection: Connection, number: int) -> Excuse | None:
    """An excuse in force."""
    row = connection.execute(select(*_EXCUSE).where(_x.id == number, _x.ended_at.is_(None))).first()
    return Excuse(*row) if row else None


def end(connection: Connection, number: int, by: str, at: datetime) -> None:
    """Takes an excuse back."""
    connection.execute(update(t.excuse).where(_x.id == number).values(ended_by=by, ended_at=at))


def in_force(connection: Connection, persons: Collection[str], windows: Iterable[str] | None = None) -> list[Excuse]:
    """What these people are excused from, in these windows or any."""
    found: list[Excuse] = []
    for chunk in chunks(sorted(set(persons))):
        query = select(*_EXCUSE).where(_x.person.in_(chunk), _x.ended_at.is_(None))
        if windows is not None:
            query = query.where(_x.window.in_(sorted(set(windows))))
        found += (Excuse(*row) for row in connection.execute(query))
    return found


def explain(connection: Connection, key: Key, text: str, at: datetime) -> None:
    """Keeps what the person says of an obligation, in place of what they said before."""
    person, duty, place, window = key
    new = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(t.explanation)
    values = {"person": person, "duty": duty, "place": place, "window": window, "text": text, "at": at}
    same = (_e.person, _e.duty, _e.place, _e.window)
    connection.execute(new.values(values).on_conflict_do_update(index_elements=same, set_={"text": text, "at": at}))


def explanations(connection: Connection, persons: Collection[str], windows: Iterable[str]) -> dict[Key, Explanation]:
    """What these people say of obligations of these windows."""
    found: dict[Key, Explanation] = {}
    labels = sorted(set(windows))
    for chunk in chunks(sorted(set(persons))):
        query = select(_e.person, _e.duty, _e.place, _e.window, _e.text, _e.at)
        for *key, text, at in connection.execute(query.where(_e.person.in_(chunk), _e.window.in_(labels))):
            person, duty, place, window = key
            found[(person, duty, place, window)] = Explanation(text, at)
    return found
