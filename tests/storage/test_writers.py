"""Short writes that share a commit: nobody is told that something is stored which is not, and nobody waits for ever."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError

from server.storage.database import Database, open_database
from server.storage.writers import CommitLostError
from tests.domain.effort import SOAK

TREE = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'numbers.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    with opened.write() as connection:
        connection.exec_driver_sql("CREATE TABLE number (number INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(
            "CREATE TABLE child (number INTEGER REFERENCES number (number) DEFERRABLE INITIALLY DEFERRED)"
        )
    yield opened
    opened.close()


def stored(database: Database) -> set[int]:
    with database.read() as connection:
        return {row[0] for row in connection.exec_driver_sql("SELECT number FROM number")}


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Crowd:
    """Writers that queue in a given order; each notes what it was told, and what was stored at that moment."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.told: dict[int, str] = {}
        self.saw: dict[int, set[int]] = {}
        self.commits = 0
        event.listen(database.engine, "commit", self._count)

    def _count(self, _connection: object) -> None:
        self.commits += 1

    def write_all(self, *writers: tuple[bool, str]) -> None:
        """Each is `(shared, statement)`, numbered from 0; the statement `raise` raises after a good insert."""
        writing = self.database.writers
        assert writing is not None
        first_in = threading.Event()
        threads = []
        for number, (shared, statement) in enumerate(writers):
            last = len(writers) - 1
            thread = threading.Thread(target=self._write, args=(number, shared, statement, first_in, last), daemon=True)
            threads.append(thread)
            thread.start()
            if number == 0:
                assert first_in.wait(PATIENCE_S)
            elif number < last:  # the last one's coming lets the first one go on
                until(lambda number=number: writing.waiting == number)
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def _write(self, number: int, shared: bool, statement: str, first_in: threading.Event, last: int) -> None:
        writing = self.database.writers
        assert writing is not None
        try:
            with self.database.write(shared=shared) as connection:
                if number == 0:
                    first_in.set()
                    until(lambda: writing.waiting == last)
                connection.exec_driver_sql(f"INSERT INTO number VALUES ({number})")
                if statement == "raise":
                    raise ZeroDivisionError
                if statement:
                    connection.exec_driver_sql(statement)
            self.told[number] = "stored"
        except Exception as error:
            self.told[number] = type(error).__name__
        self.saw[number] = stored(self.database)


ORPHAN = "INSERT INTO child VALUES (99)"  # only the commit finds out
ALL_BACK = "INSERT OR ROLLBACK INTO number VALUES (0)"  # SQLite takes the whole transaction back, as on a full disk


def test_those_who_wait_share_a_commit_and_all_of_it_is_stored_when_the_first_returns(database: Database) -> None:
    crowd = Crowd(database)
    crowd.write_all(*[(True, "")] * 5)
    assert crowd.commits == 1
    assert crowd.told == dict.fromkeys(range(5), "stored")
    assert crowd.saw == {number: set(range(5)) for number in range(5)}


@pytest.mark.parametrize("failing", [0, 2, 4])
def test_what_one_takes_back_the_others_keep(database: Database, failing: int) -> None:
    crowd = Crowd(database)
    crowd.write_all(*[(True, "raise" if number == failing else "") for number in range(5)])
    assert crowd.told == {number: "ZeroDivisionError" if number == failing else "stored" for number in range(5)}
    kept = set(range(5)) - {failing}
    assert stored(database) == kept
    if failing:  # who fails sees what the others did before it tries again
        assert crowd.saw[failing] == kept


def test_a_commit_that_fails_is_told_to_everybody_in_it_and_to_nobody_after(database: Database) -> None:
    crowd = Crowd(database)
    crowd.write_all((True, ""), (True, ORPHAN), (True, "raise"), (True, ""))
    assert crowd.told == dict.fromkeys(range(4), "CommitLostError")
    assert stored(database) == set()
    with database.write(shared=True) as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (7)")
    assert stored(database) == {7}


def test_a_transaction_that_sqlite_takes_back_is_lost_for_everybody_before_and_nobody_after(database: Database) -> None:
    crowd = Crowd(database)
    crowd.write_all((True, ""), (True, ""), (True, ALL_BACK), (True, ""), (False, ""))
    assert crowd.told == {0: "CommitLostError", 1: "CommitLostError", 2: "IntegrityError", 3: "stored", 4: "stored"}
    assert stored(database) == {3, 4}


def test_who_swallows_the_loss_is_told_of_it_all_the_same(database: Database) -> None:
    with pytest.raises(CommitLostError), database.write() as connection:  # noqa: PT012  (the block is what is tested)
        connection.exec_driver_sql("INSERT INTO number VALUES (0)")
        with contextlib.suppress(IntegrityError):
            connection.exec_driver_sql(ALL_BACK)
    assert stored(database) == set()


def test_a_long_write_is_alone_in_its_transaction(database: Database) -> None:
    crowd = Crowd(database)
    crowd.write_all((True, ""), (True, ""), (False, ""), (True, ""), (True, ""))
    assert crowd.commits == 3
    # The two before it were answered before it began, the two after it once it was done
    assert crowd.told == dict.fromkeys(range(5), "stored")


