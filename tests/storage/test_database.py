"""Reading and writing, and whose turn it is to write."""

import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from server.storage import tables as t
from server.storage.database import Database, open_database, wal_is_safe
from server.storage.prepared import Prepared

WRITERS = 4
TREE = Path(__file__).resolve().parents[2]


@pytest.fixture
def numbers(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'numbers.db'}"
    database = open_database(url)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE number (writer INTEGER, at INTEGER)")
    database.close()
    return url


def write_on(database: Database, writer: int, stop: threading.Event) -> None:
    at = 0
    while not stop.is_set():
        with database.write() as connection:
            connection.exec_driver_sql(f"INSERT INTO number VALUES ({writer}, {at})")
        at += 1


def commits(database: Database) -> Counter[int]:
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT writer, count(*) FROM number GROUP BY writer")
        return Counter({row[0]: row[1] for row in rows})


def test_of_many_who_write_at_once_none_is_left_out(numbers: str) -> None:
    database, stop = open_database(numbers), threading.Event()
    threads = [threading.Thread(target=write_on, args=(database, writer, stop)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 60
    while (written := commits(database)).total() < 400 and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(written[writer] for writer in range(WRITERS)) > written.total() / WRITERS / 8
    database.close()


HOLD = """
import sys, time
from server.storage.database import open_database
with open_database(sys.argv[1]).write() as connection:
    connection.exec_driver_sql("INSERT INTO number VALUES (9, 9)")
    print("held", flush=True)
    time.sleep(60)
"""


def test_whoever_is_killed_while_writing_holds_nobody_up_and_leaves_nothing(numbers: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, numbers], stdout=subprocess.PIPE, cwd=TREE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    database = open_database(numbers)
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (1, 1)")
    assert commits(database) == {1: 1}
    database.close()


def test_a_reader_sees_each_commit_at_once(numbers: str) -> None:
    database = open_database(numbers)
    with database.read() as connection:
        for number in range(3):
            with database.write() as writing:
                writing.exec_driver_sql(f"INSERT INTO number VALUES (0, {number})")
            assert connection.exec_driver_sql("SELECT count(*) FROM number").scalar_one() == number + 1
    database.close()


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:  # noqa: PT012  (the block is what is tested)
        connection.exec_driver_sql("INSERT INTO attempt (subject, at) VALUES ('x', '2018-11-20T00:00:00.000000Z')")
        raise ZeroDivisionError
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM attempt").scalar_one() == 0


def test_a_connection_that_postgresql_dropped_is_made_anew(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.database._IDLE_S", -1.0)
    database = open_database(postgres_url)
    with database.read() as connection:
        number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with database.write() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend({number})")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != number
    database.close()


@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 53, 4), True), ((3, 51, 3), True), ((3, 51, 2), False), ((3, 50, 7), True), ((3, 44, 6), True),
     ((3, 44, 5), False), ((3, 40, 1), False)],
)  # fmt: skip
def test_wal_is_used_only_where_its_reset_is_safe(version: tuple[int, ...], safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_an_unsafe_sqlite_writes_to_a_rollback_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.database.wal_is_safe", lambda _version: False)
    database = open_database(f"sqlite:///{tmp_path / 'old.db'}")
    with database.read() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")]
    assert found == ["delete", 3]
    database.close()


def test_an_error_tells_nothing_of_what_was_to_be_stored(database: Database) -> None:
    values = {"code": "p", "name": "SECRET", "phone": "SECRET", "unit": "", "language": "SECRET"}
    prepared = Prepared(insert(t.person), list(values))
    for store in (
        lambda connection: connection.execute(insert(t.person).values(values)),
        lambda connection: prepared.run(connection, values),
    ):
        with pytest.raises(DBAPIError) as raised, database.write() as connection:
            store(connection)
        assert "SECRET" not in "".join(traceback.format_exception(raised.value))
        assert "person" in str(raised.value)


@pytest.mark.parametrize(("server", "ours"), [("off", "on"), ("on", "on"), ("local", "local"), ("remote_apply",) * 2])
def test_a_commit_waits_for_the_disk_whatever_the_server_is_set_to(postgres_url: str, server: str, ours: str) -> None:
    name = make_url(postgres_url).database
    opened = open_database(postgres_url)
    with opened.write() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = {server}'))
    opened.close()
    opened = open_database(postgres_url)
    for door in (opened.write, opened.read):
        with door() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == ours
    opened.close()


def test_only_the_two_kinds_of_database_are_opened() -> None:
    with pytest.raises(ValueError, match="SQLite or PostgreSQL"):
        open_database(create_engine("sqlite://").url.set(drivername="mysql"))
