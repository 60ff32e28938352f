"""What is asked of the tables when the deployment is checked."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from sqlalchemy import Connection, func, inspect, select, text

from server.storage import tables as t
from server.storage.people import chunks

PAGE = 2000  # rows read in one go
_OF_ROWS = ("NULL value in ", "CHECK constraint failed in ")  # somebody has changed a row: the chain names which


def missing_tables(connection: Connection) -> set[str]:
    """The tables that ought to be there and are not."""
    return set(t.metadata.tables) - set(inspect(connection).get_table_names())


def is_whole(connection: Connection) -> bool:
    """Whether an SQLite file is built as it should be; a PostgreSQL server sees to its own files."""
    if connection.dialect.name != "sqlite":
        return True
    found = connection.scalars(text("PRAGMA quick_check")).all()
    return all(one == "ok" or one.startswith(_OF_ROWS) for one in found)


def photo_count(connection: Connection) -> int:
    """How many photos have been received."""
    return connection.scalar(select(func.count()).select_from(t.photo)) or 0


def photo_digests(connection: Connection) -> Iterator[str]:
    """Every photo that has been received, in order of digest, a page at a time."""
    c, after = t.photo.c, ""
    while page := connection.scalars(select(c.digest).where(c.digest > after).order_by(c.digest).limit(PAGE)).all():
        yield from page
        after = page[-1]


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
