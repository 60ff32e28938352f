"""Tables as Excel, WPS and scripts write them come in whole; what we write comes back the same."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from server.adapters import messages, sheets
from server.adapters.sheets import read_table, write_csv, write_xlsx
from server.domain import problems
from server.domain.cells import Cell
from server.domain.imports import CellError, Table, parse
from server.domain.problems import Problem

DATA = Path(__file__).parents[2].parent / "shared" / "data"
LINES = "code,name,phone,unit\nE1,王五,139,乐陵市财政局\nE2,张三,,党建办\n"
TABLE = Table(
    ["code", "name", "phone", "unit"],
    [(2, ["E1", "王五", "139", "乐陵市财政局"]), (3, ["E2", "张三", "", "党建办"])],
)


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "table"
    path.write_bytes(data)
    return path


def refusal(folder: Path, data: bytes, **limits: int) -> tuple[str, dict[str, Any]]:
    """Why a file is refused; the reason has a sentence in both languages."""
    with pytest.raises(Problem) as refused:
        read_table(saved(folder, data), **limits)
    assert refused.value.kind is problems.IMPORT_FILE
    (error,) = refused.value.errors
    for language in messages.LANGUAGES:
        assert messages.text(f"field.{error.code}", language, **error.params)
    return error.code, dict(error.params)


def workbook(*names: str) -> tuple[io.BytesIO, Any, list[Any]]:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    return stream, book, [book.add_worksheet(name) for name in names or ("Sheet1",)]


def small_workbook() -> bytes:
    stream = io.BytesIO()
    write_xlsx(TABLE.header, [row for _, row in TABLE.rows], stream)
    return stream.getvalue()


def repacked(data: bytes, change: Callable[[str, bytes], bytes], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook with some of its parts changed; a part that becomes empty is left out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", packed) as new:
        for name in old.namelist():
            if content := change(name, old.read(name)):
                new.writestr(name, content)
    return stream.getvalue()


# CSV


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_every_encoding_and_with_every_newline(tmp_path: Path, encoding: str, newline: str) -> None:
    assert read_table(saved(tmp_path, LINES.replace("\n", newline).encode(encoding))) == TABLE


def test_rows_have_the_numbers_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    text = '\n,,\ncode,name,,\n\nE1,"two\nlines"\n ,\u3000,\nE2,"say ""so"", please",,x\n\n,,,\n'
    assert read_table(saved(tmp_path, text.encode())) == Table(
        ["code", "name"], [(5, ["E1", "two\nlines"]), (7, ["E2", 'say "so", please', "", "x"])], header_row=3
    )


@pytest.mark.parametrize(
    ("data", "code", "params"),
    [
        (b"", "file-empty", {}),
        (b" ,\n\n", "file-empty", {}),
        (b"\xef\xbb\xbf", "file-empty", {}),
        (b'code\nE1\n"E2\nE3\n', "file-quotes", {"row": 3}),
        (b'code\n"E1"x\n', "file-quotes", {"row": 2}),
        ("code\nE1".encode("utf-16"), "file-encoding", {}),
        (b"code\n\xff\xff", "file-encoding", {}),
        (b"\xef\xbb\xbfcode\nE\xb5\xb5\n", "file-damaged-text", {"line": 2}),
        (LINES.encode()[:-2], "file-damaged-text", {"line": 3}),
        (LINES.encode().replace("五".encode(), "五".encode()[:2]), "file-damaged-text", {"line": 2}),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "file-old-excel", {}),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, data: bytes, code: str, params: dict[str, object]) -> None:
    assert refusal(tmp_path, data) == (code, params)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        read_table(tmp_path / "missing.csv")
    assert [error.code for error in refused.value.errors] == ["file-unreadable"]


def test_sizes_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = LINES.encode()
    assert read_table(saved(tmp_path, data), limit_bytes=len(data)) == TABLE
    assert refusal(tmp_path, data, limit_bytes=len(data) - 1) == ("file-too-large", {"limit_mb": 0})
    monkeypatch.setattr(sheets, "MAX_ROWS", 2)
    assert read_table(saved(tmp_path, data)) == TABLE
    monkeypatch.setattr(sheets, "MAX_ROWS", 1)
    assert refusal(tmp_path, data) == ("file-too-many-rows", {"limit": 1})


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_real_register_is_the_same_in_both_encodings(tmp_path: Path, encoding: str) -> None:
    if not DATA.exists():
        pytest.skip("the real register does not lie beside this project")
    text = (DATA / "leling-places.csv").read_text("utf-8")
    rows = parse("places", read_table(saved(tmp_path, text.encode(encoding)))).rows
    assert (len(rows), rows[0].name) == (1223, "乐陵市")


# XLSX


def test_a_workbooks_cells_keep_their_types(tmp_path: Path) -> None:
    stream, book, (sheet,) = workbook()
    day, hour = book.add_format({"num_format": "yyyy/m/d"}), book.add_format({"num_format": "hh:mm"})
    sheet.write_row(2, 0, ["code", "n"])
    sheet.write_row(4, 0, [371481200268, " 王五 ", 37.5, True])
    sheet.write_datetime(4, 5, date(2018, 11, 3), day)
    sheet.write_datetime(4, 6, datetime.fromisoformat("2018-11-03T09:30"), day)
    sheet.write_datetime(4, 7, time(9, 30), hour)
    sheet.write_formula(4, 8, "=A1", None, "worked out")
    sheet.write_formula(4, 9, "=1/0", None, "#DIV/0!")
    sheet.write_string(4, 10, " ")
    sheet.write_formula(5, 11, "=NA()", None, "#N/A")
    book.close()
    nine_thirty = datetime.fromisoformat("2018-11-03T09:30")
    row: list[Cell] = [371481200268, " 王五 ", 37.5, True, "", date(2018, 11, 3), nine_thirty, "09:30:00", "worked out"]
    assert read_table(saved(tmp_path, stream.getvalue())) == Table(
        ["code", "n"], [(5, [*row, "#DIV/0!"]), (6, [""] * 11 + ["#N/A"])], header_row=3
    )


def test_a_length_of_time_is_text(tmp_path: Path) -> None:
    stream, book, (sheet,) = workbook()
    sheet.write_string(0, 0, "note")
    sheet.write_number(1, 0, 1.5, book.add_format({"num_format": "[h]:mm"}))
    book.close()
    assert read_table(saved(tmp_path, stream.getvalue())).rows == [(2, [str(timedelta(hours=36))])]


def test_the_first_visible_sheet_with_something_on_it_is_read(tmp_path: Path) -> None:
    stream, book, (empty, hidden, wanted, later) = workbook("空", "选项", "第三张", "later")
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"values": "=later!$A$1"})
    book.add_chartsheet("chart").set_chart(chart)
    book.worksheets_objs.insert(0, book.worksheets_objs.pop())
    empty.activate()
    hidden.write_string(0, 0, "hidden")
    hidden.hide()
    wanted.write_column(0, 0, ["code", "=1+1"])
    later.write_string(0, 0, "later")
    book.close()
    assert read_table(saved(tmp_path, stream.getvalue())).header == ["code"]


def test_a_sheets_part_may_be_named_from_the_root(tmp_path: Path) -> None:
    rooted = repacked(small_workbook(), lambda _, content: content.replace(b'"worksheets/', b'"/xl/worksheets/'))
    assert read_table(saved(tmp_path, rooted)) == TABLE


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    stream, book, _ = workbook()
    book.close()
    assert refusal(tmp_path, stream.getvalue()) == ("file-empty", {})


def _without(part: str) -> Callable[[str, bytes], bytes]:
    return lambda name, content: b"" if name == part else content


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04junk", "file-damaged"),
        (small_workbook()[:-300], "file-damaged"),
        (repacked(small_workbook(), _without("xl/workbook.xml")), "file-not-a-table"),
        (repacked(small_workbook(), _without("xl/worksheets/sheet1.xml")), "file-damaged"),
        (repacked(small_workbook(), _without("xl/_rels/workbook.xml.rels")), "file-damaged"),
        (repacked(small_workbook(), lambda _, content: content[: len(content) // 2]), "file-damaged"),
        (small_workbook().replace(b"xl/worksheets", b"xl/worksheetz"), "file-damaged"),
    ],
    ids=["junk", "cut", "a-document", "no-sheet", "no-relations", "broken-xml", "renamed"],
)
def test_a_broken_workbook_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    assert refusal(tmp_path, data) == (code, {})


def test_a_part_that_is_larger_than_the_workbook_says_is_seen(tmp_path: Path) -> None:
    stream, book, (sheet,) = workbook()
    sheet.write_column(0, 0, ["code", "E1"])
    book.close()
    data = bytearray(stream.getvalue())
    with zipfile.ZipFile(stream) as archive:
        size = archive.getinfo("xl/sharedStrings.xml").file_size
    entry = data.rindex(b"xl/sharedStrings.xml") - 46  # its line in the closing list
    assert int.from_bytes(data[entry + 24 : entry + 28], "little") == size
    data[entry + 24 : entry + 28] = (size - 40).to_bytes(4, "little")
    assert refusal(tmp_path, bytes(data)) == ("file-damaged", {})


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED], ids=["packed", "stored"])
def test_a_changed_byte_in_a_workbook_is_seen(tmp_path: Path, packed: int) -> None:
    data = bytearray(repacked(small_workbook(), lambda _, content: content, packed))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    data[part.header_offset + 30 + len(part.filename) + part.compress_size // 2] ^= 0x01
    assert refusal(tmp_path, bytes(data)) == ("file-damaged", {})


def test_a_workbook_that_would_unpack_without_end_is_refused(tmp_path: Path) -> None:
    bomb = repacked(small_workbook(), lambda name, content: content + (b" " * 4_000_000 if "sheet1" in name else b""))
    assert len(bomb) < 20_000
    assert refusal(tmp_path, bomb, limit_bytes=100_000) == ("file-too-large", {"limit_mb": 0})


def test_a_stray_cell_far_out_is_refused_instead_of_filling_the_memory(tmp_path: Path) -> None:
    stream, book, (sheet,) = workbook()
    sheet.write_row(0, 0, ["code", "name"])
    sheet.write_string(1_048_575, 16_383, "x")
    book.close()
    assert refusal(tmp_path, stream.getvalue()) == ("file-too-wide", {"columns": 16_384, "rows": 1_048_576})


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="XFD1048576"><v>1</v></c>',
        b'<c t="n" r="XFD1048576"><v>1</v></c>',
        b"<c r='XFD1048576'><v>1</v></c>",
        b'<c\nr = "XFD1048576" t="n"><v>1</v></c>',
        b'<c r="xfd1048576"><v>1</v></c>',
    ],
)
def test_a_stray_cell_far_out_is_refused_however_it_is_written(tmp_path: Path, cell: bytes) -> None:
    far = b'<row r="1048576">' + cell + b"</row></sheetData>"
    data = repacked(small_workbook(), lambda _, content: content.replace(b"</sheetData>", far))
    assert refusal(tmp_path, data) == ("file-too-wide", {"columns": 16_384, "rows": 1_048_576})


def test_cells_that_do_not_say_where_they_are_stand_in_a_row_far_down(tmp_path: Path) -> None:
    far = b'<row r="1048576">' + b"<c><v>1</v></c>" * 1000 + b"</row></sheetData>"
    data = repacked(small_workbook(), lambda _, content: content.replace(b"</sheetData>", far))
    assert refusal(tmp_path, data)[0] == "file-too-wide"


def test_a_format_on_empty_cells_far_out_does_no_harm(tmp_path: Path) -> None:
    stream, book, (sheet,) = workbook()
    sheet.write_row(0, 0, ["code"])
    sheet.write_row(1, 0, ["E1"])
    sheet.write_blank(1_048_575, 16_383, None, book.add_format({"bold": True}))
    book.close()
    assert read_table(saved(tmp_path, stream.getvalue())) == Table(["code"], [(2, ["E1"])])


# Written by us


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, for_excel: bool = False) -> bytes:
    stream = io.BytesIO()
    write_csv(columns, rows, stream, for_excel=for_excel)
    return stream.getvalue()


def test_csv_has_lf_and_quotes_only_where_needed() -> None:
    instant = datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)
    rows: list[list[Cell]] = [
        ["a b", "=1+1", 'say "so"', "x,y", "two\nlines", "\r"],
        [None, True, 37.5, 7, date(2018, 11, 3), instant],
    ]
    assert (
        as_csv(["a", "b", "c", "d", "e", "名"], rows)
        == (
            'a,b,c,d,e,名\na b,=1+1,"say ""so""","x,y","two\nlines","\r"\n'
            ",true,37.5,7,2018-11-03,2018-11-20T01:31:05+00:00\n"
        ).encode()
    )


