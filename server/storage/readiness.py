"""Whether the database can be used as it is: asked before every command, so it loads nothing heavy."""

import re
from enum import StrEnum
from importlib import resources
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from server.storage.database import Database
from server.storage.errors import is_damage


class Readiness(StrEnum):
    READY = "ready"
    EMPTY = "empty"  # no tables, or no file
    OLDER = "older"  # tables of an earlier version
    NEWER = "newer"  # tables that this version does not know
    UNREACHABLE = "unreachable"
    DAMAGED = "damaged"


def file_is_missing(url: str) -> bool:
    """Whether the URL names an SQLite file that is not there; opening it would make one."""
    parsed = make_url(url)
    in_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return in_file and not Path(str(parsed.database)).exists()


def readiness(database: Database) -> Readiness:
    """What can be done with the database."""
    try:
        with database.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return Readiness.EMPTY
            at = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError as error:
        return Readiness.DAMAGED if is_damage(error) else Readiness.UNREACHABLE
    except UnicodeDecodeError:  # the driver cannot even say what SQLite complains of: bytes of the file stand in it
        return Readiness.DAMAGED
    known = steps()
    if at == known[-1]:
        return Readiness.READY
    return Readiness.OLDER if at in known else Readiness.NEWER if at else Readiness.EMPTY


def steps() -> list[str]:
    """The numbers of all migrations, in order: their files are named by them."""
    folder = resources.files("server.storage").joinpath("migrations", "versions")
    found = (re.match(r"([0-9]{4})_\w+\.py", entry.name) for entry in folder.iterdir())
    return sorted(match[1] for match in found if match)
