"""Check-ins of a window of time, for seeing who was where with whom."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select

from server.domain.duties import Activity
from server.domain.pairs import Sight
from server.storage import tables as t
from server.storage.scoping import inside


def sights(connection: Connection, areas: Sequence[str], first: datetime, last: datetime, most: int) -> Iterator[Sight]:
    """Visits to villages inside the areas from an instant on and before another, with a position, in order of time.

    At most so many. What was imported or came on paper has no time and position of its own.
    """
    c = t.visit.c
    query = (
        select(c.id, c.person, c.place, c.day, c.occurred_at, c.latitude, c.longitude)
        .where(c.occurred_at >= first, c.occurred_at < last)
        .where(c.latitude.is_not(None), c.imported.is_(False), c.activity == Activity.VISIT.value)
        .where(or_(*(inside(c.path, area) for area in areas)))
        .order_by(c.occurred_at, c.id)
        .limit(most)
    )
    for row in connection.execution_options(stream_results=True).execute(query):
        yield Sight(*row)
