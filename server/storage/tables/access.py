"""Accounts, sessions and grants."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from server.storage.tables.base import GRANTS, Serial, metadata, one_of, span
from server.storage.types import Instant, code

account = Table(
    "account",
    metadata,
    Column("person", code(), ForeignKey("person.code"), primary_key=True),
    Column("password", String(200)),  # argon2; none until activated
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

token = Table(
    "token",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("person", code(), ForeignKey("account.person"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Index(None, "person"),
)

activation = Table(
    "activation",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("account.person"), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("wrong_tries", Integer, nullable=False, server_default="0"),
    Column("ended_at", Instant),  # used, replaced or tried too often
    span("wrong_tries", 0, 5),
    Index(None, "person"),
)

grant = Table(
    "grant",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("account.person"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("place", code(), ForeignKey("place.code"), nullable=False),
    Column("granted_by", code(), nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("ended_at", Instant),
    one_of("kind", GRANTS),
    Index("uq_grant_in_force", "person", "kind", "place", unique=True, postgresql_where=text("ended_at IS NULL"),
          sqlite_where=text("ended_at IS NULL")),
)  # fmt: skip

attempt = Table(
    "attempt",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("subject", code(80), nullable=False),  # what is counted: an account, an address
    Column("at", Instant, nullable=False),
    Index(None, "subject", "at"),
)

# An address that is good once, for a link that cannot send a token.
download = Table(
    "download",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("person", code(), ForeignKey("account.person"), nullable=False),
    Column("target", Text, nullable=False),  # path and query below the API
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

# The secret address of somebody's calendar.
feed = Table(
    "feed",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("person", code(), ForeignKey("account.person"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Index(None, "person"),
)
