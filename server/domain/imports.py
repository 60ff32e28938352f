"""The six kinds of files a county imports: their columns, and rows of cells made into values.

A table goes in; typed rows come out, or every bad cell at once. What only the register knows (a place that
does not exist, postings that overlap) is for the service to find; it lists the same CellErrors.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar, overload

from server.domain import cells, problems, words
from server.domain.calendar import DayKind
from server.domain.cells import BadCell, Cell, Reader
from server.domain.checks import VisitStatus
from server.domain.duties import Activity
from server.domain.places import EVERYWHERE, Level
from server.domain.postings import LeaveKind, Role
from server.domain.problems import Problem, Scalar

Kind = Literal["places", "people", "postings", "leave", "days", "visits"]

MAX_RADIUS_M = 100_000
MAX_ACCURACY_M = 1_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """A file's first table: its header, and its rows that are not blank.

    Each row has its number as a person sees it in a spreadsheet, counted from 1 with the header's row.
    """

    header: Sequence[str]
    rows: Sequence[tuple[int, Sequence[Cell]]]
    header_row: int = 1


@dataclass(frozen=True, slots=True)
class CellError:
    """One bad cell: its row, its column's title in that file ("": the whole row), and why (`cell.<code>`)."""

    row: int
    column: str
    code: str
    params: Mapping[str, Scalar] = field(default_factory=dict)


class ImportRefused(Problem):
    """A file with bad cells, all of them, in the order of the rows; nothing of it is stored."""

    def __init__(self, found: Iterable[CellError]) -> None:
        self.cells = tuple(sorted(found, key=lambda error: error.row))
        super().__init__(problems.IMPORT_REFUSED, params={"count": len(self.cells)})


@dataclass(frozen=True, slots=True)
class PlaceRow:
    row: int
    code: str
    name: str
    level: Level
    parent: str | None
    latitude: float | None  # degrees, in the datum of the whole file
    longitude: float | None
    radius_m: float | None
    central_village: str | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    row: int
    code: str
    name: str
    phone: str | None  # digits only
    unit: str


@dataclass(frozen=True, slots=True)
class PostingRow:
    row: int
    person: str
    role: Role
    place: str
    start: date
    end: date | None
    office_weekday: int | None


@dataclass(frozen=True, slots=True)
class LeaveRow:
    row: int
    person: str
    start: date
    end: date
    kind: LeaveKind
    note: str


@dataclass(frozen=True, slots=True)
class DayRow:
    row: int
    day: date
    kind: str  # a DayKind, or NO_MARK
    place: str  # may be EVERYWHERE


@dataclass(frozen=True, slots=True)
class VisitRow:
    row: int
    id: str
    person: str
    place: str
    activity: Activity
    captured_at: datetime  # UTC
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    status: VisitStatus  # confirmed, review or rejected


R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[R]):
    """The rows of a file, in its order, each thing once."""

    rows: list[R]
    titles: Mapping[str, str]  # of each column, as the file writes it
    errors: Sequence[CellError] = ()  # of the rows that could not be read
    unread: frozenset[str] = frozenset()  # the codes those rows would have given to things

    def error(self, row: int, column: str, code: str, /, **params: Scalar) -> CellError:
        """A CellError for something that only the register can tell, naming the column as the file does."""
        return CellError(row, self.titles.get(column, column), code, params)


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    chinese: str
    read: Reader
    empty: Any = None  # the value of an empty cell


class _Required:
    """Stands where an empty cell is refused."""


_NEEDED = _Required()
_Values = Mapping[str, Any]  # of the columns that could be read
_Finding = tuple[str, str, Mapping[str, Scalar]]  # column, code, params


@dataclass(frozen=True, slots=True)
class _Register:
    columns: tuple[_Column, ...]  # in the order of the row's fields
    build: Callable[..., Any]
    keys: Callable[[_Values], tuple[Hashable, ...]]  # a row must not differ from another under any of them
    check: Callable[[_Values], Iterator[_Finding]] = lambda _: iter(())


