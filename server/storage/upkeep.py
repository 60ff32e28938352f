"""What is asked of the tables when the deployment is checked."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, inspect, select

from server.storage import tables as t
from server.storage.people import chunks


def missing_tables(connection: Connection) -> set[str]:
    """The tables that ought to be there and are not."""
    return set(t.metadata.tables) - set(inspect(connection).get_table_names())


def photo_digests(connection: Connection) -> list[str]:
    """Every photo that has been received, in order of digest."""
    return list(connection.scalars(select(t.photo.c.digest).order_by(t.photo.c.digest)))


def visits_with(connection: Connection, digests: Collection[str]) -> dict[str, list[str]]:
    """The visits to which each of these photos belongs."""
    c = t.visit_photo.c
    found: dict[str, list[str]] = defaultdict(list)
    for chunk in chunks(sorted(digests)):
        for digest, visit in connection.execute(
            select(c.digest, c.visit).where(c.digest.in_(chunk)).order_by(c.digest, c.visit)
        ):
            found[digest].append(visit)
    return found