def test_what_cannot_begin_is_an_error_for_that_one_only(database: Database) -> None:
    failing = [True]

    def refuse(_connection: object) -> None:
        if failing and threading.current_thread() is threading.main_thread():
            failing.clear()
            raise OSError("no disk")

    event.listen(database.engine, "begin", refuse)
    with pytest.raises(OSError, match="no disk"), database.write(shared=True):
        pass
    with database.write(shared=True) as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (1)")
    assert stored(database) == {1}


def test_on_a_full_disk_nobody_is_told_stored(url: str, database: Database) -> None:
    def fill(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 8")  # type: ignore[attr-defined]

    database.close()
    full = open_database(url)
    event.listen(full.engine, "connect", fill)
    with full.write() as connection:
        connection.exec_driver_sql("CREATE TABLE big (what TEXT)")
    told: list[int] = []

    def write(number: int) -> None:
        with contextlib.suppress(OperationalError, CommitLostError):
            with full.write(shared=True) as connection:
                connection.exec_driver_sql(f"INSERT INTO number VALUES ({number})")
                connection.exec_driver_sql("INSERT INTO big VALUES (?)", ("x" * 3000,))
            told.append(number)

    threads = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert 0 < len(told) < 24
    assert stored(full) == set(told)
    full.close()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT is heard, which a shell's background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_who_gives_up_waiting_holds_nobody_up(database: Database) -> None:
    writing = database.writers
    assert writing is not None
    inside, leave = threading.Event(), threading.Event()
    told: list[str] = []

    def hold() -> None:
        with database.write(shared=True) as connection:
            connection.exec_driver_sql("INSERT INTO number VALUES (1)")
            inside.set()
            leave.wait(PATIENCE_S)
        told.append("first")

    def interrupt() -> None:
        until(lambda: writing.waiting == 1)
        os.kill(os.getpid(), signal.SIGINT)

    threads = [threading.Thread(target=hold, daemon=True), threading.Thread(target=interrupt, daemon=True)]
    threads[0].start()
    assert inside.wait(PATIENCE_S)
    threads[1].start()
    with pytest.raises(KeyboardInterrupt), database.write(shared=True):
        pass
    assert writing.waiting == 0
    leave.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert told == ["first"]
    with database.write(shared=True) as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (2)")
    assert stored(database) == {1, 2}


def test_another_process_s_turn_comes_before_one_s_own_next(url: str, database: Database) -> None:
    """One process alone writes thousands of times a second: another one must not wait for it to rest."""
    stop = threading.Event()
    count = [1000]
    lock = threading.Lock()

    def go_on() -> None:
        while not stop.is_set():
            with lock:
                count[0] += 1
                number = count[0]
            with database.write(shared=True) as connection:
                connection.exec_driver_sql(f"INSERT INTO number VALUES ({number})")

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        took = subprocess.run(
            [sys.executable, "-c", _TAKE_TURNS, url], cwd=TREE, stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True
        ).stdout
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert float(took) < 2.0


_TAKE_TURNS = """
import sys, time
from server.storage.database import open_database
database = open_database(sys.argv[1])
longest = 0.0
for number in range(20):
    began = time.monotonic()
    with database.write(shared=True) as connection:
        connection.exec_driver_sql(f"INSERT INTO number VALUES ({number})")
    longest = max(longest, time.monotonic() - began)
print(longest)
"""

# Writes numbers from its own range for ever, some of them alone, some in vain; says which were stored.
_CROWD = """
import os, random, sys, threading
from server.storage.database import open_database
database, base = open_database(sys.argv[1]), int(sys.argv[2])
def go_on(thread):
    chance = random.Random(base + thread)
    number = base + thread * 1_000_000
    while True:
        number += 1
        try:
            with database.write(shared=chance.random() < 0.9) as connection:
                connection.exec_driver_sql(f"INSERT INTO number VALUES ({number})")
                if chance.random() < 0.1:
                    raise ZeroDivisionError
            os.write(1, b"+%d\\n" % number)
        except ZeroDivisionError:
            os.write(1, b"-%d\\n" % number)
threads = [threading.Thread(target=go_on, args=(thread,)) for thread in range(6)]
for thread in threads:
    thread.start()
"""


@pytest.mark.parametrize("run", range(40 if SOAK else 2))
def test_what_was_told_stored_is_stored_however_the_processes_die(url: str, database: Database, run: int) -> None:
    said: list[str] = []
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _CROWD, url, str(n * 100_000_000)], cwd=TREE, stdout=subprocess.PIPE
                )
            )
            for n in range(1, 4)
        ]
        for process in processes:
            assert process.stdout is not None
            said.append(process.stdout.readline().decode())
        time.sleep(random.Random(run).uniform(0.3, 1.5))
        for process in processes:
            process.kill()
        for process in processes:
            assert process.stdout is not None
            said += process.stdout.read().decode().splitlines()
    kept = stored(database)
    told = {int(line[1:]) for line in said if line.startswith("+")}
    taken_back = {int(line[1:]) for line in said if line.startswith("-")}
    assert len(told) > 20
    assert told <= kept
    assert not taken_back & kept
    with database.write() as connection:  # nobody is in the way
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_waits_for_its_parent_s_turn(database: Database) -> None:
    with database.write(shared=True) as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (1)")
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(1)
            with database.write(shared=True):
                os._exit(0)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGALRM
    assert stored(database) == {1}
