"""On PostgreSQL the service can run as a role that only adds to the record, and cannot take its triggers away."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from server.services import sealing
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import migrate, roles
from server.storage.database import open_database
from tests import factories

NOW = datetime(2018, 11, 20, 1, tzinfo=UTC)
ROLE = "the service"


@pytest.fixture
def service(postgres_url: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment that has signed in as the service's role, on tables that are another's."""
    owner = open_database(postgres_url)
    migrate.upgrade(owner)
    with owner.write() as connection:
        connection.execute(text(f'DROP ROLE IF EXISTS "{ROLE}"'))
        connection.execute(text(f'CREATE ROLE "{ROLE}" LOGIN'))
        assert roles.is_separate(connection, ROLE)
        assert not roles.is_separate(connection, "daocun")  # who owns the tables
        assert not roles.is_separate(connection, "nobody")
        roles.grant(connection, ROLE)
        roles.grant(connection, ROLE)  # safe to repeat
    url = make_url(postgres_url)
    as_service = url.set(username=ROLE).render_as_string(hide_password=False)
    deployment = open_deployment(Settings(database_url=as_service, uploads=tmp_path))
    yield deployment
    deployment.database.close()
    with owner.write() as connection:
        connection.execute(text(f'DROP OWNED BY "{ROLE}"'))
        connection.execute(text(f'DROP ROLE "{ROLE}"'))
    owner.close()


def test_the_service_can_do_its_work(service: Deployment) -> None:
    from server.services.visits import check_in

    factories.settle(service)
    photo = factories.picture(service, factories.photo(1))
    check_in(service, "owner", factories.sent(1, factories.NOW, photos=[photo.data]), [photo], factories.NOW)
    assert sealing.seal_all(service, NOW)
    with service.database.read() as connection:
        assert connection.scalar(text("SELECT current_user")) == ROLE


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET actor = 'x'",
        "DELETE FROM log",
        "TRUNCATE log",
        "DELETE FROM log_seal",
        "UPDATE log_block SET head = ''",
        "DELETE FROM decision",
        "DROP TRIGGER log_no_update ON log",
        "ALTER TABLE log DISABLE TRIGGER ALL",
        "DROP TABLE log",
        "SET session_replication_role = replica",
        "UPDATE alembic_version SET version_num = '0'",
    ],
)
def test_the_service_cannot_change_the_record(service: Deployment, statement: str) -> None:
    with pytest.raises(DBAPIError) as refused, service.database.write() as connection:
        connection.execute(text(statement))
    assert getattr(refused.value.orig, "sqlstate", "") == "42501"  # insufficient privilege
