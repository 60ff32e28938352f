"""Stored verdicts, what must be worked out again, and closed months."""

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table, text

from server.domain.engine import Reason, Status, Verdict
from server.storage.tables.base import Serial, metadata, one_of
from server.storage.types import Instant, Json, code

obligation = Table(
    "obligation",
    metadata,
    Column("person", code(), ForeignKey("person.code"), primary_key=True),
    Column("window", code(8), primary_key=True),
    Column("duty", code(), primary_key=True),
    Column("place", code(), ForeignKey("place.code"), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("opens_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("reason", String(8), nullable=False),
    Column("needed", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("path", code(250), nullable=False),
    Column("visits", Json, nullable=False),
    Column("awaited", Json, nullable=False),
    one_of("verdict", Verdict),
    one_of("reason", Reason),
    CheckConstraint("due_on >= opens_on", name="days"),
    Index(None, "due_on"),
    Index(None, "path", "due_on"),
)

# What must be worked out again: written with the change itself, so that a crash in between forgets nothing.
stale_span = Table(
    "stale_span",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Index(None, "person"),
)

stale_visit = Table(
    "stale_visit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("visit", String(36), ForeignKey("visit.id"), nullable=False),
    Column("cause", String(32), nullable=False),
    Index(None, "visit"),
)

closure = Table(
    "closure",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("place", code(), ForeignKey("place.code"), nullable=False),
    Column("path", code(250), nullable=False),  # of the place at the end of the month
    Column("month", code(7), nullable=False),
    Column("by", code(), nullable=False),
    Column("at", Instant, nullable=False),
    Column("reopened_by", code()),
    Column("reopened_at", Instant),
    Column("reason", String(1000), nullable=False, server_default=""),  # of the reopening
    Index("uq_closure_in_force", "place", "month", unique=True,
          postgresql_where=text("reopened_at IS NULL"), sqlite_where=text("reopened_at IS NULL")),
)  # fmt: skip

# The obligations of a closed month as reports print them, whatever becomes of the facts.
closure_row = Table(
    "closure_row",
    metadata,
    Column("person", code(), ForeignKey("person.code"), primary_key=True),
    Column("window", code(8), primary_key=True),
    Column("duty", code(), primary_key=True),
    Column("place", code(), ForeignKey("place.code"), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("closure", Serial, ForeignKey("closure.id"), primary_key=True),
    Column("opens_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("status", String(8), nullable=False),
    Column("reason", String(8), nullable=False),
    Column("needed", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("path", code(250), nullable=False),
    Column("visits", Json, nullable=False),
    Column("awaited", Json, nullable=False),
    one_of("status", Status),
    one_of("reason", Reason),
    Index(None, "closure"),
)
