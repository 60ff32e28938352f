"""The small county behind its API, on a database of each kind in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.phones import County, open_county


@pytest.fixture
def county(ready_url: str, tmp_path: Path) -> Iterator[County]:
    """The application on a database of each kind in turn."""
    opened = open_county(ready_url, tmp_path / "uploads")
    yield opened
    opened.deployment.database.close()


@pytest.fixture
def sqlite_county(migrated_sqlite: Path, tmp_path: Path) -> Iterator[County]:
    """The same on SQLite only, where the database makes no difference."""
    path = tmp_path / "county.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    opened = open_county(f"sqlite:///{path}", tmp_path / "uploads")
    yield opened
    opened.deployment.database.close()
