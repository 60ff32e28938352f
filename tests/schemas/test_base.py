"""What each kind of field takes, and what it says to the rest."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import marshmallow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import base
from schemas.base import (
    Base,
    Choice,
    Code,
    Cursor,
    Day,
    Flag,
    Instant,
    Integer,
    Items,
    Number,
    Page,
    Part,
    QueryFlag,
    Sha256,
    Text,
    UuidText,
    field_errors,
    refuse,
)
from server.adapters.messages import has
from server.domain.places import Level

UUID = "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d"


@pytest.mark.parametrize("text", [" ", "\n\t", "\u3000", "\u200b", "\u00a0\ufeff", "\u2800\u3164"])
def test_a_visible_text_has_something_to_read(text: str) -> None:
    field = Text(1, 10, lines=True, visible=True)
    pattern = field.shown()["pattern"]
    assert faults(Text(1, 10, lines=True, visible=True), text) == [("/it", "blank")]
    assert not re.fullmatch(pattern, text)
    assert re.fullmatch(pattern, f"{text}在{text}")
    assert Base.from_dict({"it": field})().load({"it": f"{text}。{text}"}) == {"it": f"{text}。{text}"}


@pytest.mark.parametrize("text", ["\U000e0001\U000e0041", "\U000e007f", "\U000e0100 "])
def test_tags_are_nothing_to_read_nor_to_who_reads_the_pattern_as_javascript_does(text: str) -> None:
    field = Text(1, 10, visible=True)
    pattern = field.shown()["pattern"]
    assert faults(Text(1, 10, visible=True), text) == [("/it", "blank")]
    assert not re.fullmatch(pattern, halves(text))
    assert re.fullmatch(pattern, halves(f"{text}在{text}"))
    assert re.fullmatch(pattern, halves("𠮷"))


def halves(text: str) -> str:
    """The text as JavaScript sees it: what lies beyond the first plane as two halves."""
    units = text.encode("utf-16-be")
    return "".join(chr(int.from_bytes(units[at : at + 2], "big")) for at in range(0, len(units), 2))


def faults(field: marshmallow.fields.Field[Any], value: Any) -> list[tuple[str, str]]:
    schema = Base.from_dict({"it": field})()
    with pytest.raises(marshmallow.ValidationError) as caught:
        schema.load({"it": value})
    errors = field_errors(caught.value)
    assert all(has(f"field.{error.code}") for error in errors)
    return [(error.pointer, error.code) for error in errors]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (Number(-90, 90), "37.8", "type"),
        (Number(-90, 90), True, "type"),
        (Number(-90, 90), None, "null"),
        (Number(-90, 90), [], "type"),
        (Number(-90, 90), math.nan, "finite"),
        (Number(-90, 90), math.inf, "finite"),
        (Number(-90, 90), -math.inf, "finite"),
        (Number(-90, 90), 90.0001, "range"),
        (Number(-90, 90), 10**30, "range"),
        (Integer(0, 9), 10, "range"),
        (Integer(0, 9), 1.5, "type"),
        (Integer(0, 9), False, "type"),
        (Integer(0, 9), math.inf, "type"),
        (Flag(), 1, "type"),
        (Flag(), "true", "type"),
        (QueryFlag(), "1", "type"),
        (Text(1, 5), "", "length"),
        (Text(1, 5), "123456", "length"),
        (Text(1, 5), "a\x00", "characters"),
        (Text(1, 5), "a\nb", "characters"),
        (Text(1, 5, lines=True), "a\x1bb", "characters"),
        (Text(1, 5), "a\ud800", "characters"),
        *(
            (Text(1, 5, lines=lines), f"a{character}b", "characters")
            for character in ("\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069")
            for lines in (False, True)
        ),
        (Text(1, 5), 5, "type"),
        (Code(), "", "format"),
        (Code(), "a b", "format"),
        (Code(), "村", "format"),
        (Code(), "a" * 33, "format"),
        (Code(), "a\n", "format"),
        (Code(), 371481200268, "type"),
        (Sha256(), "A" * 64, "format"),
        (Sha256(), "a" * 63, "format"),
        (Sha256(), "٣" * 64, "format"),
        (UuidText(), UUID.upper(), "format"),
        (UuidText(), UUID.replace("-", ""), "format"),
        (UuidText(), "{" + UUID + "}", "format"),
        (Day(), "2018-02-29", "format"),
        (Day(), "2018-11-31", "format"),
        (Day(), "20181120", "format"),
        (Day(), "2018-W47-2", "format"),
        (Day(), "1999-12-31", "range"),
        (Day(), "1999-02-30", "format"),
        (Instant(), "2018-11-20T09:31:05", "offset"),
        (Instant(), "2018-11-20 09:31:05", "offset"),
        (Instant(), "2018-11-20", "format"),
        (Instant(), "2018-11-20T24:00:00Z", "format"),
        (Instant(), "2018-11-20T09:31:60Z", "format"),
        (Instant(), "2018-11-20T09:31:05+0800", "format"),
        (Instant(), "2018-11-20T09:31:05+08:60", "format"),
        (Instant(), "1969-11-20T09:31:05Z", "format"),
        (Instant(), "9999-12-31T23:59:59-08:00", "format"),
        (Instant(), 1542677465, "type"),
        (Choice(Level), "hamlet", "choice"),
        (Choice(Level), ["village"], "type"),
        (Items(Code(), 1, 2), [], "count"),
        (Items(Code(), 1, 2), ["a", "b", "c"], "count"),
        (Items(Code()), "abc", "type"),
        (Items(Code()), {"a": 1}, "type"),
        (Cursor(base.UTC_INSTANT, base.CODE), "2018-11-20T01:31:05Z", "cursor"),
        (Cursor(base.UTC_INSTANT, base.CODE), "2018-11-20T01:31:05Z~a~b", "cursor"),
        (Cursor(base.CODE), "a'b", "cursor"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(field: Any, value: Any, code: str) -> None:
    assert faults(field, value) == [("/it", code)]


@pytest.mark.parametrize(
    ("field", "value", "loaded"),
    [
        (Number(-90, 90), 37, 37.0),
        (Number(-90, 90), -90, -90.0),
        (Integer(0, 9), 9.0, 9),
        (Flag(), False, False),
        (QueryFlag(), "false", False),
        (Text(0, 5, lines=True), "a\nb\tc", "a\nb\tc"),
        (Text(0, 2), "𠮷村", "𠮷村"),
        (Code(), "2018.a_b-c", "2018.a_b-c"),
        (UuidText(), UUID, UUID),
        (Day(), "2020-02-29", date(2020, 2, 29)),
        (Instant(), "2018-11-20T09:31:05+08:00", datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)),
        (Instant(), "2018-11-18T15:30:00.123456789Z", datetime(2018, 11, 18, 15, 30, 0, 123456, tzinfo=UTC)),
        (Choice(Level), "village", Level.VILLAGE),
        (Choice(("a", "b"), allow_none=True), None, None),
        (Items(Code()), ["a", "a"], ["a", "a"]),
        (Cursor(base.UTC_INSTANT, base.CODE), "2018-11-20T01:31:05Z~a", ("2018-11-20T01:31:05Z", "a")),
    ],
)
def test_a_value_that_fits_is_taken(field: Any, value: Any, loaded: Any) -> None:
    assert Base.from_dict({"it": field})().load({"it": value}) == {"it": loaded}


def test_an_entry_that_stands_twice_is_pointed_at() -> None:
    assert faults(Items(Code(), unique=True), ["a", "b", "a"]) == [("/it/2", "duplicate")]


class Inner(Base):
    x = Number(0, 1, required=True)


class Outer(Base):
    inner = Part(Inner, required=True)
    many = Items(Part(Inner))

    @marshmallow.validates_schema
    def agree(self, data: dict[str, Any], **_: Any) -> None:
        if data["inner"]["x"] == 1:
            raise refuse("inconsistent")
        if data["inner"]["x"] == 0:
            raise refuse("order", "inner")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, {("/inner", "required")}),
        ([], {("", "type")}),
        ("text", {("", "type")}),
        (None, {("", "type")}),
        ({"inner": []}, {("/inner", "type")}),
        ({"inner": {}}, {("/inner/x", "required")}),
        ({"inner": {"x": 1}}, {("", "inconsistent")}),
        ({"inner": {"x": 0}}, {("/inner", "order")}),
        ({"inner": {"x": 0.5}, "many": [{"x": 0.5}, {"x": 2}, 7]}, {("/many/1/x", "range"), ("/many/2", "type")}),
        ({"inner": {"x": 0.5, "surprise": 1}}, {("/inner/surprise", "unknown")}),
        ({"inner": {"x": 0.5}, "_schema": 1}, {("", "unknown")}),
    ],
)
def test_every_error_has_its_pointer(sent: Any, expected: set[tuple[str, str]]) -> None:
    with pytest.raises(marshmallow.ValidationError) as caught:
        Outer().load(sent)
    assert {(error.pointer, error.code) for error in field_errors(caught.value)} == expected


def test_an_unknown_name_is_repeated_only_if_it_looks_like_a_name() -> None:
    with pytest.raises(marshmallow.ValidationError) as caught:
        Base().load({"<script>": 1, "a" * 41: 1, "村": 1, "plain-name": 1})
    assert {error.pointer for error in field_errors(caught.value)} == {"", "/plain-name"}


def test_a_thousand_errors_are_cut_short() -> None:
    with pytest.raises(marshmallow.ValidationError) as caught:
        Base().load({f"f{i}": 1 for i in range(1000)})
    assert len(field_errors(caught.value)) == 100


def test_a_naive_time_has_no_place_in_an_answer() -> None:
    with pytest.raises(ValueError, match="naive"):
        base.instant_text(datetime(2018, 11, 20, tzinfo=UTC).replace(tzinfo=None))


def test_an_instant_is_written_with_its_own_offset() -> None:
    there = timezone(timedelta(hours=8))
    assert base.instant_text(datetime(2018, 11, 20, 9, 31, 5, tzinfo=there)) == "2018-11-20T09:31:05+08:00"


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_day_of_the_century_is_a_day(day: date) -> None:
    assert re.fullmatch(base.DAY, day.isoformat())


@given(st.from_regex(base.INSTANT, fullmatch=True))
def test_whatever_has_the_form_of_an_instant_is_one(text: str) -> None:
    loaded = Instant().deserialize(text)
    assert loaded.utcoffset() == timedelta(0)


@given(st.integers(946_684_800, 4_102_444_799).map(lambda second: datetime.fromtimestamp(second, UTC)))
def test_an_instant_comes_back_as_it_went(moment: datetime) -> None:
    assert Instant().deserialize(base.instant_text(moment)) == moment


@pytest.mark.parametrize("raw", ["0", "201", "-1", "1.0", "1e2", "", " 1", "٣", "01", "9" * 400])
def test_a_limit_is_a_whole_number_from_1_to_200(raw: str) -> None:
    with pytest.raises(marshmallow.ValidationError) as caught:
        Page().load({"limit": raw})
    assert field_errors(caught.value)[0].code in ("range", "type")


def test_a_page_has_50_entries_unless_asked_otherwise() -> None:
    assert Page().load({}) == {"limit": 50}
    assert Page().load({"limit": "200"}) == {"limit": 200}
