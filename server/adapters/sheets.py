"""Tables in files: CSV and XLSX as people's programs write them are read, and written for them."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import IO, Any, Final
from xml.etree import ElementTree as ET

import python_calamine
from python_calamine import SheetVisibleEnum

from server.adapters import messages
from server.domain import problems
from server.domain.cells import Cell
from server.domain.imports import CellError, Table
from server.domain.problems import FieldError, Problem, Scalar

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 500_000
XLSX_ROWS: Final = 1_048_576  # of one worksheet
XLSX_TEXT: Final = 32_767  # characters of one cell

_BOM = b"\xef\xbb\xbf"
_MAX_UNPACKED = 12  # times the limit of the file; a spreadsheet's XML shrinks about so much
_COLUMNS = 16_384  # of one worksheet
_MAX_CELLS = 20_000_000  # between A1 and the last cell; the library keeps room for all of them
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_DAMAGED = (
    python_calamine.CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    ET.ParseError,
    KeyError,
    ValueError,
    RuntimeError,  # a part with a password, or packed in a way zipfile does not know
)
# A cell that has content: as every program writes it, then however else it may be written.
_FILLED = re.compile(rb'<(?:\w+:)?c r="([A-Z]+)([0-9]+)"(?:[^>]*[^/])?>')
_FILLED_ODDLY = re.compile(rb'<(?:\w+:)?c(?! r="[A-Z]+[0-9]+")((?:\s(?:[^>]*[^/])?)?)>')
_AT = re.compile(rb'\sr\s*=\s*["\']([A-Za-z]+)([0-9]+)["\']')
_ROW_AT = re.compile(rb'<(?:\w+:)?row\s(?:[^>]*\s)?r\s*=\s*["\']([0-9]+)["\']')
_FAILED = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]+)([0-9]+)"[^>]*\bt="e"[^>]*>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)<', re.S
)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_table(path: Path, *, limit_bytes: int = MAX_BYTES, zone: tzinfo | None = None) -> Table:
    """The first table of a CSV file (UTF-8 or GB18030) or an XLSX workbook, without its blank rows.

    What the file is shows in its first bytes, not in its name. Text comes as it stands; a workbook's numbers,
    truth values and days keep their types. With a `zone` they are times in it, which in a workbook have no offset.
    Raises Problem IMPORT_FILE if it is too large or no table.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise _refused("file-unreadable") from error
    if len(data) > limit_bytes:
        raise _refused("file-too-large", limit_mb=limit_bytes // (1024 * 1024))
    if data.startswith(b"PK\x03\x04"):
        rows = _xlsx_rows(data, limit_bytes, zone)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refused("file-old-excel")
    else:
        rows = _csv_rows(data)
    return _table(rows)


def csv_lines(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, mark: bool = False, guarded: bool = True
) -> Iterator[bytes]:
    """The lines of a CSV file in UTF-8, with LF and quotes only where needed; the same rows give the same bytes.

    With `mark` a byte order mark goes first, by which Excel knows UTF-8. Guarded, text that a spreadsheet would run as
    a formula gets an apostrophe first, which `read_table` takes away again.
    """
    if mark:
        yield _BOM
    shown = _shown_guarded if guarded else _plain
    for row in _with_header(columns, rows):
        # An empty line would be no row at all.
        line = ",".join([_quoted(shown(cell)) for cell in row]) or '""'
        yield f"{line}\n".encode()


def write_csv(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], stream: IO[bytes], *, for_excel: bool = False
) -> None:
    """Writes `csv_lines`, marked and guarded for Excel, and otherwise just as the cells are."""
    for line in csv_lines(columns, rows, mark=for_excel, guarded=for_excel):
        stream.write(line)


def write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[Cell]], stream: IO[bytes]) -> None:
    """Writes a workbook with a frozen header and a filter; text stays text, never a formula or a link.

    Days are real dates and times real times, in the zone they are given in: a spreadsheet has no offsets, and keeps
    milliseconds. Rows are written as they come; what does not fit on one worksheet continues on the next.
    """
    import xlsxwriter  # slow to load, and most commands write no workbook

    workbook = xlsxwriter.Workbook(stream, {"constant_memory": True})
    header = workbook.add_format({"bold": True})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    instant = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    waiting = iter(rows)
    held = next(waiting, None)
    while True:
        sheet = workbook.add_worksheet()
        sheet.freeze_panes(1, 0)
        for at, title in enumerate(columns):
            sheet.write_string(0, at, title, header)
            sheet.set_column(at, at, max(14, min(40, 2 * len(title))))
        number = 0
        while held is not None and number + 1 < XLSX_ROWS:
            number += 1
            for at, cell in enumerate(held):
                _write_cell(sheet, number, at, cell, day, instant)
            held = next(waiting, None)
        sheet.autofilter(0, 0, number, max(0, len(columns) - 1))
        if held is None:
            break
    workbook.close()


def sentence(error: CellError) -> str:
    """A bad cell as the command line prints it, in Chinese and in English: where it is, what was expected."""
    where = "cell.at" if error.column else "cell.at-row"
    return " / ".join(
        messages.text(
            where,
            language,
            row=error.row,
            column=error.column,
            problem=messages.text(f"cell.{error.code}", language, **error.params),
        )
        for language in messages.LANGUAGES
    )


def _refused(code: str, **params: Scalar) -> Problem:
    return Problem(problems.IMPORT_FILE, errors=[FieldError("", code, params)])


