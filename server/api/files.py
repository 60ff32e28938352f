"""Lists as files: any list answers `format=csv` or `xlsx`, and `geojson` where its rows have positions.

Rows flow one by one from wherever they come into a temporary file, and from there to whoever asked, so that a long list
costs no more memory than a short one, and a slow reader holds neither the database nor anybody else's turn.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final, Generic, TypeVar, cast
from urllib.parse import quote

from flask import Response, current_app, request

from server.adapters import messages, sheets
from server.adapters.messages import LANGUAGES, Language
from server.api.bridge import settings
from server.api.errors import language
from server.api.responses import json_bytes
from server.domain import imports, problems, words
from server.domain.cells import Cell
from server.domain.problems import Problem

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON: Final = "application/geo+json"
ASIDE: Final = "daocun.aside"  # in a request's environment: how to let others work meanwhile
WRITING: Final = 2  # files written at a time in one worker
KEPT: Final = 8  # files that wait for their readers in one worker
_PATIENCE_S: Final = 60
_IN_MEMORY: Final = 1024 * 1024  # a file up to this size never touches the disk
_PIECE: Final = 256 * 1024

Row = TypeVar("Row")
Point = tuple[float, float]  # WGS-84 latitude and longitude in degrees

Words = Mapping[str, words.Vocabulary]  # by column

_IN_FILES: Final[Mapping[imports.Kind, Words]] = {
    "places": {"level": words.LEVELS},
    "people": {},
    "postings": {"role": words.ROLES, "office_weekday": words.WEEKDAYS},
    "leave": {"kind": words.LEAVE_KINDS},
    "days": {"kind": words.MARKS},
}
_writing: Final = threading.BoundedSemaphore(WRITING)
_kept: Final = threading.BoundedSemaphore(KEPT)


def table(
    form: str,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    titles: Mapping[str, str] | None = None,
    vocabularies: Words | None = None,
    guarded: bool = True,
) -> Response:
    """A table as a `csv` or `xlsx` file called by the catalogues' `export.<name>`; its rows may be read one by one.

    A workbook's columns are named by `titles`, or else by the catalogues' `column.<column>`; a Chinese one has the
    words of the `vocabularies` for values. Unguarded, a CSV file keeps text as it is, for columns that hold nothing
    but codes. Raises Problem EXPORT_TOO_LARGE, UNAVAILABLE.
    """
    if vocabularies and form == "xlsx" and asked_language() == "zh":
        rows = _in_words(columns, rows, vocabularies)
    counted = _Counted(rows)
    if form == "xlsx":
        titled = [_title(column, titles) for column in columns]
        return _file(XLSX, name, form, lambda stream: sheets.write_xlsx(titled, counted, stream), counted)
    for_excel = request.args.get("for_excel") == "1"
    lines = sheets.csv_lines(columns, counted, mark=for_excel, guarded=guarded or for_excel)
    return _file(f"{CSV}; charset=utf-8", name, form, lambda stream: stream.writelines(lines), counted)


def for_import(form: str, kind: imports.Kind, rows: Iterable[Mapping[str, Cell]]) -> Response:
    """A table with the columns that an import of this kind takes; a Chinese workbook also has its words for values."""
    columns = imports.columns(kind)
    chinese = form == "xlsx" and asked_language() == "zh"
    titles = dict(zip(columns, imports.chinese_columns(kind) if chinese else columns, strict=True))
    cells = ([row[name] for name in columns] for row in rows)
    return table(form, kind, columns, cells, titles=titles, vocabularies=_IN_FILES[kind])


def _in_words(columns: Sequence[str], rows: Iterable[Sequence[Cell]], vocabularies: Words) -> Iterator[Sequence[Cell]]:
    worded = [(at, vocabularies[column]) for at, column in enumerate(columns) if column in vocabularies]
    for row in rows:
        cells = list(row)
        for at, vocabulary in worded:
            if cells[at] is not None and cells[at] != "":
                cells[at] = words.in_chinese(vocabulary, str(cells[at]))
        yield cells


def points(name: str, rows: Iterable[tuple[Point | None, dict[str, Any]]]) -> Response:
    """Positions (none: unknown) with their properties, as a GeoJSON file; raises Problem as `table`."""
    return shapes(name, ((_at(point), properties) for point, properties in rows))


def shapes(name: str, rows: Iterable[tuple[dict[str, Any] | None, dict[str, Any]]]) -> Response:
    """As `points`, for GeoJSON geometries."""
    counted = _Counted(rows)
    return _file(GEOJSON, name, "geojson", lambda stream: stream.writelines(_features(counted)), counted)


class _Counted(Generic[Row]):
    """Rows, and how many of them have gone by."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _at(point: Point | None) -> dict[str, Any] | None:
    return None if point is None else {"type": "Point", "coordinates": [point[1], point[0]]}


