"""Visits, their pictures, and what was added or decided later."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from server.domain.checks import VisitStatus
from server.domain.duties import Activity
from server.storage.tables.base import CRS, Serial, metadata, one_of, span
from server.storage.types import Instant, Json, code

visit = Table(
    "visit",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("place", code(), ForeignKey("place.code"), nullable=False),
    Column("asked_place", code()),  # what the phone named; none: it left the place out
    Column("path", code(250), nullable=False),  # where the place lay on that day
    Column("activity", String(8), nullable=False),
    Column("captured_at", Instant, nullable=False),
    Column("occurred_at", Instant, nullable=False),  # captured_at less the phone's known skew
    Column("day", Date, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("accuracy_m", Float),
    Column("crs", String(8)),
    Column("raw_latitude", Float),
    Column("raw_longitude", Float),
    Column("functions", Json, nullable=False),
    Column("note", String(2000), nullable=False),
    Column("device", Json, nullable=False),
    Column("skew_s", Float, nullable=False, server_default="0"),
    Column("content", LargeBinary(32), nullable=False),  # digest of the first record, without `device`
    Column("photos", Integer, nullable=False),  # announced and not withdrawn
    Column("missing", Integer, nullable=False),  # of them, not yet here
    Column("findings", Json, nullable=False),
    Column("status", String(12), nullable=False),
    Column("imported", Boolean, nullable=False, server_default=false()),
    Column("decided", Boolean, nullable=False, server_default=false()),  # by a person: no job reopens it
    Column("held", Boolean, nullable=False, server_default=false()),  # waits for a person, whatever the checks say
    Column("entry", String(12)),  # none: from the person's own phone
    Column("entered_by", code()),
    Column("entry_reason", String(1000), nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="1"),
    one_of("activity", Activity),
    one_of("status", VisitStatus),
    one_of("crs", CRS),
    span("latitude", -90, 90),
    span("longitude", -180, 180),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="position"),
    CheckConstraint("accuracy_m >= 0", name="accuracy_m"),
    CheckConstraint("missing BETWEEN 0 AND photos", name="missing"),
    one_of("entry", ("paper", "handed-in")),
    Index(None, "person", "occurred_at", "id"),
    Index(None, "path", "day"),
    Index(None, "occurred_at", "id"),
    Index("ix_visit_undecided", "status", "received_at", postgresql_where=text("status IN ('incomplete', 'review')"),
          sqlite_where=text("status IN ('incomplete', 'review')")),
)  # fmt: skip

photo = Table(
    "photo",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("media_type", String(16), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("taken_at", Instant),
    Column("stored_at", Instant, nullable=False),
    Column("unreadable", Boolean, nullable=False, server_default=false()),  # could not be decoded when looked at
    one_of("media_type", ("image/jpeg", "image/png", "image/webp")),
    CheckConstraint("length(digest) = 64", name="digest"),
)

# What was seen in a picture sent for a visit, where it is looked for: among its person's, and its area's of a year
photo_print = Table(
    "photo_print",
    metadata,
    Column("visit", String(36), ForeignKey("visit.id"), primary_key=True),
    Column("digest", String(64), ForeignKey("photo.digest"), primary_key=True),
    Column("person", code(), nullable=False),
    Column("area", code(), nullable=False),  # the township's code
    Column("occurred_at", Instant, nullable=False),
    Column("prints", LargeBinary(256), nullable=False),
    Index(None, "person", "occurred_at"),
    Index(None, "area", "occurred_at"),
)

# Both ways round
photo_likeness = Table(
    "photo_likeness",
    metadata,
    Column("digest", String(64), ForeignKey("photo.digest"), primary_key=True),
    Column("other", String(64), ForeignKey("photo.digest"), primary_key=True),
    Column("percent", Integer, nullable=False),  # how well they agree
)

visit_photo = Table(
    "visit_photo",
    metadata,
    Column("visit", String(36), ForeignKey("visit.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("in_time", Boolean, nullable=False),  # announced while it could still be put right
    Column("announced_at", Instant, nullable=False),
    Column("received_at", Instant),
    Column("withdrawn_at", Instant),
    Column("looked_at", Instant),  # when it was compared with others; none: still to do, once it is here
    Index(None, "digest"),
    Index("ix_visit_photo_unlooked", "received_at",
          postgresql_where=text("looked_at IS NULL AND received_at IS NOT NULL"),
          sqlite_where=text("looked_at IS NULL AND received_at IS NOT NULL")),
)  # fmt: skip

addition = Table(
    "addition",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("visit", String(36), ForeignKey("visit.id"), nullable=False),
    Column("content", LargeBinary(32), nullable=False),
    Column("note", String(2000), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("visit", "content"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("visit", String(36), ForeignKey("visit.id"), nullable=False),
    Column("decision", String(8), nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("by", code(), ForeignKey("person.code"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("on_appeal", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False),  # of the visit that this decision made
    one_of("decision", ("confirm", "reject", "return")),
    UniqueConstraint("visit", "version"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

appeal = Table(
    "appeal",
    metadata,
    Column("visit", String(36), ForeignKey("visit.id"), primary_key=True),  # once
    Column("reason", String(1000), nullable=False),
    Column("at", Instant, nullable=False),
    Column("decided_at", Instant),
    Index("ix_appeal_waiting", "at", postgresql_where=text("decided_at IS NULL"),
          sqlite_where=text("decided_at IS NULL")),
)  # fmt: skip
