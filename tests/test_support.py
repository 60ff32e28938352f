"""The tests' own tools do what the tests believe."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from server.storage import migrate
from server.storage.database import Database
from tests.support import postgres

pytestmark = pytest.mark.slow


def test_every_kind_of_database_starts_empty_and_takes_a_table(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE left_by_the_test_before (id integer)"))
    engine.dispose()


def test_the_cluster_is_new_enough_and_does_not_run_as_root(postgres_cluster: postgres.Cluster) -> None:
    with postgres_cluster.connect() as connection:
        assert connection.info.server_version >= postgres.OLDEST * 10_000
        assert os.stat(f"/proc/{connection.info.backend_pid}").st_uid != 0


def test_its_text_order_is_not_code_point_order(postgres_cluster: postgres.Cluster) -> None:
    with postgres_cluster.connect() as connection:
        rows = connection.execute("SELECT name FROM (VALUES ('B'), ('a')) AS v(name) ORDER BY name").fetchall()
    assert rows == [("a",), ("B",)]


def test_a_run_that_was_killed_leaves_no_server_behind() -> None:
    script = (
        "import os\nfrom tests.support import postgres\n"
        "with postgres.running_cluster() as cluster:\n"
        "    print(cluster.socket_dir, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script], cwd=postgres.TREE, capture_output=True, text=True, check=False
    )
    home = Path(killed.stdout.strip())
    assert killed.returncode == -9
    orphan = postgres.Cluster(home)
    orphan.connect().close()
    with postgres.running_cluster():
        assert not home.exists()
        with pytest.raises(psycopg.OperationalError):
            orphan.connect()


@pytest.mark.parametrize("again", [1, 2])
def test_a_ready_database_is_at_the_newest_step_and_new_for_each_test(database: Database, again: int) -> None:
    assert migrate.current(database) == migrate.head()
    with database.write() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE left_by_the_test_before (id integer)"))
