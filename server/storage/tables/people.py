"""People, what they are posted to, and when they are away."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from server.domain.postings import LeaveKind, Role
from server.storage.tables.base import Serial, metadata, one_of
from server.storage.types import Instant, code

person = Table(
    "person",
    metadata,
    Column("code", code(), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("phone", code(20), nullable=False),
    Column("unit", String(100), nullable=False),
    Column("language", String(2), nullable=False, server_default="zh"),
    # Optimistic locks: `facts` counts changes of postings and leave, `visits` those of the person's visits.
    Column("facts", BigInteger, nullable=False, server_default="0"),
    Column("visits", BigInteger, nullable=False, server_default="0"),
    Column("gcj02_from", Instant),  # check-ins captured later are read as GCJ-02 where only that makes sense
    CheckConstraint("length(code) BETWEEN 1 AND 32", name="code"),
    one_of("language", ("zh", "en")),
    Index(None, "phone"),
)

posting = Table(
    "posting",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("role", String(32), nullable=False),
    Column("place", code(), ForeignKey("place.code"), nullable=False),
    Column("start", Date, nullable=False),
    Column("end", Date),
    Column("office_weekday", Integer),
    one_of("role", Role),
    CheckConstraint('"end" >= start', name="days"),
    CheckConstraint(
        "office_weekday IS NULL OR (office_weekday BETWEEN 1 AND 5 AND role = 'district-secretary')",
        name="office_weekday",
    ),
    UniqueConstraint("person", "role", "place", "start"),
    Index(None, "place"),
)

leave = Table(
    "leave",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("start", Date, nullable=False),
    Column("end", Date, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("note", String(1000), nullable=False),
    one_of("kind", LeaveKind),
    CheckConstraint('"end" >= start', name="days"),
    UniqueConstraint("person", "start", "end", "kind"),
)

leave_request = Table(
    "leave_request",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("start", Date, nullable=False),
    Column("end", Date, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("note", String(1000), nullable=False),
    Column("at", Instant, nullable=False),
    Column("status", String(12), nullable=False, server_default="waiting"),
    Column("decided_by", code()),
    Column("decided_at", Instant),
    Column("reason", String(1000), nullable=False, server_default=""),
    one_of("kind", LeaveKind),
    one_of("status", ("waiting", "approved", "refused", "withdrawn")),
    CheckConstraint('"end" >= start', name="days"),
    Index(None, "person"),
    Index(None, "status"),
    Index(None, "decided_at"),
)

excuse = Table(
    "excuse",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("duty", code(), nullable=False),
    Column("place", code(), ForeignKey("place.code"), nullable=False),
    Column("window", code(8), nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("by", code(), nullable=False),
    Column("at", Instant, nullable=False),
    Column("ended_by", code()),  # who took it back
    Column("ended_at", Instant),
    Index(None, "at"),
    Index(None, "ended_at"),
    Index("uq_excuse_in_force", "person", "duty", "place", "window", unique=True,
          postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL")),
)  # fmt: skip

explanation = Table(
    "explanation",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", code(), ForeignKey("person.code"), nullable=False),
    Column("duty", code(), nullable=False),
    Column("place", code(), ForeignKey("place.code"), nullable=False),
    Column("window", code(8), nullable=False),
    Column("text", String(2000), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("person", "duty", "place", "window"),
)
