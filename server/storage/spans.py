"""Spans of days of a person that must be judged again."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, func, select

from server.storage import tables as t
from server.storage.people import chunks


@dataclass(frozen=True, slots=True)
class Mark:
    """One reason to judge again: everything from `first` to `last`."""

    id: int
    first: date
    last: date


def waiting(connection: Connection) -> int:
    """How many people have windows that must be judged again."""
    return connection.scalar(select(func.count(func.distinct(t.stale_span.c.person)))) or 0


def next_people(connection: Connection, limit: int, only: Collection[str] | None = None) -> dict[str, list[Mark]]:
    """Some of the people whose windows must be judged again, of these people only unless None, each with all marks."""
    c = t.stale_span.c
    people = select(c.person) if only is None else select(c.person).where(c.person.in_(only))
    chosen = people.distinct().order_by(c.person).limit(limit).subquery()
    found: dict[str, list[Mark]] = defaultdict(list)
    query = select(c.person, c.id, c.first, c.last).where(c.person.in_(select(chosen.c.person)))
    for person, mark, first, last in connection.execute(query):
        found[person].append(Mark(mark, first, last))
    return found


def clear(connection: Connection, marks: Sequence[int]) -> None:
    """Takes away marks that have been worked off."""
    for chunk in chunks(marks):
        connection.execute(delete(t.stale_span).where(t.stale_span.c.id.in_(chunk)))


def clear_all(connection: Connection) -> None:
    """Takes every mark away: everything is about to be judged from scratch."""
    connection.execute(delete(t.stale_span))
