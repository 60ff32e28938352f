"""The tables. What a column may hold is constrained here too, so that no other door lets nonsense in."""

from collections.abc import Iterable
from enum import StrEnum

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
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from server.domain.calendar import DayKind
from server.domain.checks import VisitStatus
from server.domain.duties import Activity, DayOff, Fixed, Target
from server.domain.engine import Reason, Verdict
from server.domain.places import Level
from server.domain.postings import LeaveKind, Role
from server.storage.types import Instant, Json, code

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

CRS = ("wgs84", "gcj02", "bd09")
GRANTS = ("reviewer", "supervisor", "auditor", "admin")
# SQLite numbers rows itself only in a column it calls INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")


def one_of(column: str, values: Iterable[str] | type[StrEnum], name: str | None = None) -> CheckConstraint:
    """A constraint that the column holds one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name or column)


def span(column: str, least: float, most: float) -> CheckConstraint:
    """A constraint that the column, where it is given, lies between two numbers."""
    return CheckConstraint(f"{column} BETWEEN {least} AND {most}", name=column)


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
    Column("version", Integer, nullable=False, server_default="1"),
    one_of("activity", Activity),
    one_of("status", VisitStatus),
    one_of("crs", CRS),
    span("latitude", -90, 90),
    span("longitude", -180, 180),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="position"),
    CheckConstraint("accuracy_m >= 0", name="accuracy_m"),
    CheckConstraint("missing BETWEEN 0 AND photos", name="missing"),
    Index(None, "person", "occurred_at", "id"),
    Index(None, "path", "day"),
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
    Column("looked_at", Instant),  # when its fingerprint was taken; none: still to do
    Column("fingerprint", LargeBinary(16)),  # none after being looked at: too flat to compare
    Column("band0", Integer),
    Column("band1", Integer),
    Column("band2", Integer),
    Column("band3", Integer),
    one_of("media_type", ("image/jpeg", "image/png", "image/webp")),
    CheckConstraint("length(digest) = 64", name="digest"),
    Index(None, "band0"),
    Index(None, "band1"),
    Index(None, "band2"),
    Index(None, "band3"),
    Index("ix_photo_unlooked", "stored_at", postgresql_where=text("looked_at IS NULL"),
          sqlite_where=text("looked_at IS NULL")),
)  # fmt: skip

photo_likeness = Table(
    "photo_likeness",
    metadata,
    Column("digest", String(64), ForeignKey("photo.digest"), primary_key=True),
    Column("other", String(64), ForeignKey("photo.digest"), primary_key=True),
    Column("bits", Integer, nullable=False),
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
    Index(None, "digest"),
)

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
    Index(None, "kind", "subject"),
    sqlite_autoincrement=True,
)
