"""The register everybody shares: places, days and duties."""

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
    String,
    Table,
    Text,
    true,
)

from server.domain.calendar import DayKind
from server.domain.duties import DayOff, Fixed, Target
from server.domain.places import Level
from server.domain.postings import Role
from server.storage.tables.base import Serial, metadata, one_of, span
from server.storage.types import Instant, Json, code

register = Table(
    "register",
    metadata,
    Column("id", Integer, primary_key=True),
    # Counts the changes of places, duties and days: what is worked out from an older one is worked out again.
    Column("revision", BigInteger, nullable=False),
    Column("judged_from", Date),
    Column("judged_to", Date),
    Column("basis", Text, nullable=False),  # the settings the stored verdicts were judged under
    CheckConstraint("id = 1", name="single"),
)

place = Table(
    "place",
    metadata,
    Column("code", code(), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("level", String(16), nullable=False),
    Column("ended_on", Date),
    Column("service_from", Date),
    Column("successors", Json, nullable=False, server_default="[]"),  # where visits go once the place has ended
    one_of("level", Level),
    CheckConstraint("length(code) BETWEEN 1 AND 32", name="code"),
)

place_standing = Table(
    "place_standing",
    metadata,
    Column("place", code(), ForeignKey("place.code"), primary_key=True),
    Column("since", Date, primary_key=True),
    Column("parent", code(), ForeignKey("place.code")),
    Column("points", Json, nullable=False),  # [[latitude, longitude], …] in WGS-84
    Column("radius_m", Float),
    Column("polygon", Text),  # GeoJSON geometry
    Column("central_village", code(), ForeignKey("place.code")),
    span("radius_m", 1, 100_000),
    Index(None, "parent"),
)

day_mark = Table(
    "day_mark",
    metadata,
    Column("day", Date, primary_key=True),
    Column("place", code(), primary_key=True),  # empty: everywhere
    Column("closure", Boolean, primary_key=True),
    Column("kind", String(8), nullable=False),
    one_of("kind", DayKind),
    CheckConstraint("closure = (kind = 'closed')", name="closure"),
)

duty = Table(
    "duty",
    metadata,
    Column("code", code(), primary_key=True),
    Column("since", Date, primary_key=True),
    Column("role", String(32), nullable=False),
    Column("activities", Json, nullable=False),
    Column("target", String(16), nullable=False),
    Column("every", String(8), nullable=False),
    Column("fixed", String(16), nullable=False),
    Column("number", Integer),
    Column("day_off", String(8), nullable=False),
    Column("times", Integer, nullable=False),
    Column("min_photos", Integer, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    one_of("role", Role),
    one_of("target", Target),
    one_of("every", ("week", "month")),
    one_of("fixed", Fixed),
    one_of("day_off", DayOff),
    span("times", 1, 31),
    span("min_photos", 0, 20),
)

day_move = Table(
    "day_move",
    metadata,
    Column("duty", code(), primary_key=True),
    Column("window", code(8), primary_key=True),
    Column("place", code(), ForeignKey("place.code"), primary_key=True),
    Column("day", Date, nullable=False),  # on which the fixed day falls here instead, and everywhere inside
    Column("reason", String(1000), nullable=False),
    Column("by", code(), nullable=False),
    Column("at", Instant, nullable=False),
)

# A change that touches what its author owes themself: it waits for a second person.
proposal = Table(
    "proposal",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("body", Json, nullable=False),
    Column("path", code(250), nullable=False),  # of the place whose people it concerns
    Column("by", code(), ForeignKey("person.code"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("status", String(12), nullable=False, server_default="waiting"),
    Column("decided_by", code()),
    Column("decided_at", Instant),
    Column("reason", String(1000), nullable=False, server_default=""),
    one_of("status", ("waiting", "approved", "refused", "withdrawn")),
    Index(None, "status", "path"),
    Index(None, "decided_at"),
)
