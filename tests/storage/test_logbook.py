"""What is personal in the log is read only with the key of whom it is about, and a destroyed key erases it."""

from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from sqlalchemy import event, select, text

from server.storage import keys, logbook
from server.storage import tables as t
from server.storage.database import Database
from server.storage.logbook import Line

NOW = datetime(2018, 11, 20, 1, tzinfo=UTC)
NAMED = Line("admin", "created", "person", "E1", about="E1", personal={"after": {"name": "王芳"}})


def write(database: Database, *lines: Line) -> None:
    with database.write() as connection:
        logbook.write(connection, NOW, lines)


def read(database: Database) -> list[dict[str, object] | None]:
    with database.read() as connection:
        rows = connection.execute(select(t.log.c.about, t.log.c.personal).order_by(t.log.c.id))
        return list(keys.opened(connection, [(row.about, row.personal) for row in rows]))


def test_what_is_personal_comes_back_and_stands_nowhere_in_the_clear(database: Database) -> None:
    write(database, NAMED, Line("admin", "sign-in", "account", "admin"))
    assert read(database) == [{"after": {"name": "王芳"}}, None]
    with database.read() as connection:
        row = connection.execute(select(t.log).where(t.log.c.about == "E1")).one()
    assert "王芳".encode() not in row.personal
    assert "王芳" not in str(row.detail)


def test_the_same_words_are_sealed_otherwise_each_time(database: Database) -> None:
    write(database, NAMED, NAMED)
    with database.read() as connection:
        one, other = connection.scalars(select(t.log.c.personal))
    assert one != other


def test_a_destroyed_key_erases_what_was_written_and_what_would_be(database: Database) -> None:
    other = Line("admin", "created", "person", "E2", about="E2", personal={"name": "李军"})
    write(database, NAMED, other)
    with database.write() as connection:
        assert keys.destroy(connection, "E1", NOW)
    write(database, NAMED)
    assert read(database) == [None, {"name": "李军"}, None]
    with database.read() as connection:
        assert [row.personal is None for row in connection.execute(select(t.log.c.personal))] == [False, False, True]
        assert keys.destroyed(connection, "E1") == NOW
        assert connection.scalar(select(t.person_key.c.key).where(t.person_key.c.person == "E1")) is None
    with database.write() as connection:
        assert not keys.destroy(connection, "E1", NOW)


def test_who_never_had_a_key_gets_none_after_being_erased(database: Database) -> None:
    with database.write() as connection:
        assert keys.destroy(connection, "E1", NOW)
    write(database, NAMED)
    assert read(database) == [None]


def test_one_person_s_part_passes_for_nobody_else_s(database: Database) -> None:
    write(database, NAMED)
    with database.read() as connection:
        sealed = connection.scalar(select(t.log.c.personal))
        key = connection.scalar(select(t.person_key.c.key))
    with database.write() as connection:
        connection.execute(t.person_key.insert().values(person="E2", key=key, created_at=NOW))
    with database.read() as connection:
        assert keys.opened(connection, [("E2", sealed)]) == [None]


@pytest.mark.parametrize("lines", [1, 40], ids=["a few", "many"])
def test_lines_without_anything_personal_ask_for_no_key(database: Database, lines: int) -> None:
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    write(database, *[Line("E1", "check-in", "visit", "v", {"status": "confirmed"})] * lines)
    assert not [statement for statement in asked if "person_key" in statement]


def test_keys_for_many_people_are_a_few_statements(database: Database) -> None:
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    write(database, *(Line("a", "created", "person", f"E{n}", about=f"E{n}", personal={"n": n}) for n in range(400)))
    assert len([statement for statement in asked if "person_key" in statement]) == 3
    assert [found["n"] for found in read(database) if found] == list(range(400))


def test_two_who_need_a_new_key_at_once_use_the_same(database: Database) -> None:
    barrier = Barrier(4)

    def work() -> None:
        barrier.wait()
        write(database, NAMED)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(database) == [{"after": {"name": "王芳"}}] * 4


def test_something_personal_is_about_somebody() -> None:
    with pytest.raises(ValueError, match="about"):
        Line("admin", "created", "person", "E1", personal={"name": "王芳"})


def test_a_line_says_where_it_belongs(database: Database) -> None:
    write(database, Line("E1", "check-in", "visit", "v", path="/1/2/"))
    with database.read() as connection:
        assert connection.execute(text("SELECT path, about FROM log")).one() == ("/1/2/", None)
