"""The small county behind its API, on a database of each kind in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from server.app import create_app
from server.services.deployment import Deployment
from server.settings import Settings
from tests.api.phones import County, open_county
from tests.support import staff


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


@pytest.fixture
def app(ready_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The county of `tests.support.staff` behind its API, on a database of each kind in turn."""
    made = create_app(Settings(database_url=ready_url, uploads=tmp_path / "uploads"))
    made.extensions["daocun.clock"] = lambda: staff.NOW
    deployment: Deployment = made.extensions["daocun.deployment"]
    staff.fill(deployment)
    yield made
    deployment.database.close()
