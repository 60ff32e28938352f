"""Whoever changes the record behind the service's back is found out, and the line, seal, block or photo is named."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.domain.chain import Block, Fault
from server.services import sealing, upkeep
from server.services.deployment import Deployment
from server.storage import logbook
from server.storage.database import open_database
from server.storage.logbook import Line
from tests.services import facts

NOW = datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)
SIZES = (1, 4, 3, 5)  # lines in each block
LINES = sum(SIZES)
LINE = ("id", "at", "actor", "verb", "kind", "subject", "detail", "path", "about", "personal")
COLUMNS = [
    *(("log", name) for name in LINE),
    *(("log_seal", name) for name in ("line", "number", "hash")),
    *(("log_block", name) for name in ("number", "first", "last", "settled", "head", "sealed_at")),
]


def write(deployment: Deployment) -> None:
    number = 0
    for size in SIZES:
        with deployment.database.write() as connection:
            for _ in range(size):
                number += 1
                line = Line("E1", "check-in", "visit", f"v{number}", {"状": number}, "/C/T/", "E1", {"note": "家"})
                logbook.write(connection, NOW + timedelta(seconds=number), [line])
        sealing.seal_all(deployment, NOW)


@pytest.fixture(scope="module")
def record(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a few sealed lines, to be copied."""
    path = tmp_path_factory.mktemp("record") / "daocun.db"
    shutil.copyfile(migrated_sqlite, path)
    deployment = facts.opened(f"sqlite:///{path}", path.parent)
    write(deployment)
    deployment.database.close()
    return path


@pytest.fixture
def whole(deployment: Deployment) -> Deployment:
    """A deployment on a database of each kind with a few sealed lines."""
    write(deployment)
    return deployment


def found(deployment: Deployment, *heads: tuple[int, str]) -> list[Fault]:
    return [one for one in upkeep.check_log(deployment, heads) if isinstance(one, Fault)]


def head(deployment: Deployment) -> Block:
    known = sealing.head(deployment)
    assert known is not None
    return known


def at(path: Path) -> Iterator[Deployment]:
    deployment = facts.opened(f"sqlite:///{path}", path.parent)
    yield deployment
    deployment.database.close()


