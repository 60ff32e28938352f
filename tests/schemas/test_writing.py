"""What our own way of writing an answer says is what marshmallow's says."""

from datetime import UTC, date, datetime
from typing import Any

import marshmallow
import pytest

from schemas.base import Base, Choice, Day, Flag, Instant, Integer, Items, Number, Part, Text
from schemas.visits import VisitOut
from server.domain.checks import Outcome


class Inner(Base):
    outcome = Choice(Outcome, allow_none=True)
    value = Number(0, 10, allow_none=True)


class Outer(Base):
    from_ = Day(data_key="from")
    at = Instant(allow_none=True)
    secret = Text(load_only=True)
    flag = Flag()
    number = Integer(0, 9)
    inner = Part(Inner, allow_none=True)
    inners = Items(Part(Inner))
    texts = Items(Text(), allow_none=True)
    days = Items(Day())


FULL: dict[str, Any] = {
    "from_": date(2018, 11, 20),
    "at": datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC),
    "secret": "never shown",
    "flag": True,
    "number": 3,
    "inner": {"outcome": Outcome.PASS, "value": 1.5, "unknown": 1},
    "inners": [{"outcome": None, "value": float("nan")}, {}],
    "texts": ("a", "b"),
    "days": [date(2018, 11, 20)],
}


@pytest.mark.parametrize("without", [None, *FULL], ids=str)
@pytest.mark.parametrize("none", [None, "at", "inner", "texts"], ids=str)
def test_an_answer_reads_as_marshmallow_would_write_it(without: str | None, none: str | None) -> None:
    value = {name: None if name == none else given for name, given in FULL.items() if name != without}
    usual = marshmallow.Schema._serialize(Outer(), value)
    assert Outer().dump(value) == usual
    assert list(Outer().dump(value)) == list(usual)


def test_many_are_written_one_by_one() -> None:
    assert Inner(many=True).dump([{"value": 1}, {"value": 2}]) == [{"value": 1}, {"value": 2}]


def test_only_some_fields_are_written_where_a_schema_is_asked_for_only_them() -> None:
    assert VisitOut(only=("id",)).dump({"id": "1", "note": "x"}) == {"id": "1"}
