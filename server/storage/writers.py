"""Who writes to a SQLite file, one after the other, and how short writes share a commit.

SQLite's own busy handler sleeps and tries again, so that under load one writer gets thousands of commits and another
none. Here the threads of a process queue, and the processes queue at a lock on a file beside the database, which wakes
the next one at once and which a killed process lets go of.

A commit waits for the disk. Who writes `shared` therefore hands the open transaction on to the next in the queue, if
that one shares too; the last one commits for all, and only then does any of them return. Each one's changes stand
behind a savepoint: what one takes back, the others keep. What cannot be committed is an error to every one of them.
"""

import contextlib
import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction

MOST = 32  # writers in one commit, so that another process waits for no more than so many
_forked = threading.Lock()  # held while a child forgets what its parent was at


class CommitLostError(Exception):
    """The transaction that this writer shared with others was not committed; nothing of it is stored."""


class _Group:
    """A transaction and those who share it."""

    __slots__ = ("connection", "done", "error", "members", "transaction")

    def __init__(self, connection: Connection, transaction: RootTransaction) -> None:
        self.connection = connection
        self.transaction = transaction
        self.members = 0  # whose changes it holds
        self.done = threading.Event()  # committed, or taken back
        self.error: BaseException | None = None  # why everything in it was taken back


class _Waiter:
    """One who waits for the turn, and the transaction that comes with it, if any."""

    __slots__ = ("group", "shared", "turn")

    def __init__(self, shared: bool) -> None:
        self.shared = shared
        self.turn = threading.Lock()
        self.turn.acquire()
        self.group: _Group | None = None


class Writers:
    """The writers of one process. `path` is the database file, for its locks; none: there are no other processes."""

    def __init__(self, engine: Engine, path: str | None) -> None:
        self._engine = engine
        self._path = path
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._changing = threading.Lock()  # held for moments, around what follows
        self._busy = False  # somebody has the turn
        self._queue: deque[_Waiter] = deque()
        self._files: tuple[int, int] | None = None  # a child's handles would share its parent's locks
        self._kept: Connection | None = None  # between two turns: only who has the turn may use it
        self._process = os.getpid()

    def close(self) -> None:
        """Closes the connection that is kept between two turns; nobody may be writing."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    @property
    def waiting(self) -> int:
        """How many of this process wait for their turn."""
        return len(self._queue)

    @contextlib.contextmanager
    def write(self, shared: bool) -> Iterator[Connection]:
        """A connection to write with; durable at the end of the block, taken back when it raises.

        With `shared` others may write in the same transaction before and after the block, which must be short. Raises
        CommitLostError if theirs could not be committed, and so this one's neither.
        """
        group = self._take_turn(shared)
        try:
            with _apart(group):
                yield group.connection
            group.members += 1
        except BaseException as error:
            self._pass_on(group, shared)
            # What made it fail may be what another did in the same transaction: it is to be seen at the next try, or
            # was never there.
            group.done.wait()
            if group.members and group.error is not None and group.error is not error:
                raise CommitLostError from group.error
            raise
        self._pass_on(group, shared)
        group.done.wait()
        if group.error is not None:
            raise CommitLostError from group.error

    def _take_turn(self, shared: bool) -> _Group:
        """Waits for the turn; the transaction to write in."""
        if self._process != os.getpid():  # a child: who waited or wrote stayed with the parent
            with _forked:
                if self._process != os.getpid():
                    self._start_afresh()
        with self._changing:
            waiter = _Waiter(shared) if self._busy else None
            if waiter:
                self._queue.append(waiter)
            self._busy = True
        if waiter:
            self._await(waiter)
            if waiter.group:
                return waiter.group
        try:
            return self._begin()
        except BaseException:
            self._give_turn()
            raise

    def _await(self, waiter: _Waiter) -> None:
        try:
            waiter.turn.acquire()
        except BaseException:  # a key pressed at the command line
            with self._changing:
                had_turn = waiter not in self._queue
                if not had_turn:
                    self._queue.remove(waiter)
            if waiter.group:
                self._pass_on(waiter.group, waiter.shared)
            elif had_turn:
                self._give_turn()
            raise

    def _give_turn(self) -> None:
        with self._changing:
            if self._queue:
                self._queue.popleft().turn.release()
            else:
                self._busy = False

    def _begin(self) -> _Group:
        self._lock()
        try:
            connection, self._kept = self._kept or self._engine.connect(), None
            try:
                return _Group(connection, connection.begin())
            except BaseException:
                connection.close()
                raise
        except BaseException:
            self._unlock()
            raise

    def _pass_on(self, group: _Group, shared: bool) -> None:
        """Hands the transaction to the next in the queue, or ends it and gives up the turn."""
        if shared and 0 < group.members < MOST and group.error is None:
            with self._changing:
                if self._queue and self._queue[0].shared:
                    follower = self._queue.popleft()
                    follower.group = group
                    follower.turn.release()
                    return
        try:
            self._end(group)
        finally:
            group.done.set()
            self._give_turn()

    def _end(self, group: _Group) -> None:
        try:
            if group.members and group.error is None:
                _expect_open(group)
                group.transaction.commit()
            else:
                group.transaction.rollback()
        except BaseException as error:
            group.error = group.error or error
            with contextlib.suppress(Exception):
                group.connection.invalidate()  # whatever state it is in, nobody gets it again
        finally:
            try:
                if group.error is None:
                    self._kept = group.connection
                else:
                    group.connection.close()
            finally:
                self._unlock()

    def _lock(self) -> None:
        """Waits for the other processes.

        Only who holds the second file waits for the first: so a process that writes again and again lets another one,
        which waits already, go before it.
        """
        if self._path is None:
            return
        if self._files is None:
            self._files = (_open(f"{self._path}-turn"), _open(f"{self._path}-next"))
        turn, following = self._files
        fcntl.flock(following, fcntl.LOCK_EX)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(following, fcntl.LOCK_UN)

    def _unlock(self) -> None:
        if self._files is not None:
            fcntl.flock(self._files[0], fcntl.LOCK_UN)


def _open(path: str) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def _apart(group: _Group) -> Iterator[None]:
    """Takes back what is done in the block, and only that, when it raises; the first one has nobody to spare.

    If it cannot be taken back alone, everybody's is lost: `error` of the group says so. A full disk, for one, makes
    SQLite take back the whole transaction.
    """
    if not group.members:
        yield
        _expect_open(group)
        return
    driver: Any = group.connection.connection.dbapi_connection
    try:
        _expect_open(group)
        driver.execute("SAVEPOINT apart")
    except BaseException as error:
        group.error = error
        raise
    try:
        yield
        driver.execute("RELEASE apart")
    except BaseException as error:
        try:
            _expect_open(group)
            driver.execute("ROLLBACK TO apart")
            driver.execute("RELEASE apart")
        except BaseException:
            group.error = error
        raise


def _expect_open(group: _Group) -> None:
    """Raises CommitLostError if SQLite has taken the transaction back; a commit would then say nothing of it."""
    driver: Any = group.connection.connection.dbapi_connection
    if not driver.in_transaction:
        raise CommitLostError
