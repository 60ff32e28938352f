"""A deployment on a database of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.services.deployment import Deployment
from tests.services import facts


@pytest.fixture
def deployment(ready_url: str, tmp_path: Path) -> Iterator[Deployment]:
    """An empty deployment on a database of each kind in turn."""
    opened = facts.opened(ready_url, tmp_path)
    yield opened
    opened.database.close()
