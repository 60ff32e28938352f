"""A try at sending a digest is taken by one, and only by who has seen the one before."""

from datetime import UTC, date, datetime, timedelta

from server.storage import digests as rows
from server.storage import register
from server.storage.database import Database
from server.storage.digests import Key, State
from tests.domain.county import COUNTY

NOW = datetime(2018, 11, 23, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
KEY = Key("T", date(2018, 11, 23), "0123456789abcdef")


def claim(database: Database, key: Key, tries: int) -> bool:
    with database.write() as connection:
        return rows.claim(connection, key, tries, LATER)


def test_each_try_is_claimed_once_and_none_after_it_was_sent(database: Database) -> None:
    with database.write() as connection:
        register.insert_places(connection, COUNTY)
    assert [claim(database, KEY, tries) for tries in (0, 0, 1, 1, 0, 2)] == [True, False, True, False, False, True]
    with database.write() as connection:
        rows.finish(connection, KEY, NOW)
    assert not claim(database, KEY, 3)
    with database.read() as connection:
        assert rows.of_day(connection, KEY.day) == {KEY: State(3, LATER, NOW)}
        assert rows.of_day(connection, KEY.day + timedelta(days=1)) == {}


def test_addresses_and_days_do_not_answer_for_each_other(database: Database) -> None:
    with database.write() as connection:
        register.insert_places(connection, COUNTY)
    others = [
        KEY,
        Key("U", KEY.day, KEY.address),
        Key("T", date(2018, 11, 24), KEY.address),
        Key("T", KEY.day, "other"),
    ]
    assert all(claim(database, key, 0) for key in others)