@overload
def parse(kind: Literal["places"], table: Table) -> Parsed[PlaceRow]: ...
@overload
def parse(kind: Literal["people"], table: Table) -> Parsed[PersonRow]: ...
@overload
def parse(kind: Literal["postings"], table: Table) -> Parsed[PostingRow]: ...
@overload
def parse(kind: Literal["leave"], table: Table) -> Parsed[LeaveRow]: ...
@overload
def parse(kind: Literal["days"], table: Table) -> Parsed[DayRow]: ...
@overload
def parse(kind: Literal["visits"], table: Table) -> Parsed[VisitRow]: ...
@overload
def parse(kind: Kind, table: Table) -> Parsed[Any]: ...
def parse(kind: Kind, table: Table) -> Parsed[Any]:
    """Makes a table's rows into values of the kind, as `read` does.

    Raises ImportRefused with the wrong columns or, when these are right, with every bad cell
    (contract.md, Files to import).
    """
    parsed = read(kind, table)
    if parsed.errors:
        raise ImportRefused(parsed.errors)
    return parsed


def read(kind: Kind, table: Table) -> Parsed[Any]:
    """Makes those of a table's rows into values that can be, and says what is wrong with the others.

    Rows that are the same are taken once. Raises ImportRefused with the wrong columns.
    """
    register = _REGISTERS[kind]
    positions = _positions(register.columns, table)
    titles = {name: table.header[at] for name, at in positions.items()}
    layout = [(column, positions[column.name]) for column in register.columns]
    width = len(table.header)
    errors: list[CellError] = []
    rows: list[Any] = []
    unread: set[str] = set()
    seen: dict[Hashable, tuple[int, _Values]] = {}
    for number, row in table.rows:
        values: dict[str, Any] = {}
        found: list[_Finding] = []
        for column, at in layout:
            try:
                cell = cells.trimmed(row[at]) if at < len(row) else None
                if cell is None and column.empty is _NEEDED:
                    raise BadCell("required")
                values[column.name] = column.empty if cell is None else column.read(cell)
            except BadCell as bad:
                found.append((column.name, bad.code, bad.params))
        found += register.check(values)
        if len(row) > width:
            found.append((_unnamed(width), "extra-cell", {}))
        if found:
            found.sort(key=lambda finding: positions.get(finding[0], width))
            errors += [CellError(number, titles.get(name, name), code, params) for name, code, params in found]
            unread.add(values.get("code", ""))
            continue
        earlier = [seen.setdefault(key, (number, values)) for key in register.keys(values)]
        clash = next((first for first, others in earlier if others != values), None)
        if clash is not None:
            errors.append(CellError(number, titles[register.columns[0].name], "duplicate", {"first": clash}))
        elif earlier[0][0] == number:
            rows.append(register.build(number, *values.values()))
    return Parsed(rows, titles, errors, frozenset(unread))


def columns(kind: Kind) -> tuple[str, ...]:
    """The header of a kind, in the order of the contract."""
    return tuple(column.name for column in _REGISTERS[kind].columns)


def chinese_columns(kind: Kind) -> tuple[str, ...]:
    """The same header in Chinese, as our exports write it and imports take it back."""
    return tuple(column.chinese for column in _REGISTERS[kind].columns)


def _positions(wanted: tuple[_Column, ...], table: Table) -> dict[str, int]:
    names = {column.name: column.name for column in wanted}
    names |= {words.same_form(column.chinese): column.name for column in wanted}
    positions: dict[str, int] = {}
    errors: list[CellError] = []
    for at, title in enumerate(table.header):
        name = names.get(words.same_form(title))
        if not title:
            errors.append(CellError(table.header_row, _unnamed(at), "column-unnamed"))
        elif name is None:
            expected = ", ".join(column.name for column in wanted)
            errors.append(CellError(table.header_row, cells.shown(title), "column-unknown", {"columns": expected}))
        elif name in positions:
            errors.append(CellError(table.header_row, title, "column-twice"))
        else:
            positions[name] = at
    for column in wanted:
        if column.name not in positions:
            params = {"chinese": column.chinese}
            errors.append(CellError(table.header_row, column.name, "column-missing", params))
    if errors:
        raise ImportRefused(errors)
    return positions


def _unnamed(at: int) -> str:
    return f"#{at + 1}"


def _both_or_neither(values: _Values) -> Iterator[_Finding]:
    if "latitude" in values and "longitude" in values:
        for column, other in (("latitude", "longitude"), ("longitude", "latitude")):
            if values[column] is None and values[other] is not None:
                yield column, "both-or-neither", {"other": other}


