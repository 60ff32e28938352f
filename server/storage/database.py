"""The database: SQLite in a file, or PostgreSQL, through the same two doors, `read` and `write`."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Connection  # what services name in their signatures
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import QueuePool

from server.storage.errors import forget_row
from server.storage.writers import Writers

# The first releases of each branch without the WAL-reset bug (sqlite.org/wal.html).
_WAL_SAFE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
BUSY_TIMEOUT_S = 30
_IN_MEMORY = ("temp_store = MEMORY", "cache_size = -32000")  # SQLite's, for short questions
_AT_ONCE = 1000  # rows of a long list held in memory
_SYNCHRONOUS = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_IDLE_S = 5.0  # a PostgreSQL connection unused for longer is asked whether it still lives before it is used
_AT_HAND = 4  # connections to read with that are not given back to the pool; as many as one worker reads with at a time


class Database:
    """An open database; safe to share between threads, not between processes."""

    def __init__(self, engine: Engine, reads: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._reads = reads
        self._at_hand: deque[tuple[Connection, float]] = deque()  # and since when
        in_memory = engine.url.database in (None, "", ":memory:")
        self.writers = Writers(engine, None if in_memory else engine.url.database) if self.is_sqlite else None

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose every statement sees the latest commit; it must not write."""
        # Taking one from the pool and giving it back costs more than the statement that is asked of it.
        connection = self._from_hand() or self._reads.connect()
        try:
            yield connection
            if connection.in_transaction():
                connection.rollback()
        except BaseException:
            connection.close()
            raise
        if len(self._at_hand) < _AT_HAND:
            self._at_hand.append((connection, time.monotonic()))
        else:
            connection.close()

    def _from_hand(self) -> Connection | None:
        """The connection that was used last, unless it may have died since: then the pool sees to it."""
        try:
            connection, since = self._at_hand.pop()
        except IndexError:
            return None
        if time.monotonic() - since <= _IDLE_S:
            return connection
        connection.close()
        return None

    @contextlib.contextmanager
    def stream(self) -> Iterator[Connection]:
        """A connection whose rows come as they are found, for lists too long for the memory; it must not write.

        What has to be sorted for them goes to a temporary file.
        """
        if self.is_sqlite:
            with self._reads.connect() as connection:
                for pragma in ("temp_store = FILE", "cache_size = -4000"):
                    connection.exec_driver_sql(f"PRAGMA {pragma}")
                try:
                    yield connection.execution_options(yield_per=_AT_ONCE)
                finally:
                    for pragma in _IN_MEMORY:
                        connection.exec_driver_sql(f"PRAGMA {pragma}")
            return
        # A cursor on PostgreSQL's side lives in a transaction.
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield connection.execution_options(yield_per=_AT_ONCE)

    @contextlib.contextmanager
    def write(self, *, shared: bool = False) -> Iterator[Connection]:
        """One transaction, committed durably at the end of the block, rolled back when it raises.

        Keep the block short: on SQLite nobody else writes meanwhile. With `shared` SQLite may commit it together with
        others that are shared, still before the end of the block: for what many send at once and what is quickly done.
        """
        with self.writers.write(shared) if self.writers else self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Closes every connection that is not in use."""
        while self._at_hand:
            self._at_hand.pop()[0].close()
        if self.writers:
            self.writers.close()
        self.engine.dispose()
        self._reads.dispose()


def open_database(url: str | URL, pool_size: int = 16) -> Database:
    """Opens the database named by a SQLAlchemy URL (`sqlite:///file` or `postgresql+psycopg://…`)."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite(parsed, pool_size)
        # SQLite commits each statement by itself unless a transaction was begun, and need not be told so each time.
        return Database(engine, engine.execution_options(daocun_reads=True))
    if parsed.get_backend_name() != "postgresql":
        raise ValueError("the database is SQLite or PostgreSQL")
    parsed = parsed.set(drivername="postgresql+psycopg")
    # A connection of the one kind never becomes one of the other: switching costs more than a statement.
    return Database(_postgres(parsed, pool_size), _postgres(parsed, pool_size, isolation_level="AUTOCOMMIT"))


def _postgres(url: URL, pool_size: int, **options: Any) -> Engine:
    engine = create_engine(
        url, pool_size=pool_size, max_overflow=0, pool_use_lifo=True, hide_parameters=True, **options
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # Whoever runs the server may have it answer before it has written; then our answer would be no promise.
        with connection.cursor() as cursor:
            cursor.execute(_SYNCHRONOUS)
        connection.commit()

    @event.listens_for(engine, "handle_error")
    def shorten(context: Any) -> None:
        forget_row(context.original_exception, context.sqlalchemy_exception)

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", 0.0) <= _IDLE_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool connects anew

    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    return engine


def _sqlite(url: URL, pool_size: int) -> Engine:
    from pysqlite3 import dbapi2

    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        module=dbapi2,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        hide_parameters=True,  # an error is logged, and what it was about is nobody's business
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
    )
    wal = wal_is_safe(dbapi2.sqlite_version_info)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            f"journal_mode = {'WAL' if wal else 'DELETE'}",
            f"synchronous = {'FULL' if wal else 'EXTRA'}",
            "foreign_keys = ON",
            f"busy_timeout = {BUSY_TIMEOUT_S * 1000}",
            *_IN_MEMORY,
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("daocun_reads"):
            driver: Any = connection.connection.dbapi_connection
            driver.execute("BEGIN IMMEDIATE")

    return engine


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix of the bug by which a WAL reset could lose a commit."""
    newest, *older = _WAL_SAFE
    return version >= newest or any(version[:2] == fixed[:2] and version >= fixed for fixed in older)


def is_serialization_failure(error: DBAPIError) -> bool:
    """Whether PostgreSQL gave up on a transaction that may succeed when tried again (deadlock, serialization)."""
    return getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}