def tampered(path: Path, *statements: str, values: tuple[Any, ...] = ()) -> list[Fault]:
    """What is wrong after somebody with the file has removed the triggers and changed something."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement, values)
    connection.close()
    deployment = facts.opened(f"sqlite:///{path}", path.parent)
    try:
        return found(deployment)
    finally:
        deployment.database.close()


def names(fault: Fault, table: str, number: int) -> bool:
    """Whether a fault names the row with this number."""
    if table == "log_block":
        return fault.block == number
    return number in (fault.number, fault.line)


def test_a_whole_record_has_no_fault(whole: Deployment) -> None:
    assert found(whole) == []
    last = head(whole)
    assert (last.number, last.last) == (len(SIZES), LINES)


def test_an_empty_log_has_no_fault_and_no_head(deployment: Deployment) -> None:
    assert list(upkeep.check_log(deployment)) == []


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(COLUMNS), row=st.integers(1, LINES), byte=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_is_found_and_its_line_is_named(
    record: Path, tmp_path: Path, where: tuple[str, str], row: int, byte: int, bit: int
) -> None:
    table, column = where
    copy = tmp_path / "copy.db"
    shutil.copyfile(record, copy)
    key = {"log": "id", "log_seal": "number", "log_block": "number"}[table]
    row = 1 + (row - 1) % (len(SIZES) if table == "log_block" else LINES)
    with sqlite3.connect(copy) as connection:
        kind, value = connection.execute(
            f"SELECT typeof({column}), CAST({column} AS BLOB) FROM {table} WHERE {key} = ?", (row,)
        ).fetchone()
    connection.close()
    if kind == "integer":
        new: Any = int(value) ^ (1 << (byte % 2 * 8 + bit))
        taken = {n: n for n in range(1, 1 + (len(SIZES) if table == "log_block" else LINES))}
        if (column == key or column == "line") and new in taken:
            new += 1000  # a row that is there already would refuse it
    else:
        changed = bytearray(value)
        changed[byte % len(changed)] ^= 1 << bit
        new = bytes(changed)
    cast = "CAST(? AS TEXT)" if kind == "text" else "?"
    faults = tampered(copy, f"UPDATE {table} SET {column} = {cast} WHERE {key} = {row}", values=(new,))
    assert any(names(fault, table, row) for fault in faults), faults
    if column not in ("id", "line", "number"):
        assert len(faults) == 1, faults


@pytest.mark.parametrize("row", range(1, LINES + 1))
def test_a_line_that_is_taken_away_is_named(record: Path, tmp_path: Path, row: int) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    assert tampered(copy, f"DELETE FROM log WHERE id = {row}") == [Fault("line-gone", number=row, line=row)]


def test_a_line_taken_away_with_its_seal_is_a_gap(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    gone = tampered(copy, "DELETE FROM log WHERE id IN (6, 7)", "DELETE FROM log_seal WHERE number IN (6, 7)")
    assert gone == [Fault("seal-missing", number=6, until=7)]


def test_a_line_put_in_before_the_last_seal_is_named(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    faults = tampered(
        copy,
        "INSERT INTO log (id, at, actor, verb, kind, subject, detail) VALUES (-5, '', '', '', '', '', '{}')",
    )
    assert faults == [Fault("line-unsealed", line=-5)]


def test_a_text_that_became_a_blob_of_the_same_bytes_is_named(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    faults = tampered(copy, "UPDATE log SET subject = CAST(subject AS BLOB) WHERE id = 3")
    assert faults == [Fault("line-changed", number=3, line=3)]


def test_two_changed_lines_are_both_named(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    faults = tampered(copy, "UPDATE log SET actor = 'x' WHERE id IN (5, 6, 13)")
    assert [fault.line for fault in faults] == [5, 6, 13]


def test_a_block_that_is_gone_is_named(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    assert tampered(copy, "DELETE FROM log_block WHERE number = 2") == [Fault("block-missing", block=2)]


def test_seals_without_their_blocks_are_named(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    faults = tampered(copy, "DELETE FROM log_block WHERE number = 4")
    assert faults == [Fault("seal-stray", number=n, line=n) for n in range(9, 14)]


def test_an_end_that_was_cut_off_shows_by_a_head_that_was_kept(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    deployment = next(at(copy))
    kept = head(deployment)
    deployment.database.close()
    assert (
        tampered(
            copy,
            "DELETE FROM log_block WHERE number = 4",
            "DELETE FROM log_seal WHERE number > 8",
            "DELETE FROM log WHERE id > 8",
        )
        == []
    )
    deployment = next(at(copy))
    assert found(deployment, (kept.number, kept.head.hex())) == [Fault("head-missing", block=4)]
    deployment.database.close()


def test_a_chain_written_anew_shows_by_a_head_that_was_kept(record: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(record, tmp_path / "copy.db"))
    deployment = next(at(copy))
    kept = head(deployment)
    deployment.database.close()
    tampered(copy, "UPDATE log SET actor = 'x' WHERE id = 2", "DELETE FROM log_seal", "DELETE FROM log_block")
    deployment = next(at(copy))
    sealing.seal_all(deployment, NOW)
    write(deployment)
    assert found(deployment) == []
    assert found(deployment, (kept.number, kept.head.hex())) == [Fault("head-differs", block=4)]
    deployment.database.close()


def test_a_head_that_was_kept_fits_however_long_the_log_has_become(whole: Deployment) -> None:
    kept = head(whole)
    write(whole)
    assert found(whole, (kept.number, kept.head.hex())) == []


def test_on_postgresql_a_change_by_the_owner_is_found(postgres_url: str, tmp_path: Path) -> None:
    from server.storage import migrate

    database = open_database(postgres_url)
    migrate.upgrade(database)
    deployment = facts.opened(postgres_url, tmp_path)
    write(deployment)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE log DISABLE TRIGGER ALL")
        connection.exec_driver_sql("UPDATE log SET detail = jsonb_set(detail, '{状}', '99') WHERE id = 7")
    assert found(deployment) == [Fault("line-changed", number=7, line=7)]
    deployment.database.close()
    database.close()


def test_the_few_lines_in_the_documents_verify_the_file_too(record: Path, tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "record.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    copy = Path(shutil.copyfile(record, tmp_path / "daocun.db"))

    def ran() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    whole = ran()
    assert whole.returncode == 0, whole.stderr
    deployment = next(at(copy))
    assert whole.stdout.splitlines()[-1] == head(deployment).name
    deployment.database.close()
    tampered(copy, "UPDATE log SET actor = 'x' WHERE id = 9")
    assert "AssertionError: line 9" in ran().stderr


# Photos


def test_photos_that_are_missing_damaged_or_extra_are_named(deployment: Deployment) -> None:
    from server.services.visits import check_in
    from tests import factories

    factories.settle(deployment)
    for number in range(3):
        photo = factories.picture(deployment, factories.photo(number))
        sent = factories.sent(900 + number, factories.NOW, photos=[photo.data])
        check_in(deployment, "owner", sent, [photo], factories.NOW)
    later = datetime.now(UTC)
    assert list(upkeep.check_photos(deployment, later)) == []
    _, gone, bad = (factories.digest(factories.photo(number)) for number in range(3))
    deployment.photos.path(gone).unlink()
    deployment.photos.path(bad).write_bytes(b"not what it was")
    strange = "ab" * 32
    deployment.photos.path(strange).parent.mkdir(parents=True)
    deployment.photos.path(strange).write_bytes(b"x")
    named = {(fault.fault, fault.digest, fault.visits) for fault in upkeep.check_photos(deployment, later)}
    assert named == {("missing", gone, (factories.visit_id(901),)), ("damaged", bad, (factories.visit_id(902),))}
    named |= {("extra", strange, ())}
    tomorrow = later + timedelta(days=2)
    assert {(f.fault, f.digest, f.visits) for f in upkeep.check_photos(deployment, tomorrow)} == named
