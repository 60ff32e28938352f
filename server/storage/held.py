"""One open transaction as a database of its own, for work that must see, and may undo, what is not committed yet."""

import contextlib
from collections.abc import Iterator

from server.storage.database import Connection, Database


class Held(Database):
    """A database whose both doors lead into one open transaction; whoever opened that commits it or takes it back."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.engine, connection.engine)
        self._connection = connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """The transaction itself."""
        yield self._connection

    @contextlib.contextmanager
    def write(self, *, shared: bool = False) -> Iterator[Connection]:
        """The transaction itself, which all share anyway; nothing is committed at the end of the block."""
        yield self._connection

    def close(self) -> None:
        """Closes nothing: the connection is somebody else's."""
