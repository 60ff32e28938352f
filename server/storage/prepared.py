"""Statements made and compiled once and run on the driver itself: for what every check-in asks.

SQLAlchemy works out anew at each execution what it found at the one before; for a statement that the database answers
in ten microseconds that is most of the cost. Text, types and their conversions are SQLAlchemy's here too, so a value
is stored and read as anywhere else.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, SelectBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from server.storage.errors import forget_row

Row = tuple[Any, ...]
Convert = Callable[[Any], Any] | None


@dataclass(slots=True)
class _Compiled:
    """A statement in the words of one dialect."""

    dialect: Dialect
    text: str
    by_position: bool
    binds: list[tuple[str, bool, Convert, Any]]  # name; whether it must be given; its conversion, or its value
    types: list[TypeEngine[Any]]
    converts: list[tuple[int, Callable[[Any], Any]]] | None = None  # known once the driver has said what it returns


class Sent:
    """A statement that was sent with others; what it did is known after the block of `together`."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    @property
    def changed(self) -> int:
        """How many rows it changed."""
        number: int = self._cursor.rowcount
        return number


@contextlib.contextmanager
def together(connection: Connection) -> Iterator[None]:
    """Sends what is run in the block to PostgreSQL in one round trip; an error in it comes at the end of the block.

    Only for statements of this module, and nothing of their answers may be asked for before. On SQLite, which is not
    across a network, they just run.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    error_type = connection.dialect.loaded_dbapi.Error
    try:
        with driver.pipeline():
            yield
    except error_type as error:
        raise DBAPIError.instance("", None, error, error_type, dialect=connection.dialect) from error


class Prepared:
    """A statement with `bindparam`s for all that varies; an INSERT names its columns in `values`.

    `statement` is one for every dialect, or one for each by name. The connection is used as it stands: inside
    `Database.write` the statement is part of its transaction.
    """

    def __init__(
        self, statement: SelectBase | UpdateBase | Mapping[str, UpdateBase], values: Sequence[str] | None = None
    ) -> None:
        self._statement = statement
        self._values = values
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Row]:
        """Every row of the answer."""
        compiled = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        cursor = _execute(connection, compiled, values)
        converts = compiled.converts
        if converts is None:
            converts = compiled.converts = _converts(compiled, cursor)
        found: list[Row] = cursor.fetchall()
        if not converts:
            return found
        return [_converted(row, converts) for row in found]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Row | None:
        """The first row of the answer; none if there is none."""
        found = self.rows(connection, values)
        return found[0] if found else None

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Changes rows; how many."""
        compiled = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        changed: int = _execute(connection, compiled, values).rowcount
        return changed

    def send(self, connection: Connection, values: Mapping[str, Any]) -> Sent:
        """Changes rows; how many is to be asked later."""
        compiled = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        return Sent(_execute(connection, compiled, values))

    def _compile(self, dialect: Dialect) -> _Compiled:
        statement = self._statement[dialect.name] if isinstance(self._statement, Mapping) else self._statement
        compiled: Any = statement.compile(
            dialect=dialect, column_keys=self._values, compile_kwargs={"render_postcompile": True}
        )
        names = compiled.positiontup if compiled.positional else list(compiled.bind_names.values())
        types = [column.type for column in statement.selected_columns] if isinstance(statement, SelectBase) else []
        found = self._compiled[dialect.name] = _Compiled(
            dialect=dialect,
            text=str(compiled),
            by_position=compiled.positional,
            binds=[(name, *_bind(compiled, name, dialect)) for name in names],
            types=types,
        )
        return found


def _bind(compiled: Any, name: str, dialect: Dialect) -> tuple[bool, Convert, Any]:
    bound = compiled.binds[name]
    convert: Convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
    if bound.required:
        return True, convert, None
    return False, None, convert(bound.effective_value) if convert else bound.effective_value


def _execute(connection: Connection, compiled: _Compiled, values: Mapping[str, Any]) -> Any:
    driver: Any = connection.connection.dbapi_connection
    given: Any
    if compiled.by_position:
        given = [
            (convert(values[name]) if convert else values[name]) if required else value
            for name, required, convert, value in compiled.binds
        ]
    else:
        given = {
            name: (convert(values[name]) if convert else values[name]) if required else value
            for name, required, convert, value in compiled.binds
        }
    try:
        return driver.execute(compiled.text, given)
    except compiled.dialect.loaded_dbapi.Error as error:
        forget_row(error)
        raise DBAPIError.instance(
            compiled.text, None, error, compiled.dialect.loaded_dbapi.Error, dialect=compiled.dialect
        ) from error


def _converts(compiled: _Compiled, cursor: Any) -> list[tuple[int, Callable[[Any], Any]]]:
    described = [column[1] for column in cursor.description]
    found = (
        type_.dialect_impl(compiled.dialect).result_processor(compiled.dialect, code)
        for type_, code in zip(compiled.types, described, strict=True)
    )
    return [(number, convert) for number, convert in enumerate(found) if convert is not None]


def _converted(row: Row, converts: list[tuple[int, Callable[[Any], Any]]]) -> Row:
    values = list(row)
    for number, convert in converts:
        values[number] = convert(values[number])
    return tuple(values)
