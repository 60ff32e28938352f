"""Looking at a whole database at once."""

from typing import Any

from sqlalchemy import select

from server.storage.database import open_database
from server.storage.tables import metadata


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in order."""
    database = open_database(url)
    try:
        with database.read() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
                for table in metadata.sorted_tables
            }
    finally:
        database.close()
