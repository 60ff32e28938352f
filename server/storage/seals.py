"""The log's chain as the database holds it: which lines wait to be sealed, and what was sealed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, literal_column, select, text

from server.domain.chain import Block, Field, Sealed
from server.storage import tables as t

PAGE = 2000  # rows read in one go

_LINE = ("id", "at", "actor", "verb", "kind", "subject", "detail", "path", "about", "personal")
# How SQLite is to hold a line: a text that has become a blob of the same bytes is another value.
_KINDS = {
    f"integer text text text text text text text {about} {personal}"
    for about in ("text", "null")
    for personal in ("blob", "null")
}
_UTC = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"  # as SQLite holds an instant


def last_block(connection: Connection) -> Block | None:
    """The block sealed last."""
    newest = select(func.max(t.log_block.c.number)).scalar_subquery()
    return next(_blocks(connection, t.log_block.c.number == newest), None)


def issued(connection: Connection) -> int:
    """An id that no line begun before now is above."""
    if connection.dialect.name == "sqlite":
        return connection.scalar(select(func.max(t.log.c.id))) or 0
    found: int = connection.scalar(text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM log_id_seq")) or 0
    return found


def writers(connection: Connection) -> frozenset[str]:
    """Transactions that may have added lines nobody else sees yet; on SQLite none is ever out of order.

    PostgreSQL hands out an id before the transaction that asked for it commits. Whoever adds to the log holds this lock
    on it from before the id until after the commit can be seen.
    """
    if connection.dialect.name == "sqlite":
        return frozenset()
    holding = text(
        "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND relation = 'log'::regclass"
    )
    return frozenset(connection.scalars(holding))


def unsealed(connection: Connection, above: int, limit: int) -> list[tuple[int, Sequence[Field]]]:
    """Lines that are not sealed, with an id above the given one, in order of id."""
    query = (
        select(*_line(connection))
        .where(t.log.c.id > above, ~exists().where(t.log_seal.c.line == t.log.c.id))
        .order_by(t.log.c.id)
        .limit(limit)
    )
    return [(row[0], _fields(row)) for row in connection.execute(query)]


def add_block(connection: Connection, block: Block, sealed_at: datetime, seals: Sequence[tuple[int, bytes]]) -> None:
    """Stores a block with its lines' ids and hashes, in order of their numbers."""
    rows = [{"line": line, "number": block.first + n, "hash": hashed} for n, (line, hashed) in enumerate(seals)]
    connection.execute(insert(t.log_seal), rows)
    connection.execute(
        insert(t.log_block).values(
            number=block.number,
            first=block.first,
            last=block.last,
            settled=block.settled,
            head=block.head,
            sealed_at=sealed_at,
        )
    )


def standing(connection: Connection) -> tuple[Block | None, int]:
    """The block sealed last and the highest number of any seal, at one moment."""
    newest = select(func.max(t.log_block.c.number)).scalar_subquery()
    highest = select(func.coalesce(func.max(t.log_seal.c.number), 0)).scalar_subquery()
    number, last = connection.execute(select(newest, highest)).one()
    block = next(_blocks(connection, t.log_block.c.number == number), None) if number is not None else None
    return block, last


def blocks(connection: Connection, last: int) -> Iterator[Block]:
    """Every block up to a number, in order of their numbers, a page at a time."""
    c = t.log_block.c
    after = None
    while True:
        page = list(_blocks(connection, c.number <= last, *([] if after is None else [c.number > after])))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].number


def sealed(connection: Connection, last: int) -> Iterator[Sealed]:
    """Every seal up to a number, with its line, in order of their numbers, a page at a time."""
    s = t.log_seal.c
    hashed = _raw(connection, "log_seal.hash")
    query = select(s.number, s.line, hashed, *_line(connection)).join_from(
        t.log_seal, t.log, t.log.c.id == s.line, isouter=True
    )
    after = None
    while True:
        page = query.where(s.number <= last).order_by(s.number).limit(PAGE)
        rows = connection.execute(page if after is None else page.where(s.number > after)).all()
        for row in rows:
            yield Sealed(row[0], row[1], bytes(row[2]), None if row[3] is None else _fields(row[3:]))
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


def left_out(connection: Connection, settled: int, limit: int) -> list[int]:
    """Ids of lines that were to be sealed and are not: they came later than their id says."""
    query = select(t.log.c.id).where(t.log.c.id <= settled, ~exists().where(t.log_seal.c.line == t.log.c.id))
    return list(connection.scalars(query.order_by(t.log.c.id).limit(limit)))


def _line(connection: Connection) -> list[ColumnElement[Any]]:
    """The id, how its columns are held, and each as bytes or text, just as they stand in the database."""
    if connection.dialect.name == "sqlite":
        held = " || ' ' || ".join(f"typeof(log.{name})" for name in _LINE)
        return [t.log.c.id, literal_column(held), *(_raw(connection, f"log.{name}") for name in _LINE)]
    other = {"id": "log.id::text", "at": _UTC.format("log.at"), "detail": "log.detail::text"}
    return [t.log.c.id, literal_column("''"), *(literal_column(other.get(name, f"log.{name}")) for name in _LINE)]


def _fields(row: Sequence[Any]) -> Sequence[Field]:
    """A line's fields from the last columns of a row, beginning with its id."""
    held, *values = row[-1 - len(_LINE) :]
    fields = [_bytes(value) for value in values]
    return fields if held in _KINDS or not held else [*fields, held.encode()]


def _blocks(connection: Connection, *wanted: ColumnElement[bool]) -> Iterator[Block]:
    c = t.log_block.c
    if connection.dialect.name == "sqlite":
        at, held = "CAST(log_block.sealed_at AS BLOB)", "typeof(sealed_at) || ' ' || typeof(head)"
    else:
        at, held = _UTC.format("log_block.sealed_at"), "'text blob'"
    raw: tuple[ColumnElement[Any], ...] = (literal_column(at), _raw(connection, "log_block.head"), literal_column(held))
    query = select(c.number, c.first, c.last, c.settled, *raw).where(*wanted).order_by(c.number).limit(PAGE)
    for number, first, last, settled, sealed_at, head, kinds in connection.execute(query):
        said = _bytes(sealed_at) or b""
        yield Block(number, first, last, settled, said if kinds == "text blob" else said + kinds.encode(), bytes(head))


def _raw(connection: Connection, column: str) -> ColumnElement[Any]:
    """A column's bytes, whatever the value has become."""
    return literal_column(f"CAST({column} AS BLOB)" if connection.dialect.name == "sqlite" else column)


def _bytes(value: Any) -> Field:
    return value.encode() if isinstance(value, str) else None if value is None else bytes(value)
