"""What people decide: decisions, appeals, excuses, leave, moved days, closed months; the log's chain; notices."""

import sqlalchemy as sa
from alembic import op

from server.storage.types import Instant, Json, code

revision = "0002"
down_revision = "0001"

Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENTRY = "entry IN ('paper', 'handed-in')"
ONLY_ADDED_TO = ("decision", "log_block", "log_seal")

SQLITE_TRIGGER = """CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'this record is only added to'); END"""
POSTGRESQL_TRIGGER = """CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION log_is_only_added_to()"""


def upgrade() -> None:
    op.create_table(
        "log_block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_at", Instant(), nullable=False),
        sa.CheckConstraint("last >= first", name=op.f("ck_log_block_lines")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log_block")),
    )
    op.create_table(
        "person_key",
        sa.Column("person", code(), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("destroyed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_person_key")),
    )
    op.create_table(
        "closure",
        sa.Column("id", Serial, nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("path", code(250), nullable=False),
        sa.Column("month", code(7), nullable=False),
        sa.Column("by", code(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reopened_by", code(), nullable=True),
        sa.Column("reopened_at", Instant(), nullable=True),
        sa.Column("reason", sa.String(length=1000), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_closure_place_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    op.create_index(
        "uq_closure_in_force",
        "closure",
        ["place", "month"],
        unique=True,
        postgresql_where=sa.text("reopened_at IS NULL"),
        sqlite_where=sa.text("reopened_at IS NULL"),
    )
    op.create_table(
        "day_move",
        sa.Column("duty", code(), nullable=False),
        sa.Column("window", code(8), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("by", code(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_day_move_place_place")),
        sa.PrimaryKeyConstraint("duty", "window", "place", name=op.f("pk_day_move")),
    )
    op.create_table(
        "digest",
        sa.Column("place", code(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("address", code(16), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_digest_place_place")),
        sa.PrimaryKeyConstraint("place", "day", "address", name=op.f("pk_digest")),
    )
    op.create_table(
        "excuse",
        sa.Column("id", Serial, nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("duty", code(), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("window", code(8), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("by", code(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("ended_by", code(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_excuse_person_person")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_excuse_place_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excuse")),
    )
    op.create_index(
        "uq_excuse_in_force",
        "excuse",
        ["person", "duty", "place", "window"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_excuse_at"), "excuse", ["at"], unique=False)
    op.create_index(op.f("ix_excuse_ended_at"), "excuse", ["ended_at"], unique=False)
    op.create_table(
        "explanation",
        sa.Column("id", Serial, nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("duty", code(), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("window", code(8), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_explanation_person_person")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_explanation_place_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_explanation")),
        sa.UniqueConstraint("person", "duty", "place", "window", name=op.f("uq_explanation_person_duty_place_window")),
    )
    op.create_table(
        "leave_request",
        sa.Column("id", Serial, nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=12), server_default="waiting", nullable=False),
        sa.Column("decided_by", code(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("reason", sa.String(length=1000), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('annual', 'sick', 'training', 'meeting', 'other')", name=op.f("ck_leave_request_kind")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'approved', 'refused', 'withdrawn')", name=op.f("ck_leave_request_status")
        ),
        sa.CheckConstraint('"end" >= start', name=op.f("ck_leave_request_days")),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_leave_request_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave_request")),
    )
    op.create_index(op.f("ix_leave_request_person"), "leave_request", ["person"], unique=False)
    op.create_index(op.f("ix_leave_request_status"), "leave_request", ["status"], unique=False)
    op.create_index(op.f("ix_leave_request_decided_at"), "leave_request", ["decided_at"], unique=False)
    op.create_table(
        "log_seal",
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_log_seal")),
        sa.UniqueConstraint("number", name=op.f("uq_log_seal_number")),
    )
    op.create_table(
        "notice",
        sa.Column("id", Serial, nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", code(200), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_notice_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("person", "kind", "subject", name=op.f("uq_notice_person_kind_subject")),
    )
    op.create_index(op.f("ix_notice_person_id"), "notice", ["person", "id"], unique=False)
    op.create_table(
        "proposal",
        sa.Column("id", Serial, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("body", Json(), nullable=False),
        sa.Column("path", code(250), nullable=False),
        sa.Column("by", code(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=12), server_default="waiting", nullable=False),
        sa.Column("decided_by", code(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("reason", sa.String(length=1000), server_default="", nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'approved', 'refused', 'withdrawn')", name=op.f("ck_proposal_status")
        ),
        sa.ForeignKeyConstraint(["by"], ["person.code"], name=op.f("fk_proposal_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_index(op.f("ix_proposal_status_path"), "proposal", ["status", "path"], unique=False)
    op.create_index(op.f("ix_proposal_decided_at"), "proposal", ["decided_at"], unique=False)
    op.create_table(
        "appeal",
        sa.Column("visit", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["visit"], ["visit.id"], name=op.f("fk_appeal_visit_visit")),
        sa.PrimaryKeyConstraint("visit", name=op.f("pk_appeal")),
    )
    op.create_index(
        "ix_appeal_waiting",
        "appeal",
        ["at"],
        unique=False,
        postgresql_where=sa.text("decided_at IS NULL"),
        sqlite_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "closure_row",
        sa.Column("person", code(), nullable=False),
        sa.Column("window", code(8), nullable=False),
        sa.Column("duty", code(), nullable=False),
        sa.Column("place", code(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("closure", Serial, nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=8), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("path", code(250), nullable=False),
        sa.Column("visits", Json(), nullable=False),
        sa.Column("awaited", Json(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('', 'holiday', 'leave', 'closed', 'decision')", name=op.f("ck_closure_row_reason")
        ),
        sa.CheckConstraint(
            "status IN ('met', 'excused', 'pending', 'upcoming', 'due', 'grace', 'missed')",
            name=op.f("ck_closure_row_status"),
        ),
        sa.ForeignKeyConstraint(["closure"], ["closure.id"], name=op.f("fk_closure_row_closure_closure")),
        sa.ForeignKeyConstraint(["person"], ["person.code"], name=op.f("fk_closure_row_person_person")),
        sa.ForeignKeyConstraint(["place"], ["place.code"], name=op.f("fk_closure_row_place_place")),
        sa.PrimaryKeyConstraint("person", "window", "duty", "place", "turn", "closure", name=op.f("pk_closure_row")),
    )
    op.create_index(op.f("ix_closure_row_closure"), "closure_row", ["closure"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", Serial, nullable=False),
        sa.Column("visit", sa.String(length=36), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("by", code(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("on_appeal", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("decision IN ('confirm', 'reject', 'return')", name=op.f("ck_decision_decision")),
        sa.ForeignKeyConstraint(["by"], ["person.code"], name=op.f("fk_decision_by_person")),
        sa.ForeignKeyConstraint(["visit"], ["visit.id"], name=op.f("fk_decision_visit_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("visit", "version", name=op.f("uq_decision_visit_version")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_decision_at"), "decision", ["at"], unique=False)
    op.create_table(
        "download",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["account.person"], name=op.f("fk_download_person_account")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_download")),
    )
    op.create_table(
        "feed",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["account.person"], name=op.f("fk_feed_person_account")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_feed")),
    )
    op.create_index(op.f("ix_feed_person"), "feed", ["person"], unique=False)
    op.add_column("person", sa.Column("gcj02_from", Instant(), nullable=True))
    op.add_column("log", sa.Column("path", code(250), server_default="", nullable=False))
    op.add_column("log", sa.Column("about", code(), nullable=True))
    op.add_column("log", sa.Column("personal", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_log_at"), "log", ["at"], unique=False, postgresql_using="brin")
    op.create_index(op.f("ix_log_path_id"), "log", ["path", "id"], unique=False)
    op.create_index(
        "ix_log_worked_out",
        "log",
        ["at"],
        unique=False,
        postgresql_where=sa.text("verb = 'worked-out'"),
        sqlite_where=sa.text("verb = 'worked-out'"),
    )
    op.create_index(op.f("ix_visit_occurred_at_id"), "visit", ["occurred_at", "id"], unique=False)
    op.add_column("place", sa.Column("successors", Json(), server_default="[]", nullable=False))
    op.add_column("photo", sa.Column("unreadable", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("visit", sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False))
    if op.get_bind().dialect.name == "sqlite":  # which takes a check only with its column
        op.execute(f"ALTER TABLE visit ADD COLUMN entry VARCHAR(12) CONSTRAINT ck_visit_entry CHECK ({ENTRY})")
    else:
        op.add_column("visit", sa.Column("entry", sa.String(length=12), nullable=True))
        op.create_check_constraint(op.f("ck_visit_entry"), "visit", ENTRY)
    op.add_column("visit", sa.Column("entered_by", code(), nullable=True))
    op.add_column("visit", sa.Column("entry_reason", sa.String(length=1000), server_default="", nullable=False))
    _look_by_visit()
    _forbid_changes()


UNLOOKED = "looked_at IS NULL AND received_at IS NOT NULL"


def _look_by_visit() -> None:
    """Pictures are looked at visit by visit, by other hashes than before: all of them again."""
    for name in ("unlooked", "band0", "band1", "band2", "band3"):
        op.drop_index(op.f(f"ix_photo_{name}"), table_name="photo")
    for name in ("looked_at", "fingerprint", "band0", "band1", "band2", "band3"):
        op.drop_column("photo", name)
    op.drop_table("photo_likeness")
    _create_photo_likeness("percent")
    op.create_table(
        "photo_print",
        sa.Column("visit", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person", code(), nullable=False),
        sa.Column("area", code(), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("prints", sa.LargeBinary(length=256), nullable=False),
        sa.ForeignKeyConstraint(["visit"], ["visit.id"], name=op.f("fk_photo_print_visit_visit")),
        sa.ForeignKeyConstraint(["digest"], ["photo.digest"], name=op.f("fk_photo_print_digest_photo")),
        sa.PrimaryKeyConstraint("visit", "digest", name=op.f("pk_photo_print")),
    )
    op.create_index(op.f("ix_photo_print_person_occurred_at"), "photo_print", ["person", "occurred_at"], unique=False)
    op.create_index(op.f("ix_photo_print_area_occurred_at"), "photo_print", ["area", "occurred_at"], unique=False)
    op.add_column("visit_photo", sa.Column("looked_at", Instant(), nullable=True))
    op.create_index(
        "ix_visit_photo_unlooked",
        "visit_photo",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text(UNLOOKED),
        sqlite_where=sa.text(UNLOOKED),
    )


def _look_by_photo() -> None:
    op.drop_index("ix_visit_photo_unlooked", table_name="visit_photo")
    op.drop_column("visit_photo", "looked_at")
    op.drop_table("photo_print")
    op.drop_table("photo_likeness")
    _create_photo_likeness("bits")
    op.add_column("photo", sa.Column("looked_at", Instant(), nullable=True))
    op.add_column("photo", sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=True))
    for name in ("band0", "band1", "band2", "band3"):
        op.add_column("photo", sa.Column(name, sa.Integer(), nullable=True))
        op.create_index(op.f(f"ix_photo_{name}"), "photo", [name], unique=False)
    op.create_index(
        "ix_photo_unlooked",
        "photo",
        ["stored_at"],
        unique=False,
        postgresql_where=sa.text("looked_at IS NULL"),
        sqlite_where=sa.text("looked_at IS NULL"),
    )


def _create_photo_likeness(measure: str) -> None:
    op.create_table(
        "photo_likeness",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("other", sa.String(length=64), nullable=False),
        sa.Column(measure, sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["photo.digest"], name=op.f("fk_photo_likeness_digest_photo")),
        sa.ForeignKeyConstraint(["other"], ["photo.digest"], name=op.f("fk_photo_likeness_other_photo")),
        sa.PrimaryKeyConstraint("digest", "other", name=op.f("pk_photo_likeness")),
    )


def _forbid_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ONLY_ADDED_TO:
            for verb in ("update", "delete"):
                op.execute(SQLITE_TRIGGER.format(table=table, verb=verb))
        return
    for table in ONLY_ADDED_TO:
        for verb in ("update", "delete", "truncate"):
            op.execute(POSTGRESQL_TRIGGER.format(table=table, verb=verb))


def downgrade() -> None:
    _look_by_photo()
    op.drop_index(op.f("ix_visit_occurred_at_id"), table_name="visit")
    op.drop_column("photo", "unreadable")
    op.drop_column("visit", "entry_reason")
    op.drop_column("visit", "entered_by")
    op.drop_column("visit", "entry")
    op.drop_column("visit", "held")
    op.drop_column("place", "successors")
    op.drop_index("ix_log_worked_out", table_name="log")
    op.drop_index(op.f("ix_log_path_id"), table_name="log")
    op.drop_index(op.f("ix_log_at"), table_name="log", postgresql_using="brin")
    op.drop_column("person", "gcj02_from")
    op.drop_column("log", "personal")
    op.drop_column("log", "about")
    op.drop_column("log", "path")
    op.drop_index(op.f("ix_feed_person"), table_name="feed")
    op.drop_table("feed")
    op.drop_table("download")
    op.drop_table("decision")
    op.drop_index(op.f("ix_closure_row_closure"), table_name="closure_row")
    op.drop_table("closure_row")
    op.drop_table("appeal")
    op.drop_index(op.f("ix_proposal_status_path"), table_name="proposal")
    op.drop_table("proposal")
    op.drop_index(op.f("ix_notice_person_id"), table_name="notice")
    op.drop_table("notice")
    op.drop_table("log_seal")
    op.drop_index(op.f("ix_leave_request_status"), table_name="leave_request")
    op.drop_index(op.f("ix_leave_request_person"), table_name="leave_request")
    op.drop_table("leave_request")
    op.drop_table("explanation")
    op.drop_index(
        "uq_excuse_in_force",
        table_name="excuse",
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("excuse")
    op.drop_table("digest")
    op.drop_table("day_move")
    op.drop_index(
        "uq_closure_in_force",
        table_name="closure",
        postgresql_where=sa.text("reopened_at IS NULL"),
        sqlite_where=sa.text("reopened_at IS NULL"),
    )
    op.drop_table("closure")
    op.drop_table("person_key")
    op.drop_table("log_block")
