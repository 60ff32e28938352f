"""Files become rows, or a list of every cell that does not fit."""

import contextlib
import string
from dataclasses import astuple
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import cells, imports, problems, words
from server.domain.cells import Cell
from server.domain.imports import ImportRefused, Kind, Table, parse

ID = "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d"

# One row of each kind that fits, with every cell filled.
GOOD: dict[Kind, dict[str, Cell]] = {
    "places": {
        "code": "T1-D1",
        "name": "东赵管区",
        "level": "district",
        "parent": "T1",
        "latitude": "37.811268",
        "longitude": "117.012492",
        "radius_m": "300",
        "central_village": "371481200268",
    },
    "people": {"code": "E1", "name": "王五", "phone": "13900000000", "unit": "财政局"},
    "postings": {
        "person": "S1",
        "role": "district-secretary",
        "place": "T1-D1",
        "start": "2018-11-01",
        "end": "2018-11-30",
        "office_weekday": "3",
    },
    "leave": {"person": "E1", "start": "2018-11-05", "end": "2018-11-09", "kind": "sick", "note": "住院"},
    "days": {"date": "2018-10-15", "kind": "closed", "place": "T1"},
    "visits": {
        "id": ID,
        "person": "E1",
        "place": "371481200268",
        "activity": "visit",
        "captured_at": "2018-11-20T09:31:05+08:00",
        "latitude": "37.811268",
        "longitude": "117.012492",
        "accuracy_m": "12",
        "status": "confirmed",
    },
}
KINDS: tuple[Kind, ...] = get_args(Kind)


def table(kind: Kind, *changes: dict[str, Cell]) -> Table:
    """A file of the good row, once for each of the changes to it."""
    header = list(GOOD[kind])
    return Table(header, [(n, list((GOOD[kind] | change).values())) for n, change in enumerate(changes, start=2)])


def read(kind: Kind, column: str, cell: Cell, **others: Cell) -> Any:
    """What one cell of the good row is read as."""
    (row,) = parse(kind, table(kind, {column: cell} | others)).rows
    return getattr(row, {"date": "day"}.get(column, column))


def refusal(kind: Kind, *changes: dict[str, Cell]) -> list[tuple[int, str, str]]:
    with pytest.raises(ImportRefused) as refused:
        parse(kind, table(kind, *changes))
    assert refused.value.kind is problems.IMPORT_REFUSED
    assert refused.value.params == {"count": len(refused.value.cells)}
    return [(error.row, error.column, error.code) for error in refused.value.cells]


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_is_that_of_the_contract(kind: Kind) -> None:
    assert imports.columns(kind) == tuple(GOOD[kind])


def test_a_full_row_of_each_kind_is_read() -> None:
    rows = {kind: astuple(parse(kind, table(kind, {})).rows[0]) for kind in KINDS}
    assert rows == {
        "places": (2, "T1-D1", "东赵管区", "district", "T1", 37.811268, 117.012492, 300.0, "371481200268"),
        "people": (2, "E1", "王五", "13900000000", "财政局"),
        "postings": (2, "S1", "district-secretary", "T1-D1", date(2018, 11, 1), date(2018, 11, 30), 3),
        "leave": (2, "E1", date(2018, 11, 5), date(2018, 11, 9), "sick", "住院"),
        "days": (2, date(2018, 10, 15), "closed", "T1"),
        "visits": (
            2, ID, "E1", "371481200268", "visit", datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC),
            37.811268, 117.012492, 12.0, "confirmed",
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [
        ("places", "parent", None),
        ("places", "radius_m", None),
        ("places", "central_village", None),
        ("people", "phone", None),
        ("people", "unit", ""),
        ("postings", "end", None),
        ("postings", "office_weekday", None),
        ("leave", "note", ""),
        ("days", "place", ""),
        ("visits", "accuracy_m", None),
    ],
)
@pytest.mark.parametrize("cell", [None, "", " \u3000\t"])
def test_cells_that_may_be_empty(kind: Kind, column: str, value: object, cell: Cell) -> None:
    assert read(kind, column, cell) == value


