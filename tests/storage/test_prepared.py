"""A prepared statement stores and reads what the same statement does by way of SQLAlchemy."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from server.storage import tables as t
from server.storage.database import Database
from server.storage.prepared import Prepared

BEIJING = timezone(timedelta(hours=8))
PERSON = {"code": "E1", "name": "东赵特派员", "phone": "", "unit": "", "language": "zh", "facts": 0, "visits": 0}
PLACE = {"code": "V1", "name": "东赵村", "level": "village", "ended_on": None, "service_from": date(2018, 11, 1)}
VISIT: dict[str, Any] = {
    "id": "9b2f0c1e-2222-4f5e-9f00-000000000001",
    "person": "E1",
    "place": "V1",
    "asked_place": None,
    "path": "/V1/",
    "activity": "visit",
    "captured_at": datetime(2018, 11, 20, 9, 31, 5, 12, tzinfo=BEIJING),
    "occurred_at": datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC),
    "day": date(2018, 11, 20),
    "received_at": datetime(2018, 11, 20, 1, 31, 6, tzinfo=UTC),
    "latitude": 37.811268,
    "longitude": 117.012492,
    "accuracy_m": None,
    "crs": "wgs84",
    "raw_latitude": 37.811268,
    "raw_longitude": 117.012492,
    "functions": ["policy-explainer"],
    "note": "看望老党员 'quoted' %s :x",
    "device": {"skew_s": 0.5, "mock": False},
    "skew_s": 0.5,
    "content": bytes(range(32)),
    "photos": 1,
    "missing": 1,
    "findings": [["place", "pass", "", 38.2, 500, []]],
    "status": "incomplete",
    "imported": False,
    "decided": True,
    "held": True,
    "entry": "paper",
    "entered_by": "p",
    "entry_reason": "手机摔坏",
    "version": 1,
}

new_visit = Prepared(insert(t.visit), list(VISIT))
find = Prepared(select(t.visit).where(t.visit.c.id == bindparam("visit")))
of_status = select(t.visit.c.id, t.visit.c.decided).where(
    t.visit.c.status == "incomplete", t.visit.c.day > bindparam("day"), t.visit.c.imported.is_(False)
)


@pytest.fixture
def settled(database: Database) -> Database:
    with database.write() as connection:
        connection.execute(insert(t.person), PERSON)
        connection.execute(insert(t.place), PLACE)
    return database


def test_values_of_every_type_come_out_as_through_sqlalchemy(settled: Database) -> None:
    with settled.write() as connection:
        assert new_visit.run(connection, VISIT) == 1
    with settled.read() as connection:
        usual = tuple(connection.execute(select(t.visit)).one())
        assert find.first(connection, {"visit": VISIT["id"]}) == usual
    assert dict(zip(VISIT, usual, strict=True)) == VISIT
    assert usual[6].tzinfo is UTC


def test_what_the_statement_says_itself_need_not_be_given(settled: Database) -> None:
    prepared = Prepared(of_status.order_by(t.visit.c.id).limit(1))
    with settled.write() as connection:
        new_visit.run(connection, VISIT)
        new_visit.run(connection, VISIT | {"id": VISIT["id"][:-1] + "2"})
        assert prepared.rows(connection, {"day": date(2018, 11, 19)}) == [(VISIT["id"], True)]
        assert prepared.rows(connection, {"day": date(2018, 11, 20)}) == []


def test_a_value_that_is_missing_is_an_error_and_not_a_null(settled: Database) -> None:
    with settled.read() as connection, pytest.raises(KeyError):
        find.first(connection, {})


def test_it_is_part_of_the_transaction_around_it(settled: Database) -> None:
    with pytest.raises(ZeroDivisionError), settled.write() as connection:  # noqa: PT012  (the block is what is tested)
        new_visit.run(connection, VISIT)
        raise ZeroDivisionError
    with settled.read() as connection:
        assert find.first(connection, {"visit": VISIT["id"]}) is None


def test_a_change_says_how_many_rows_it_changed(settled: Database) -> None:
    rename = Prepared(update(t.person).where(t.person.c.code == bindparam("k_code")).values(name=bindparam("v_name")))
    once = Prepared(
        {
            "sqlite": sqlite.insert(t.visit).on_conflict_do_nothing(),
            "postgresql": postgresql.insert(t.visit).on_conflict_do_nothing(),
        },
        list(VISIT),
    )
    with settled.write() as connection:
        assert rename.run(connection, {"k_code": "E1", "v_name": "张三"}) == 1
        assert rename.run(connection, {"k_code": "E2", "v_name": "张三"}) == 0
        assert [once.run(connection, VISIT), once.run(connection, VISIT)] == [1, 0]


def test_what_the_database_refuses_is_sqlalchemy_s_error(settled: Database) -> None:
    with pytest.raises(IntegrityError), settled.write() as connection:
        new_visit.run(connection, VISIT | {"latitude": 91.0})
