"""Brings a database to the present tables, and back, one numbered step at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from server.storage.database import Database

_SCRIPTS = Path(__file__).parent / "migrations"
ONLY_ADDED_TO = ("log", "log_block", "log_seal", "decision")
"""Tables whose rows nobody changes or takes away; triggers see to it."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Creates or upgrades the tables; safe to repeat."""
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str) -> None:
    """Takes steps back, down to and including `revision`; what the older tables cannot hold is lost."""
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def current(database: Database) -> str | None:
    """The step the database is at, or none when it is empty."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The step the code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def revisions() -> list[str]:
    """Every step, first to last."""
    return [script.revision for script in reversed(list(ScriptDirectory.from_config(_config()).walk_revisions()))]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