@pytest.mark.parametrize("kind", ["places", "visits"])
def test_a_position_may_be_unknown(kind: Kind) -> None:
    assert read(kind, "latitude", "", longitude="") is None
    assert refusal(kind, {"latitude": ""}, {"longitude": None}) == [
        (2, "latitude", "both-or-neither"),
        (3, "longitude", "both-or-neither"),
    ]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("places", "code"),
        ("places", "name"),
        ("places", "level"),
        ("people", "code"),
        ("people", "name"),
        ("postings", "person"),
        ("postings", "role"),
        ("postings", "place"),
        ("postings", "start"),
        ("leave", "person"),
        ("leave", "start"),
        ("leave", "end"),
        ("leave", "kind"),
        ("days", "date"),
        ("days", "kind"),
        ("visits", "id"),
        ("visits", "person"),
        ("visits", "place"),
        ("visits", "activity"),
        ("visits", "captured_at"),
        ("visits", "status"),
    ],
)
def test_cells_that_may_not_be_empty(kind: Kind, column: str) -> None:
    assert refusal(kind, {column: "\u3000"}) == [(2, column, "required")]


DAY = date(2018, 11, 3)
# A spreadsheet's times have no offset.
MIDNIGHT, MORNING = datetime.fromisoformat("2018-11-03"), datetime.fromisoformat("2018-11-03T09:30:00")
TAKEN: list[tuple[Kind, str, Cell, object]] = [
    ("places", "code", " 371481200268\u3000", "371481200268"),
    ("places", "code", 371481200268, "371481200268"),
    ("places", "code", 371481200268.0, "371481200268"),
    ("places", "code", "A-1_b.2", "A-1_b.2"),
    ("places", "code", "3E11", "3E11"),
    ("places", "code", "x" * 32, "x" * 32),
    ("places", "name", "名" * 100, "名" * 100),
    ("places", "name", 7.0, "7"),
    ("places", "level", "村（社区）", "village"),
    ("places", "level", "村(社区)", "village"),
    ("places", "level", "街道", "township"),
    ("places", "latitude", 37.5, 37.5),
    ("places", "latitude", "-90", -90.0),
    ("places", "longitude", "1.17e2", 117.0),
    ("places", "longitude", "+180.", 180.0),
    ("places", "radius_m", 100000, 100000.0),
    ("places", "radius_m", "0.5", 0.5),
    ("people", "phone", "+86 139-0000-0000", "13900000000"),
    ("people", "phone", "0086 13900000000", "13900000000"),
    ("people", "phone", "0534-6221234", "05346221234"),
    ("people", "phone", "+1 555 123 4567", "15551234567"),
    ("people", "phone", 13900000000.0, "13900000000"),
    ("postings", "role", "管区书记", "district-secretary"),
    ("postings", "office_weekday", 5.0, 5),
    ("postings", "office_weekday", "1.0", 1),
    ("postings", "office_weekday", "星期三", 3),
    ("postings", "start", "1900-01-01", date(1900, 1, 1)),
    ("postings", "end", "2999-12-31", date(2999, 12, 31)),
    ("leave", "kind", "年休假", "annual"),
    ("leave", "end", "2018-11-05", date(2018, 11, 5)),
    ("leave", "note", "甲\r\n乙\r丙", "甲\n乙\n丙"),
    ("leave", "note", 3.25, "3.25"),
    ("days", "kind", "停", "closed"),
    ("days", "kind", "none", "none"),
    ("days", "date", "2018-11-03", DAY),
    ("days", "date", "2018/11/3", DAY),
    ("days", "date", "2018.11.3", DAY),
    ("days", "date", "2018年11月3日", DAY),
    ("days", "date", "2018/11/3 0:00", DAY),
    ("days", "date", "2018-11-03 00:00:00", DAY),
    ("days", "date", DAY, DAY),
    ("days", "date", MIDNIGHT, DAY),
    ("visits", "id", ID.upper(), ID),
    ("visits", "activity", "集中学习", "study"),
    ("visits", "status", "待核实", "review"),
    ("visits", "accuracy_m", "-0", 0.0),
    ("visits", "captured_at", "2018-11-20T01:31:05Z", datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)),
    (
        "visits",
        "captured_at",
        "2018-11-19t20:31:05.25-05:00",
        datetime(2018, 11, 20, 1, 31, 5, 250_000, tzinfo=UTC),
    ),
    (
        "visits",
        "captured_at",
        "2099-01-01 00:00:00.1234567+00:00",
        datetime(2099, 1, 1, 0, 0, 0, 123456, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize(("kind", "column", "cell", "value"), TAKEN)
def test_cells_as_people_and_spreadsheets_write_them(kind: Kind, column: str, cell: Cell, value: object) -> None:
    found = read(kind, column, cell)
    assert found == value
    assert str(found) == str(value)  # no -0.0


REFUSED: list[tuple[Kind, str, Cell, str]] = [
    ("places", "code", "3.71481E+11", "lost-digits"),
    ("places", "code", "3.71481e+11", "lost-digits"),
    ("places", "code", 3.7148120026812e17, "lost-digits"),
    ("places", "code", 1.1, "lost-digits"),
    ("places", "parent", "3.71481E+11", "lost-digits"),
    ("places", "code", "东赵", "expected-code"),
    ("places", "code", "１２", "expected-code"),
    ("places", "code", "x" * 33, "expected-code"),
    ("places", "code", "a b", "expected-code"),
    ("places", "code", True, "expected-code"),
    ("places", "code", DAY, "expected-code"),
    ("places", "name", "名" * 101, "expected-name"),
    ("places", "name", "a\nb", "expected-name"),
    ("places", "name", "a\0b", "expected-name"),
    ("places", "name", DAY, "expected-name"),
    ("places", "name", "#N/A", "formula-error"),
    ("places", "radius_m", "#DIV/0!", "formula-error"),
    ("places", "level", "Village", "expected-choice"),
    ("places", "level", True, "expected-choice"),
    ("places", "latitude", "nan", "expected-number"),
    ("places", "latitude", "inf", "expected-number"),
    ("places", "latitude", "1_0", "expected-number"),
    ("places", "latitude", "37,5", "expected-number"),
    ("places", "latitude", True, "expected-number"),
    ("places", "latitude", DAY, "expected-number"),
    ("places", "latitude", "90.0001", "range"),
    ("places", "latitude", "1e999", "range"),
    ("places", "longitude", -181, "range"),
    ("places", "radius_m", "0", "range-above"),
    ("places", "radius_m", -1.0, "range-above"),
    ("places", "radius_m", "100000.1", "range-above"),
    ("people", "phone", "1.39E+10", "lost-digits"),
    ("people", "phone", float("nan"), "lost-digits"),
    ("people", "phone", "12", "expected-phone"),
    ("people", "phone", "+--1", "expected-phone"),
    ("people", "phone", "1" * 21, "expected-phone"),
    ("people", "phone", "139 x", "expected-phone"),
    ("people", "phone", "１３９００００００００", "expected-phone"),
    ("people", "phone", False, "expected-phone"),
    ("postings", "role", "secretary", "expected-choice"),
    ("postings", "office_weekday", "0", "expected-choice"),
    ("postings", "office_weekday", "6", "expected-choice"),
    ("postings", "office_weekday", 1.5, "expected-choice"),
    ("postings", "office_weekday", "周日", "expected-choice"),
    ("postings", "start", "2018-02-30", "no-such-day"),
    ("postings", "start", "20181103", "expected-day"),
    ("postings", "start", "11/3/2018", "expected-day"),
    ("postings", "start", "2018-11/03", "expected-day"),
    ("postings", "start", "2018/11/3 9:30", "expected-day"),
    ("postings", "start", 43407.0, "expected-day"),
    ("postings", "start", MORNING, "expected-day"),
    ("postings", "end", "9999-12-31", "day-range"),
    ("postings", "start", "1899-12-31", "day-range"),
    ("postings", "end", "2018-10-31", "end-before-start"),
    ("leave", "end", "2018-11-04", "end-before-start"),
    ("leave", "note", "字" * 1001, "expected-note"),
    ("leave", "note", "a\x07b", "expected-note"),
    ("visits", "id", "018c5c2e7d117c3a9f000d0f5b0a1c2d", "expected-uuid"),
    ("visits", "id", 1, "expected-uuid"),
    ("visits", "status", "incomplete", "expected-choice"),
    ("visits", "accuracy_m", "-1", "range"),
    ("visits", "captured_at", "2018-11-20T09:31:05", "expected-offset"),
    ("visits", "captured_at", MORNING, "expected-offset"),
    ("visits", "captured_at", MORNING.replace(year=1899, tzinfo=UTC), "day-range"),
    ("visits", "captured_at", "2018-11-20", "expected-instant"),
    ("visits", "captured_at", DAY, "expected-instant"),
    ("visits", "captured_at", "2018-11-20T09:31:60Z", "expected-instant"),
    ("visits", "captured_at", "2018-11-20T24:00:00Z", "expected-instant"),
    ("visits", "captured_at", "2018-11-20T09:31:05+24:00", "expected-instant"),
    ("visits", "captured_at", "2018-11-20T09:31:05+08:60", "expected-instant"),
    ("visits", "captured_at", "0001-01-01T00:00:00+08:00", "day-range"),
]


@pytest.mark.parametrize(("kind", "column", "cell", "code"), REFUSED)
def test_cells_that_do_not_fit(kind: Kind, column: str, cell: Cell, code: str) -> None:
    assert refusal(kind, {}, {column: cell}) == [(3, column, code)]


def test_an_office_weekday_is_for_district_secretaries_only() -> None:
    assert refusal("postings", {"role": "envoy"}) == [(2, "office_weekday", "weekday-not-owed")]
    assert read("postings", "office_weekday", "", role="envoy") is None
    assert refusal("postings", {"role": "?"}) == [(2, "role", "expected-choice")]


def test_every_bad_cell_is_listed_in_the_order_of_the_file() -> None:
    bad: dict[str, Cell] = {"longitude": "x", "code": "", "radius_m": 0, "latitude": "91"}
    assert refusal("places", {}, bad, {"code": "P3"}, {"code": "?", "latitude": "", "radius_m": "x"}) == [
        (3, "code", "required"),
        (3, "latitude", "range"),
        (3, "longitude", "expected-number"),
        (3, "radius_m", "range-above"),
        (5, "code", "expected-code"),
        (5, "latitude", "both-or-neither"),
        (5, "radius_m", "expected-number"),
    ]


def test_a_message_repeats_no_more_than_a_short_line_of_a_cell() -> None:
    with pytest.raises(ImportRefused) as refused:
        parse("places", table("places", {"level": "长\n" * 500}))
    (error,) = refused.value.cells
    assert error.params["value"] == "长\ufffd" * 19 + "长…"


def test_a_cell_beyond_the_header_is_an_error_and_a_short_row_has_empty_cells() -> None:
    header = ["code", "name", "phone", "unit"]
    (row,) = parse("people", Table(header, [(2, ["E1", "王五"])])).rows
    assert (row.phone, row.unit) == (None, "")
    with pytest.raises(ImportRefused) as refused:
        parse("people", Table(header, [(2, ["?", "王五", "", "", "x"])]))
    assert [(e.column, e.code) for e in refused.value.cells] == [
        ("code", "expected-code"),
        ("#5", "extra-cell"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_columns_may_stand_in_any_order(kind: Kind) -> None:
    backwards = dict(reversed(GOOD[kind].items()))
    assert (
        parse(kind, Table(list(backwards), [(2, list(backwards.values()))])).rows == parse(kind, table(kind, {})).rows
    )


def test_wrong_columns_are_refused_by_name_before_any_cell() -> None:
    header = ["code", "name", "colour", "", "name", "姓名", "phone"]
    with pytest.raises(ImportRefused) as refused:
        parse("people", Table(header, [(4, ["?"])], header_row=3))
    assert [(e.row, e.column, e.code) for e in refused.value.cells] == [
        (3, "colour", "column-unknown"),
        (3, "#4", "column-unnamed"),
        (3, "name", "column-twice"),
        (3, "姓名", "column-twice"),
        (3, "unit", "column-missing"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_chinese_headers_and_words_are_read_back(kind: Kind) -> None:
    vocabularies: dict[str, words.Vocabulary] = {
        "level": words.LEVELS,
        "role": words.ROLES,
        "kind": words.MARKS if kind == "days" else words.LEAVE_KINDS,
        "activity": words.ACTIVITIES,
        "status": words.IMPORTED_STATUSES,
        "office_weekday": words.WEEKDAYS,
    }
    row = [
        words.in_chinese(vocabularies[column], str(cell)) if column in vocabularies else cell
        for column, cell in GOOD[kind].items()
    ]
    header = imports.chinese_columns(kind)
    narrow = [title.replace("（", "(").replace("）", ")") for title in header]
    english = parse(kind, table(kind, {})).rows
    assert parse(kind, Table(header, [(2, row)])).rows == english
    assert parse(kind, Table(narrow, [(2, row)])).rows == english


def test_errors_name_the_column_as_the_file_does() -> None:
    header = imports.chinese_columns("places")
    row = list((GOOD["places"] | {"radius_m": "x"}).values())
    with pytest.raises(ImportRefused) as refused:
        parse("places", Table(header, [(2, row)]))
    assert refused.value.cells[0].column == "半径（米）"
    parsed = parse("places", Table(header, [(2, list(GOOD["places"].values()))]))
    assert parsed.error(2, "parent", "not-there", code="T1") == imports.CellError(
        2, "上级", "not-there", {"code": "T1"}
    )


@pytest.mark.parametrize(
    ("kind", "other_thing", "other_content"),
    [
        ("places", {"code": "T1-D2"}, {"name": "另一管区"}),
        ("people", {"code": "E2"}, {"unit": "教育局"}),
        ("postings", {"start": "2018-11-02"}, {"end": ""}),
        ("leave", {"kind": "annual"}, {"note": "手术"}),
        ("days", {"kind": "off"}, {"kind": "none"}),
        ("visits", {"id": ID.replace("0", "1")}, {"status": "rejected"}),
    ],
)
def test_a_thing_may_stand_twice_in_a_file_only_with_the_same_content(
    kind: Kind, other_thing: dict[str, Cell], other_content: dict[str, Cell]
) -> None:
    assert [row.row for row in parse(kind, table(kind, {}, other_thing, {})).rows] == [2, 3]
    with pytest.raises(ImportRefused) as refused:
        parse(kind, table(kind, other_thing, {}, other_content))
    (error,) = refused.value.cells
    assert (error.row, error.column, error.code) == (4, imports.columns(kind)[0], "duplicate")
    assert error.params == {"first": 3}


def test_a_row_without_marks_agrees_with_neither_a_mark_nor_a_closure_of_its_day() -> None:
    assert refusal("days", {"kind": "none"}, {"kind": "off"}, {"kind": "closed"}, {"kind": "none"}) == [
        (3, "date", "duplicate"),
        (4, "date", "duplicate"),
    ]
    assert refusal("days", {"kind": "work"}, {"kind": "off"}) == [(3, "date", "duplicate")]


CODES = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=32)


@given(CODES)
def test_every_code_of_the_contract_is_taken_as_it_stands(code: str) -> None:
    assert cells.code(code) == code


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.dates(), st.datetimes(), st.none()))
def test_any_cell_at_all_is_read_or_refused(cell: Cell) -> None:
    for kind in KINDS:
        for column in imports.columns(kind):
            with contextlib.suppress(ImportRefused):
                assert len(parse(kind, table(kind, {column: cell})).rows) == 1