def test_csv_for_excel_has_a_mark_and_runs_no_formula(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [[start + "1", -1.5] for start in ("=", "+", "-", "@", "\t", "\r")]
    data = as_csv(["a", "b"], rows, for_excel=True)
    assert data == b"\xef\xbb\xbfa,b\n'=1,-1.5\n'+1,-1.5\n'-1,-1.5\n'@1,-1.5\n'\t1,-1.5\n\"'\r1\",-1.5\n"
    assert read_table(saved(tmp_path, data)).rows == [(n, [a, "-1.5"]) for n, (a, _) in enumerate(rows, start=2)]


def test_the_guard_is_taken_away_from_a_file_without_a_mark_too(tmp_path: Path) -> None:
    data = b"".join(sheets.csv_lines(["a", "b"], [["=cmd()", "'quoted"]]))
    assert data == b"a,b\n'=cmd(),'quoted\n"
    assert read_table(saved(tmp_path, data)).rows == [(2, ["=cmd()", "'quoted"])]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=12)


@pytest.mark.parametrize("for_excel", [False, True])
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT.filter(lambda text: bool(text.strip()))), max_size=6))
def test_text_written_as_csv_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, for_excel: bool, rows: list[tuple[str, str]]
) -> None:
    data = as_csv(["a", "b"], rows, for_excel=for_excel)
    found = read_table(saved(tmp_path_factory.getbasetemp(), data)).rows
    expected = [list(row) for row in rows]
    read = [[str(cell) for cell in row] for _, row in found]
    # An apostrophe already before a formula cannot be told from ours.
    read, expected = ([[text.lstrip("'") for text in row] for row in side] for side in (read, expected))
    assert read == expected