def _table(rows: Iterable[list[Cell]]) -> Table:
    header: list[str] = []
    header_row = 0
    kept: list[tuple[int, Sequence[Cell]]] = []
    for number, row in enumerate(rows, start=1):
        while row and _blank(row[-1]):
            row.pop()
        if not row:
            continue
        if not header_row:
            header, header_row = [_title(cell) for cell in row], number
        elif len(kept) == MAX_ROWS:
            raise _refused("file-too-many-rows", limit=MAX_ROWS)
        else:
            kept.append((number, row))
    if not header_row:
        raise _refused("file-empty")
    return Table(header, kept, header_row)


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def _title(cell: Cell) -> str:
    return str(cell).strip(" \t\r\n\u00a0\u3000\ufeff")


# CSV


def _csv_rows(data: bytes) -> Iterator[list[Cell]]:
    text = _decoded(data)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for row in reader:
            number += 1
            yield [_unguarded(cell) for cell in row]
    except csv.Error as error:
        raise _refused("file-quotes", row=number + 1) from error


def _decoded(data: bytes) -> str:
    """The text of a file in UTF-8, or else in GB18030; damaged UTF-8 is not taken for the other.

    GB18030 gives some character to almost any bytes, so a UTF-8 file with one broken byte would come in as
    nonsense. Chinese in UTF-8 is groups of three bytes, which Chinese in GB18030 hardly ever looks like.
    """
    if b"\0" in data:
        raise _refused("file-encoding")
    text = data.removeprefix(_BOM)
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
    broken = data.decode("utf-8", errors="replace")
    if data.startswith(_BOM) or len(re.findall(r"[\u0800-\ufffc]", broken)) > broken.count("\ufffd"):
        raise _refused("file-damaged-text", line=line)
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise _refused("file-encoding") from error


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA_STARTS) else cell


# XLSX, read


def _xlsx_rows(data: bytes, limit_bytes: int, zone: tzinfo | None) -> Iterator[list[Cell]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = _sheet_parts(archive, limit_bytes)
            workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
            for meta in workbook.sheets_metadata:
                if meta.visible is not SheetVisibleEnum.Visible:  # often the choices of a drop-down
                    continue
                xml = archive.read(parts[meta.name])
                _check_extent(xml)
                rows = workbook.get_sheet_by_name(meta.name).to_python(skip_empty_area=False)
                if rows:
                    return _typed(rows, _formula_errors(xml), zone)
    except _DAMAGED as error:
        raise _refused("file-damaged") from error
    raise _refused("file-empty")


def _sheet_parts(archive: zipfile.ZipFile, limit_bytes: int) -> dict[str, str]:
    """Each worksheet's part in the workbook, by the sheet's name.

    Every part is unpacked once to check its size and sum: the library would go on as long as there is something.
    """
    if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED * limit_bytes:
        raise _refused("file-too-large", limit_mb=limit_bytes // (1024 * 1024))
    if archive.testzip() is not None:
        raise _refused("file-damaged")
    if "xl/workbook.xml" not in archive.namelist():
        raise _refused("file-not-a-table")
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id", ""): link.get("Target", "") for link in relations}
    names: dict[str, str] = {}
    for sheet in ET.fromstring(archive.read("xl/workbook.xml")).iter():
        if sheet.tag.endswith("}sheet"):
            target = targets[sheet.get(_RELATION, "")]
            names[sheet.get("name", "")] = target[1:] if target.startswith("/") else f"xl/{target}"
    return names


def _check_extent(xml: bytes) -> None:
    """Refuses a worksheet with something written so far out that the cells up to it would fill the memory."""
    filled = _FILLED.findall(xml)
    oddly = _FILLED_ODDLY.findall(xml)
    placed = [at for at in map(_AT.search, oddly) if at is not None]
    filled += [(at[1].upper(), at[2]) for at in placed]
    columns = max(map(_column_at, {column for column, _ in filled}), default=0)
    rows = max((int(row) for _, row in filled), default=0)
    if unplaced := len(oddly) - len(placed):  # these follow the ones before them, in a row that may say where it is
        columns = min(columns + unplaced, _COLUMNS)
        rows = max(rows, *map(int, _ROW_AT.findall(xml) or [0]))
    if columns * rows > _MAX_CELLS:
        raise _refused("file-too-wide", columns=columns, rows=rows)


def _formula_errors(xml: bytes) -> dict[tuple[int, int], str]:
    """Where a formula failed, which the library shows as an empty cell: (row, column) from 0, and `#N/A`."""
    return {(int(row) - 1, _column_at(column) - 1): value.decode() for column, row, value in _FAILED.findall(xml)}


def _column_at(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _typed(rows: list[list[Any]], failed: dict[tuple[int, int], str], zone: tzinfo | None) -> Iterator[list[Cell]]:
    for (row, column), value in failed.items():
        rows[row][column] = value
    for cells in rows:
        yield [_typed_cell(cell, zone) for cell in cells]


def _typed_cell(cell: Any, zone: tzinfo | None) -> Cell:
    if zone is not None and isinstance(cell, date):
        # The library takes midnight for a day: to a spreadsheet they are the same number.
        clock = cell.time() if isinstance(cell, datetime) else time.min
        return datetime.combine(cell, clock, zone)
    return str(cell) if isinstance(cell, (time, timedelta)) else cell


# Writing


def _with_header(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    yield columns
    yield from rows


def _plain(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _shown_guarded(cell: Cell) -> str:
    text = _plain(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA_STARTS) else text


def _quoted(text: str) -> str:
    # The csv module leaves a lone CR bare when lines end in LF, and then cannot read it back.
    if any(c in text for c in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write_cell(sheet: Any, row: int, column: int, cell: Cell, day: Any, instant: Any) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, (int, float)):
        sheet.write_number(row, column, cell)
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell.replace(tzinfo=None), instant)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, day)
    else:
        sheet.write_string(row, column, _plain(cell)[:XLSX_TEXT])