def _in_order(values: _Values) -> Iterator[_Finding]:
    start, end = values.get("start"), values.get("end")
    if start and end and end < start:
        yield "end", "end-before-start", {"start": start.isoformat()}


def _check_posting(values: _Values) -> Iterator[_Finding]:
    yield from _in_order(values)
    role = values.get("role", Role.DISTRICT_SECRETARY)
    if values.get("office_weekday") is not None and role is not Role.DISTRICT_SECRETARY:
        yield "office_weekday", "weekday-not-owed", {}


def _day_keys(values: _Values) -> tuple[Hashable, ...]:
    # A closure stands beside an off or work mark; `none` takes both away, so it agrees with neither.
    closure, mark = ((values["date"], values["place"], closes) for closes in (True, False))
    return {DayKind.CLOSED: (closure,), words.NO_MARK: (closure, mark)}.get(values["kind"], (mark,))


def _key(*names: str) -> Callable[[_Values], tuple[Hashable, ...]]:
    return lambda values: (tuple(values[name] for name in names),)


_CODE = _Column("code", "代码", cells.code, _NEEDED)
_PERSON = _Column("person", "人员", cells.code, _NEEDED)
_PLACE = _Column("place", "地点", cells.code, _NEEDED)
_LATITUDE = _Column("latitude", "纬度", cells.number(-90, 90))
_LONGITUDE = _Column("longitude", "经度", cells.number(-180, 180))
_START = _Column("start", "开始日期", cells.day, _NEEDED)


_REGISTERS: Mapping[str, _Register] = {
    "places": _Register(
        columns=(
            _CODE,
            _Column("name", "名称", cells.name, _NEEDED),
            _Column("level", "级别", cells.word(words.LEVELS), _NEEDED),
            _Column("parent", "上级", cells.code),
            _LATITUDE,
            _LONGITUDE,
            _Column("radius_m", "半径（米）", cells.number(0, MAX_RADIUS_M, open_below=True)),
            _Column("central_village", "中心村", cells.code),
        ),
        build=PlaceRow,
        keys=_key("code"),
        check=_both_or_neither,
    ),
    "people": _Register(
        columns=(
            _CODE,
            _Column("name", "姓名", cells.name, _NEEDED),
            _Column("phone", "电话", cells.phone),
            _Column("unit", "单位", cells.name, ""),
        ),
        build=PersonRow,
        keys=_key("code"),
    ),
    "postings": _Register(
        columns=(
            _PERSON,
            _Column("role", "职务", cells.word(words.ROLES), _NEEDED),
            _PLACE,
            _START,
            _Column("end", "结束日期", cells.day),
            _Column("office_weekday", "坐班日", cells.weekday(words.WEEKDAYS)),
        ),
        build=PostingRow,
        keys=_key("person", "role", "place", "start"),
        check=_check_posting,
    ),
    "leave": _Register(
        columns=(
            _PERSON,
            _START,
            _Column("end", "结束日期", cells.day, _NEEDED),
            _Column("kind", "类别", cells.word(words.LEAVE_KINDS), _NEEDED),
            _Column("note", "备注", cells.note, ""),
        ),
        build=LeaveRow,
        keys=_key("person", "start", "end", "kind"),
        check=_in_order,
    ),
    "days": _Register(
        columns=(
            _Column("date", "日期", cells.day, _NEEDED),
            _Column("kind", "类别", cells.word(words.MARKS), _NEEDED),
            _Column("place", "地点", cells.code, EVERYWHERE),
        ),
        build=DayRow,
        keys=_day_keys,
    ),
    "visits": _Register(
        columns=(
            _Column("id", "编号", cells.uuid, _NEEDED),
            _PERSON,
            _PLACE,
            _Column("activity", "活动", cells.word(words.ACTIVITIES), _NEEDED),
            _Column("captured_at", "签到时间", cells.instant, _NEEDED),
            _LATITUDE,
            _LONGITUDE,
            _Column("accuracy_m", "精度（米）", cells.number(0, MAX_ACCURACY_M)),
            _Column("status", "状态", cells.word(words.IMPORTED_STATUSES), _NEEDED),
        ),
        build=VisitRow,
        keys=_key("id"),
        check=_both_or_neither,
    ),
}