def _features(rows: Iterable[tuple[dict[str, Any] | None, dict[str, Any]]]) -> Iterator[bytes]:
    between = b'{"type":"FeatureCollection","features":[\n'
    for geometry, properties in rows:
        feature = {"type": "Feature", "geometry": geometry, "properties": properties}
        yield between + json_bytes(feature)
        between = b","
    yield (between if between != b"," else b"") + b"]}\n"


def _title(column: str, titles: Mapping[str, str] | None) -> str:
    if titles is not None and column in titles:
        return titles[column]
    key = f"column.{column}"
    return messages.text(key, asked_language()) if messages.has(key) else column


def asked_language() -> Language:
    """The language asked for by the query's `language`, or else by `Accept-Language`."""
    asked = request.args.get("language")
    return asked if asked in LANGUAGES else language()


def _file(
    media_type: str, name: str, form: str, write: Callable[[IO[bytes]], object], counted: _Counted[Any]
) -> Response:
    kept = _spooled(write)
    exported = current_app.extensions.get("daocun.exported")
    if exported is not None:
        exported(name, counted.count)
    response = Response(kept, content_type=media_type, direct_passthrough=True)
    response.content_length = kept.size
    response.headers["Content-Disposition"] = disposition(name, form)
    response.headers["Cache-Control"] = "no-store"
    return response


def disposition(name: str, ending: str) -> str:
    """A file's name for every program, and in Chinese for those that know RFC 6266."""
    plain = f'attachment; filename="{name}.{ending}"'
    key = f"export.{name}"
    if not messages.has(key):
        return plain
    return f"{plain}; filename*=UTF-8''{quote(messages.text(key, asked_language()), safe='')}.{ending}"


class _Kept:
    """A file that is handed out piece by piece, and gone when it is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self.size = file.tell()
        self._file = file
        file.seek(0)
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._file.read(_PIECE) if self._open else b""
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        """Lets go of the file; may be said twice."""
        if self._open:
            self._open = False
            self._file.close()
            _kept.release()

    def __del__(self) -> None:
        self.close()


class _Limited:
    """A file that does not grow beyond what the disk is to be asked for."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._most = most
        self._full = False
        self.seek, self.tell, self.read, self.flush = file.seek, file.tell, file.read, file.flush

    def write(self, data: bytes) -> int:
        # A workbook's archive would not survive an error in the middle; `check` says it when it is done.
        self._full = self._full or self._file.tell() + len(data) > self._most
        return len(data) if self._full else self._file.write(data)

    def writelines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.write(line)
            self.check()

    def seekable(self) -> bool:
        return True

    def check(self) -> None:
        """Raises Problem EXPORT_TOO_LARGE if something did not fit."""
        if self._full:
            raise Problem(problems.EXPORT_TOO_LARGE, params={"limit_mb": self._most // (1024 * 1024)})


def _spooled(write: Callable[[IO[bytes]], object]) -> _Kept:
    """What `write` writes, in a file; nobody else's request waits meanwhile."""
    aside = request.environ.get(ASIDE, contextlib.nullcontext)
    with aside():
        _take(_kept)
        file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  (closed by its reader)
        try:
            _take(_writing)
            try:
                limited = _Limited(file, settings().export_max_bytes)
                write(cast(IO[bytes], limited))
                limited.check()
            finally:
                _writing.release()
            file.seek(0, 2)
            return _Kept(file)
        except BaseException:
            file.close()
            _kept.release()
            raise


def _take(places: threading.BoundedSemaphore) -> None:
    if not places.acquire(timeout=_PATIENCE_S):
        raise Problem(problems.UNAVAILABLE, retry_after=_PATIENCE_S)
