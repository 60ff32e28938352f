"""The log and its chain, and what people are told."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from server.storage.tables.base import Serial, metadata
from server.storage.types import Instant, Json, code

log = Table(
    "log",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", code(64), nullable=False),  # a person's code, or `system`, `command-line`
    Column("verb", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", code(200), nullable=False),
    Column("detail", Json, nullable=False),
    Column("path", code(250), nullable=False, server_default=""),  # where it belongs; none: to the whole deployment
    Column("about", code()),  # whose key opens `personal`
    Column("personal", LargeBinary),
    Index(None, "at", postgresql_using="brin"),
    Index(None, "kind", "subject"),
    Index(None, "path", "id"),
    Index("ix_log_worked_out", "at", postgresql_where=text("verb = 'worked-out'"),
          sqlite_where=text("verb = 'worked-out'")),
    sqlite_autoincrement=True,
)  # fmt: skip

# What of a log line is personal can only be read with the key of whom it is about; without the key it is erased.
person_key = Table(
    "person_key",
    metadata,
    Column("person", code(), primary_key=True),
    Column("key", LargeBinary(32)),  # none: destroyed
    Column("created_at", Instant, nullable=False),
    Column("destroyed_at", Instant),
)

log_block = Table(
    "log_block",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # without a gap
    Column("first", BigInteger, nullable=False),  # number in the chain of its first line
    Column("last", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),  # every line's id up to here is sealed, or will never be
    Column("head", LargeBinary(32), nullable=False),  # over the hash of its last line and this row
    Column("sealed_at", Instant, nullable=False),
    CheckConstraint("last >= first", name="lines"),
)

log_seal = Table(
    "log_seal",
    metadata,
    Column("line", BigInteger, primary_key=True, autoincrement=False),  # no foreign key: it would touch the line
    Column("number", BigInteger, nullable=False, unique=True),  # in the chain, without a gap
    Column("hash", LargeBinary(32), nullable=False),  # of the line and the hash before
)

notice = Table(
    "notice",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", code(200), nullable=False),  # a visit, an obligation, a place and day
    Column("detail", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("read_at", Instant),
    UniqueConstraint("person", "kind", "subject"),
    Index(None, "person", "id"),
)

# One message a day to each address of a township, sent once.
digest = Table(
    "digest",
    metadata,
    Column("place", code(), ForeignKey("place.code"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("address", code(16), primary_key=True),  # the beginning of its hash: addresses hold passwords
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", Instant, nullable=False),
    Column("sent_at", Instant),
)
