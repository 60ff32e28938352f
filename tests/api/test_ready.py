"""`/readyz`: a proxy or a person learns whether the service can do its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.api.phones import County


def ready(county: County) -> int:
    return county.app.test_client().get("/readyz").status_code


def test_it_is_ready_as_long_as_all_its_tables_are_there(county: County) -> None:
    assert ready(county) == 200
    with county.deployment.database.write() as connection:
        connection.execute(text("DROP TABLE attempt"))
    assert ready(county) == 503


def test_it_is_not_ready_with_tables_of_another_version(county: County) -> None:
    with county.deployment.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert ready(county) == 503


def test_it_is_not_ready_when_its_file_is_gone(sqlite_county: County) -> None:
    Path(str(sqlite_county.deployment.database.engine.url.database)).unlink()
    assert ready(sqlite_county) == 503


def test_it_is_not_ready_when_no_photo_can_be_put_down(
    sqlite_county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = sqlite_county.deployment.photos.root
    assert ready(sqlite_county) == 200  # made with the first photo
    uploads.write_text("a file where the folder should be")
    assert ready(sqlite_county) == 503
