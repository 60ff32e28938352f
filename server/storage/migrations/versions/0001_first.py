"""The first tables: places, people, postings, duties, visits, photos, obligations, accounts and the log."""

import sqlalchemy as sa
from alembic import op

from server.storage.types import Instant, Json, code

revision = "0001"
down_revision = None

Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SQLITE_TRIGGER = """CREATE TRIGGER log_no_{verb} BEFORE {VERB} ON log
BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"""
POSTGRESQL_FUNCTION = """CREATE FUNCTION log_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the log is only added to'; END $$"""
POSTGRESQL_TRIGGER = """CREATE TRIGGER log_no_{verb} BEFORE {VERB} ON log
FOR EACH STATEMENT EXECUTE FUNCTION log_is_only_added_to()"""


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", code(80), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_subject_at"), "attempt", ["subject", "at"], unique=False)
    op.create_table(
        "day_mark",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("closure", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.CheckConstraint("closure = (kind = 'closed')", name=op.f("ck_day_mark_closure")),
        sa.CheckConstraint("kind IN ('off', 'work', 'closed')", name=op.f("ck_day_mark_kind")),
        sa.PrimaryKeyConstraint("day", "place", "closure", name=op.f("pk_day_mark")),
    )
    op.create_table(
        "duty",
        sa.Column("code", code(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("activities", Json(), nullable=False),
        sa.Column("target", sa.String(length=16), nullable=False),
        sa.Column("every", sa.String(length=8), nullable=False),
        sa.Column("fixed", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("day_off", sa.String(length=8), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("min_photos", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.CheckConstraint("day_off IN ('skip', 'shift', 'keep')", name=op.f("ck_duty_day_off")),
        sa.CheckConstraint("every IN ('week', 'month')", name=op.f("ck_duty_every")),
        sa.CheckConstraint("fixed IN ('any', 'month-day', 'weekday', 'office-weekday')", name=op.f("ck_duty_fixed")),
        sa.CheckConstraint(
            "role IN ('envoy', 'district-secretary', 'paired-leader', "
            "'first-secretary', 'stationed-cadre', 'seconded-cadre')",
            name=op.f("ck_duty_role"),
        ),
        sa.CheckConstraint("target IN ('posting', 'central-village', 'each-village')", name=op.f("ck_duty_target")),
        sa.CheckConstraint("min_photos BETWEEN 0 AND 20", name=op.f("ck_duty_min_photos")),
        sa.CheckConstraint("times BETWEEN 1 AND 31", name=op.f("ck_duty_times")),
        sa.PrimaryKeyConstraint("code", "since", name=op.f("pk_duty")),
    )
    op.create_table(
        "log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", code(64), nullable=False),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", code(200), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_log_kind_subject"), "log", ["kind", "subject"], unique=False)
    op.create_table(
        "person",
        sa.Column("code", code(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("phone", code(20), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=2), server_default="zh", nullable=False),
        sa.Column("facts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("visits", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("language IN ('zh', 'en')", name=op.f("ck_person_language")),
        sa.CheckConstraint("length(code) BETWEEN 1 AND 32", name=op.f("ck_person_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_phone"), "person", ["phone"], unique=False)
    op.create_table(
        "photo",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=16), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("taken_at", Instant(), nullable=True),
        sa.Column("stored_at", Instant(), nullable=False),
        sa.Column("looked_at", Instant(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=True),
        sa.Column("band0", sa.Integer(), nullable=True),
        sa.Column("band1", sa.Integer(), nullable=True),
        sa.Column("band2", sa.Integer(), nullable=True),
        sa.Column("band3", sa.Integer(), nullable=True),
        sa.CheckConstraint("media_type IN ('image/jpeg', 'image/png', 'image/webp')", name=op.f("ck_photo_media_type")),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_photo_digest")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_photo")),
    )
    op.create_index(op.f("ix_photo_band0"), "photo", ["band0"], unique=False)
    op.create_index(op.f("ix_photo_band1"), "photo", ["band1"], unique=False)
    op.create_index(op.f("ix_photo_band2"), "photo", ["band2"], unique=False)
    op.create_index(op.f("ix_photo_band3"), "photo", ["band3"], unique=False)
    op.create_index(
        "ix_photo_unlooked",
        "photo",
        ["stored_at"],
        unique=False,
        postgresql_where=sa.text("looked_at IS NULL"),
        sqlite_where=sa.text("looked_at IS NULL"),
    )
    op.create_table(
        "place",
        sa.Column("code", code(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("service_from", sa.Date(), nullable=True),
        sa.CheckConstraint("level IN ('county', 'township', 'district', 'village')", name=op.f("ck_place_level")),
        sa.CheckConstraint("length(code) BETWEEN 1 AND 32", name=op.f("ck_place_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_place")),
    )
    op.create_table(
        "register",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("judged_from", sa.Date(), nullable=True),
        sa.Column("judged_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_register_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register")),
    )
    op.create_table(
        "account",
        sa.Column("person", code(), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_account_person_person")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_account")),
    )
    op.create_table(
        "leave",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.CheckConstraint("kind IN ('annual', 'sick', 'training', 'meeting', 'other')", name=op.f("ck_leave_kind")),
        sa.CheckConstraint('"end" >= start', name=op.f("ck_leave_days")),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_leave_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
        sa.UniqueConstraint("person", "start", "end", "kind", name=op.f("uq_leave_person_start_end_kind")),
    )
    op.create_table(
        "obligation",
        sa.Column("person", code(), nullable=False),
        sa.Column("window", code(8), nullable=False),
        sa.Column("duty", code(), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=8), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("path", code(250), nullable=False),
        sa.Column("visits", Json(), nullable=False),
        sa.Column("awaited", Json(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('', 'holiday', 'leave', 'closed', 'decision')", name=op.f("ck_obligation_reason")
        ),
        sa.CheckConstraint("verdict IN ('met', 'excused', 'pending', 'open')", name=op.f("ck_obligation_verdict")),
        sa.CheckConstraint("due_on >= opens_on", name=op.f("ck_obligation_days")),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_obligation_person_person")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_obligation_place_place")),
        sa.PrimaryKeyConstraint("person", "window", "duty", "place", "turn", name=op.f("pk_obligation")),
    )
    op.create_index(op.f("ix_obligation_due_on"), "obligation", ["due_on"], unique=False)
    op.create_index(op.f("ix_obligation_path_due_on"), "obligation", ["path", "due_on"], unique=False)
    op.create_table(
        "photo_likeness",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("other", sa.String(length=64), nullable=False),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["photo.digest"], name=op.f("fk_photo_likeness_digest_photo")),
        sa.ForeignKeyConstraint(["other"], ["photo.digest"], name=op.f("fk_photo_likeness_other_photo")),
        sa.PrimaryKeyConstraint("digest", "other", name=op.f("pk_photo_likeness")),
    )
    op.create_table(
        "place_standing",
        sa.Column("place", code(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("parent", code(), nullable=True),
        sa.Column("points", Json(), nullable=False),
        sa.Column("radius_m", sa.Float(), nullable=True),
        sa.Column("polygon", sa.Text(), nullable=True),
        sa.Column("central_village", code(), nullable=True),
        sa.CheckConstraint("radius_m BETWEEN 1 AND 100000", name=op.f("ck_place_standing_radius_m")),
        sa.ForeignKeyConstraint(
            ["central_village"], ["place.code"], name=op.f("fk_place_standing_central_village_place")
        ),
        sa.ForeignKeyConstraint(["parent"], ["place.code"], name=op.f("fk_place_standing_parent_place")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_place_standing_place_place")),
        sa.PrimaryKeyConstraint("place", "since", name=op.f("pk_place_standing")),
    )
    op.create_index(op.f("ix_place_standing_parent"), "place_standing", ["parent"], unique=False)
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=True),
        sa.Column("office_weekday", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "office_weekday IS NULL OR (office_weekday BETWEEN 1 AND 5 AND role = 'district-secretary')",
            name=op.f("ck_posting_office_weekday"),
        ),
        sa.CheckConstraint(
            "role IN ('envoy', 'district-secretary', 'paired-leader', "
            "'first-secretary', 'stationed-cadre', 'seconded-cadre')",
            name=op.f("ck_posting_role"),
        ),
        sa.CheckConstraint('"end" >= start', name=op.f("ck_posting_days")),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_posting_person_person")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_posting_place_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint("person", "role", "place", "start", name=op.f("uq_posting_person_role_place_start")),
    )
    op.create_index(op.f("ix_posting_place"), "posting", ["place"], unique=False)
    op.create_table(
        "stale_span",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_stale_span_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stale_span")),
    )
    op.create_index(op.f("ix_stale_span_person"), "stale_span", ["person"], unique=False)
    op.create_table(
        "visit",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("asked_place", code(), nullable=True),
        sa.Column("path", code(250), nullable=False),
        sa.Column("activity", sa.String(length=8), nullable=False),
        sa.Column("captured_at", Instant(), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("crs", sa.String(length=8), nullable=True),
        sa.Column("raw_latitude", sa.Float(), nullable=True),
        sa.Column("raw_longitude", sa.Float(), nullable=True),
        sa.Column("functions", Json(), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("device", Json(), nullable=False),
        sa.Column("skew_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("content", sa.LargeBinary(length=32), nullable=False),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("findings", Json(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("imported", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("decided", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("activity IN ('visit', 'study', 'office', 'other')", name=op.f("ck_visit_activity")),
        sa.CheckConstraint("crs IN ('wgs84', 'gcj02', 'bd09')", name=op.f("ck_visit_crs")),
        sa.CheckConstraint(
            "status IN ('incomplete', 'confirmed', 'review', 'returned', 'rejected')", name=op.f("ck_visit_status")
        ),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_visit_position")),
        sa.CheckConstraint("accuracy_m >= 0", name=op.f("ck_visit_accuracy_m")),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_visit_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_visit_longitude")),
        sa.CheckConstraint("missing BETWEEN 0 AND photos", name=op.f("ck_visit_missing")),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_visit_person_person")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_visit_place_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index(op.f("ix_visit_path_day"), "visit", ["path", "day"], unique=False)
    op.create_index(op.f("ix_visit_person_occurred_at_id"), "visit", ["person", "occurred_at", "id"], unique=False)
    op.create_index(
        "ix_visit_undecided",
        "visit",
        ["status", "received_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('incomplete', 'review')"),
        sqlite_where=sa.text("status IN ('incomplete', 'review')"),
    )
    op.create_table(
        "activation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.CheckConstraint("wrong_tries BETWEEN 0 AND 5", name=op.f("ck_activation_wrong_tries")),
        sa.ForeignKeyConstraint(["person"], ["account.person"], name=op.f("fk_activation_person_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activation")),
    )
    op.create_index(op.f("ix_activation_person"), "activation", ["person"], unique=False)
    op.create_table(
        "addition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visit", sa.String(length=36), nullable=False),
        sa.Column("content", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["visit"], ["visit.id"], name=op.f("fk_addition_visit_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addition")),
        sa.UniqueConstraint("visit", "content", name=op.f("uq_addition_visit_content")),
    )
    op.create_table(
        "grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("granted_by", code(), nullable=False),
        sa.Column("granted_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.CheckConstraint("kind IN ('reviewer', 'supervisor', 'auditor', 'admin')", name=op.f("ck_grant_kind")),
        sa.ForeignKeyConstraint(["person"], ["account.person"], name=op.f("fk_grant_person_account")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_grant_place_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant")),
    )
    op.create_index(
        "uq_grant_in_force",
        "grant",
        ["person", "kind", "place"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "stale_visit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visit", sa.String(length=36), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["visit"], ["visit.id"], name=op.f("fk_stale_visit_visit_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stale_visit")),
    )
    op.create_index(op.f("ix_stale_visit_visit"), "stale_visit", ["visit"], unique=False)
    op.create_table(
        "token",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["account.person"], name=op.f("fk_token_person_account")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_token")),
    )
    op.create_index(op.f("ix_token_person"), "token", ["person"], unique=False)
    op.create_table(
        "visit_photo",
        sa.Column("visit", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("in_time", sa.Boolean(), nullable=False),
        sa.Column("announced_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["visit"], ["visit.id"], name=op.f("fk_visit_photo_visit_visit")),
        sa.PrimaryKeyConstraint("visit", "digest", name=op.f("pk_visit_photo")),
    )
    op.create_index(op.f("ix_visit_photo_digest"), "visit_photo", ["digest"], unique=False)
    op.execute("INSERT INTO register (id, revision, basis) VALUES (1, 0, '')")
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(SQLITE_TRIGGER.format(verb=verb, VERB=verb.upper()))
    else:
        op.execute(POSTGRESQL_FUNCTION)
        for verb in ("update", "delete", "truncate"):
            op.execute(POSTGRESQL_TRIGGER.format(verb=verb, VERB=verb.upper()))


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        for verb in ("update", "delete", "truncate"):
            op.execute(f"DROP TRIGGER log_no_{verb} ON log")
        op.execute("DROP FUNCTION log_is_only_added_to()")
    op.drop_index(op.f("ix_visit_photo_digest"), table_name="visit_photo")
    op.drop_table("visit_photo")
    op.drop_index(op.f("ix_token_person"), table_name="token")
    op.drop_table("token")
    op.drop_index(op.f("ix_stale_visit_visit"), table_name="stale_visit")
    op.drop_table("stale_visit")
    op.drop_index(
        "uq_grant_in_force",
        table_name="grant",
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("grant")
    op.drop_table("addition")
    op.drop_index(op.f("ix_activation_person"), table_name="activation")
    op.drop_table("activation")
    op.drop_index(
        "ix_visit_undecided",
        table_name="visit",
        postgresql_where=sa.text("status IN ('incomplete', 'review')"),
        sqlite_where=sa.text("status IN ('incomplete', 'review')"),
    )
    op.drop_index(op.f("ix_visit_person_occurred_at_id"), table_name="visit")
    op.drop_index(op.f("ix_visit_path_day"), table_name="visit")
    op.drop_table("visit")
    op.drop_index(op.f("ix_stale_span_person"), table_name="stale_span")
    op.drop_table("stale_span")
    op.drop_index(op.f("ix_posting_place"), table_name="posting")
    op.drop_table("posting")
    op.drop_index(op.f("ix_place_standing_parent"), table_name="place_standing")
    op.drop_table("place_standing")
    op.drop_table("photo_likeness")
    op.drop_index(op.f("ix_obligation_path_due_on"), table_name="obligation")
    op.drop_index(op.f("ix_obligation_due_on"), table_name="obligation")
    op.drop_table("obligation")
    op.drop_table("leave")
    op.drop_table("account")
    op.drop_table("register")
    op.drop_table("place")
    op.drop_index(
        "ix_photo_unlooked",
        table_name="photo",
        postgresql_where=sa.text("looked_at IS NULL"),
        sqlite_where=sa.text("looked_at IS NULL"),
    )
    op.drop_index(op.f("ix_photo_band3"), table_name="photo")
    op.drop_index(op.f("ix_photo_band2"), table_name="photo")
    op.drop_index(op.f("ix_photo_band1"), table_name="photo")
    op.drop_index(op.f("ix_photo_band0"), table_name="photo")
    op.drop_table("photo")
    op.drop_index(op.f("ix_person_phone"), table_name="person")
    op.drop_table("person")
    op.drop_index(op.f("ix_log_kind_subject"), table_name="log")
    op.drop_table("log")
    op.drop_table("duty")
    op.drop_table("day_mark")
    op.drop_index(op.f("ix_attempt_subject_at"), table_name="attempt")
    op.drop_table("attempt")