def test_a_workbook_of_ours_is_read_back_and_runs_no_formula(tmp_path: Path) -> None:
    instant = datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)
    rows: list[list[Cell]] = [
        ["=1+1", "https://example.com", "007", "", None, "'=x"],
        [1.5, 7, True, date(2018, 11, 3), instant, "x" * 40_000],
    ]
    stream = io.BytesIO()
    write_xlsx(["a", "b", "c", "d", "e", "名"], rows, stream)
    assert read_table(saved(tmp_path, stream.getvalue())) == Table(
        ["a", "b", "c", "d", "e", "名"],
        [
            (2, ["=1+1", "https://example.com", "007", "", "", "'=x"]),
            (3, [1.5, 7, True, date(2018, 11, 3), datetime.fromisoformat("2018-11-20T01:31:05"), "x" * 32_767]),
        ],
    )
    with zipfile.ZipFile(stream) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in xml
    assert b"<hyperlink" not in xml
    assert b'state="frozen"' in xml
    assert b'<autoFilter ref="A1:F3"' in xml


@pytest.mark.parametrize("clock", ["09:31:05", "09:31:05.123", "00:00:00", "23:59:59.999"])
def test_times_are_read_back_in_the_zone_they_were_written_in(tmp_path: Path, clock: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    instant = datetime.fromisoformat(f"2018-11-20T{clock}").replace(tzinfo=zone)
    stream = io.BytesIO()
    write_xlsx(["captured_at"], [[instant]], stream)
    assert read_table(saved(tmp_path, stream.getvalue()), zone=zone).rows == [(2, [instant])]


def test_a_workbook_without_rows_has_its_header(tmp_path: Path) -> None:
    stream = io.BytesIO()
    write_xlsx(["a", "b"], [], stream)
    assert read_table(saved(tmp_path, stream.getvalue())) == Table(["a", "b"], [])


def test_more_rows_than_a_worksheet_holds_go_on_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "XLSX_ROWS", 3)
    stream = io.BytesIO()
    write_xlsx(["a"], iter([["1"], ["2"], ["3"], ["4"]]), stream)
    with zipfile.ZipFile(stream) as archive:
        texts = [archive.read(f"xl/worksheets/sheet{n}.xml").count(b"<is>") for n in (1, 2)]
        assert "xl/worksheets/sheet3.xml" not in archive.namelist()
    assert texts == [3, 3]


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_rows_are_read_the_same_from_csv_and_xlsx(tmp_path: Path, write: Callable[..., None]) -> None:
    columns = ["person", "role", "place", "start", "end", "office_weekday"]
    stream = io.BytesIO()
    write(columns, [["S1", "district-secretary", 371481200268, date(2018, 11, 3), None, 3]], stream)
    (row,) = parse("postings", read_table(saved(tmp_path, stream.getvalue()))).rows
    assert (row.place, row.start, row.end, row.office_weekday) == ("371481200268", date(2018, 11, 3), None, 3)


# Said to people


def test_a_bad_cell_is_named_in_both_languages() -> None:
    error = CellError(3, "latitude", "range", {"min": "-90", "max": "90", "value": "{x}"})
    assert sheets.sentence(error) == (
        "第 3 行 latitude 列：应在 -90 到 90 之间；现为“{x}” / "
        "row 3, column latitude: expected a number between -90 and 90; found “{x}”"
    )
    assert sheets.sentence(CellError(3, "", "required")) == "第 3 行：不能为空 / row 3: may not be empty"
