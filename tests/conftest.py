"""What every test may ask for: an empty or a ready database, SQLite and PostgreSQL alike."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, Page

from server.storage import migrate
from server.storage.database import Database, open_database
from tests.support import postgres
from tests.support.browser import running_browser

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Time says nothing on a machine that others use too; a failure prints how to see it again.
hypothesis.settings.register_profile("daocun", deadline=None, print_blob=True)
hypothesis.settings.load_profile("daocun")


@pytest.fixture(autouse=True)
def no_settings_from_the_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests do not reach them."""
    for name in [name for name in os.environ if name.startswith("DAOCUN_") and not name.startswith("DAOCUN_TEST_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def shared() -> Path:
    """The folder of real data and golden cases beside the project; the test skips without it."""
    if not SHARED.is_dir():
        pytest.skip("the shared data is not beside this project")
    return SHARED


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL cluster for this process."""
    with postgres.running_cluster() as cluster:
        yield cluster


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'daocun.db'}"


@pytest.fixture
def postgres_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    name = postgres_cluster.create()
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, of each kind in turn."""
    return str(request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]))


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "daocun.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_cluster: postgres.Cluster) -> str:
    """The name of a PostgreSQL database with all tables and no rows, to be copied."""
    name = postgres_cluster.create()
    _migrate(postgres_cluster.url(name))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def ready_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables and no rows, of each kind in turn; a copy, so it costs little."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), tmp_path / "ready.db")
        yield f"sqlite:///{tmp_path / 'ready.db'}"
        return
    cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
    name = cluster.create(template=request.getfixturevalue("migrated_postgres"))
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
def database(ready_url: str) -> Iterator[Database]:
    """An open database with all tables and no rows, of each kind in turn."""
    opened = open_database(ready_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium for this process."""
    with running_browser() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own in that browser, with no cookies or storage of another; it speaks Chinese."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    yield context.new_page()
    context.close()


def _migrate(url: str) -> None:
    database = open_database(url)
    migrate.upgrade(database)
    database.close()
