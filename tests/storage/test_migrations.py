"""The tables that the migrations make are those the code expects, up and down, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from server.storage import migrate
from server.storage import tables as t
from server.storage.database import Database, open_database, wal_is_safe

NOW = datetime(2018, 11, 20, tzinfo=UTC)
LINE = {"at": NOW, "actor": "a", "verb": "b", "kind": "c", "subject": "d", "detail": {}}


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


def test_the_migrations_make_the_tables_the_code_expects(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.metadata) == []
    assert migrate.current(database) == migrate.head()


def test_they_go_up_down_and_up_again_and_a_repeat_changes_nothing(empty: Database) -> None:
    migrate.upgrade(empty)
    migrate.upgrade(empty)
    migrate.downgrade(empty, "base")
    with empty.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert migrate.current(empty) is None
    migrate.upgrade(empty)
    with empty.read() as connection:
        assert set(inspect(connection).get_table_names()) == {*t.metadata.tables, "alembic_version"}


def only_added_to(database: Database) -> set[str]:
    """The tables among those that are only added to whose triggers refuse both a change and a removal."""
    asked = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'O'"
    if database.is_sqlite:
        asked = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with database.read() as connection:
        there = set(connection.scalars(text(asked)))
    verbs = ("update", "delete") if database.is_sqlite else ("update", "delete", "truncate")
    return {table for table in migrate.ONLY_ADDED_TO if {f"{table}_no_{verb}" for verb in verbs} <= there}


def test_the_triggers_are_there_after_every_step_from_every_revision(empty: Database) -> None:
    steps = migrate.revisions()
    for first in (None, *steps):
        if migrate.current(empty):
            migrate.downgrade(empty, "base")
        if first is not None:
            migrate.upgrade(empty, first)
        for step in steps[steps.index(first) + 1 if first else 0 :]:
            migrate.upgrade(empty, step)
            with empty.read() as connection:
                tables = set(inspect(connection).get_table_names())
            assert only_added_to(empty) == tables & set(migrate.ONLY_ADDED_TO), (first, step)
        assert only_added_to(empty) == set(migrate.ONLY_ADDED_TO)


@pytest.mark.parametrize("change", ["UPDATE log SET actor = 'x'", "DELETE FROM log"])
def test_after_every_migration_the_log_is_only_added_to(database: Database, change: str) -> None:
    with database.write() as connection:
        connection.execute(insert(t.log).values(LINE))
    with pytest.raises(DBAPIError, match="only added to"), database.write() as connection:
        connection.execute(text(change))
    with database.read() as connection:
        assert connection.scalars(select(t.log.c.actor)).all() == ["a"]


PLACE = {"code": "1", "name": "村", "level": "village"}
PERSON = {"code": "E1", "name": "n", "phone": "", "unit": ""}
POSTING = {"person": "E1", "role": "envoy", "place": "1", "start": NOW.date()}
NONSENSE = {
    "a level that does not exist": (t.place, PLACE | {"code": "2", "level": "hamlet"}),
    "an empty code": (t.place, PLACE | {"code": ""}),
    "a standing without a place": (t.place_standing, {"place": "9", "since": NOW.date(), "points": []}),
    "a radius of nothing": (t.place_standing, {"place": "1", "since": NOW.date(), "points": [], "radius_m": 0}),
    "a role that does not exist": (t.posting, POSTING | {"role": "king"}),
    "an end before the start": (t.posting, POSTING | {"end": datetime(2018, 11, 19, tzinfo=UTC).date()}),
    "an envoy's office weekday": (t.posting, POSTING | {"office_weekday": 3}),
    "a weekday that is none": (t.posting, POSTING | {"role": "district-secretary", "office_weekday": 6}),
    "a leave kind that does not exist": (
        t.leave,
        {"person": "E1", "start": NOW.date(), "end": NOW.date(), "kind": "party", "note": ""},
    ),
    "a closure that is a mark": (t.day_mark, {"day": NOW.date(), "place": "", "closure": True, "kind": "off"}),
    "a second register": (t.register, {"id": 2, "revision": 0, "basis": ""}),
    "nobody's stale span": (t.stale_span, {"person": "X", "first": NOW.date(), "last": NOW.date()}),
}


@pytest.mark.parametrize(("table", "row"), NONSENSE.values(), ids=NONSENSE)
def test_the_database_itself_refuses_nonsense(database: Database, table: object, row: dict[str, object]) -> None:
    with database.write() as connection:
        connection.execute(insert(t.place).values(PLACE))
        connection.execute(insert(t.person).values(PERSON))
    with pytest.raises(DBAPIError), database.write() as connection:
        connection.execute(insert(table).values(row))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 9), False), ((3, 50, 6), False),
     ((3, 50, 7), True), ((3, 51, 1), False), ((3, 51, 3), True), ((3, 53, 4), True)],
)  # fmt: skip
def test_wal_is_used_only_where_its_reset_is_safe(version: tuple[int, ...], safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_sqlite_is_opened_to_keep_its_promise(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    with database.read() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
