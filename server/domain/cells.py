"""Reading one cell of a file that people made: text, or what a spreadsheet turned it into.

Each reader takes a cell that is not empty and answers its value, or raises BadCell saying what was expected.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from server.domain.problems import Scalar
from server.domain.words import Vocabulary, readings, same_form

Cell = str | int | float | bool | date | datetime | None
Reader = Callable[[Cell], Any]

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2999, 12, 31)  # a later one is a way to write "no end", and cannot be counted on from
ECHO = 40  # characters of a cell that a message may repeat

# What people cannot see at the ends of a cell: also the full-width space, and marks left by other programs.
_BLANKS = " \t\r\n\v\f\u00a0\u2002\u2003\u2009\u200b\u202f\u3000\ufeff"
_ERRORS = {"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
_EXACT = 10**15  # a spreadsheet keeps 15 digits; any after them have become zeros

_CODE = re.compile(r"[A-Za-z0-9._-]{1,32}")
_ROUNDED = re.compile(r"[0-9]+(\.[0-9]+)?[eE]\+[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_DAY = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|\.([0-9]{1,2})\.([0-9]{1,2})"
    r"|年([0-9]{1,2})月([0-9]{1,2})日)(?:[ T]0?0:00(?::00)?)?"
)
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"([Zz]|([+-])([0-9]{2}):([0-9]{2}))?"
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_TEXT = r"\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"  # as schemas/base.py has it
_CONTROL = re.compile(rf"[\x00-\x1f{_NO_TEXT}]")
_CONTROL_IN_NOTE = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f{_NO_TEXT}]")
_PHONE = re.compile(r"[0-9+ -]{3,20}")


class BadCell(Exception):
    """A cell that does not fit; `code` is a message key under `cell.`, `params` fill its placeholders."""

    def __init__(self, code: str, **params: Scalar) -> None:
        super().__init__(code)
        self.code = code
        self.params: Mapping[str, Scalar] = params


def trimmed(cell: Cell) -> Cell:
    """The cell without blanks around its text, None when nothing is left; BadCell for a failed formula."""
    if isinstance(cell, str):
        cell = cell.strip(_BLANKS)
        if not cell:
            return None
        if cell in _ERRORS:
            raise BadCell("formula-error", value=cell)
    return cell


def shown(cell: Cell) -> str:
    """A cell as a message may repeat it: short, and on one line."""
    text = _CONTROL.sub("\ufffd", as_text(cell))
    return text if len(text) <= ECHO else text[: ECHO - 1] + "…"


def as_text(cell: Cell) -> str:
    """A cell as text; a whole number has no decimals."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    return "" if cell is None else str(cell)


def code(cell: Cell) -> str:
    """A code of 1 to 32 of letters, digits, `-`, `_`, `.`; a whole number is taken as its digits."""
    text = _digits_kept(cell)
    if isinstance(cell, (bool, date)) or not _CODE.fullmatch(text):
        raise BadCell("expected-code", value=shown(cell))
    return text


def name(cell: Cell) -> str:
    """One line of 1 to 100 characters."""
    text = as_text(cell)
    if isinstance(cell, (bool, date)) or len(text) > 100 or _CONTROL.search(text):
        raise BadCell("expected-name", limit=100, value=shown(cell))
    return text


def note(cell: Cell) -> str:
    """At most 1,000 characters, which may run over several lines."""
    text = as_text(cell).replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > 1000 or _CONTROL_IN_NOTE.search(text):
        raise BadCell("expected-note", limit=1000, value=shown(cell))
    return text


def phone(cell: Cell) -> str:
    """The digits of a telephone number, in the form of `phone_digits`."""
    digits = None if isinstance(cell, (bool, date)) else phone_digits(_digits_kept(cell))
    if digits is None:
        raise BadCell("expected-phone", value=shown(cell))
    return digits


def phone_digits(text: str) -> str | None:
    """The digits of a number written with 3 to 20 digits, `+`, `-` and spaces; None if it is not one.

    China's own prefix before a mobile number is left out, so that both ways to write it are the same number.
    """
    if not _PHONE.fullmatch(text):
        return None
    digits = "".join(c for c in text if c.isdigit())
    for prefix in ("0086", "86"):
        if digits.startswith(prefix + "1") and len(digits) == len(prefix) + 11:
            return digits[len(prefix) :]
    return digits if len(digits) >= 3 else None


def number(least: float, most: float, open_below: bool = False) -> Reader:
    """A reader of finite numbers from `least` to `most`; with `open_below`, `least` itself is too small."""

    def read(cell: Cell) -> float:
        text = as_text(cell)
        if isinstance(cell, (bool, date)) or not _NUMBER.fullmatch(text):
            raise BadCell("expected-number", value=shown(cell))
        found = float(text)
        if not math.isfinite(found) or not least <= found <= most or (open_below and found == least):
            code = "range-above" if open_below else "range"
            raise BadCell(code, min=f"{least:.15g}", max=f"{most:.15g}", value=shown(cell))
        return found + 0.0  # no negative zero

    return read


def word(vocabulary: Vocabulary) -> Reader:
    """A reader of one of the vocabulary's words, English or Chinese, answering its value."""
    taken = readings(vocabulary)
    choices = ", ".join(f"{value} {chinese[0]}" for value, chinese in vocabulary.items())

    def read(cell: Cell) -> str:
        found = taken.get(same_form(as_text(cell)))
        if found is None or isinstance(cell, bool):
            raise BadCell("expected-choice", choices=choices, value=shown(cell))
        return found

    return read


def weekday(vocabulary: Vocabulary) -> Reader:
    """A reader of a weekday as its number, Monday being 1; some programs write `3.0` beside empty cells."""
    read_word = word(vocabulary)

    def read(cell: Cell) -> int:
        if isinstance(cell, str) and cell.endswith(".0"):
            return int(read_word(cell[:-2]))
        return int(read_word(cell))

    return read


def day(cell: Cell) -> date:
    """A day: a real date, or `2018-11-03`, `2018/11/3`, `2018.11.3`, `2018年11月3日`; a time is midnight."""
    found = None
    if isinstance(cell, datetime):
        found = cell.date() if cell.time() == time.min else None
    elif isinstance(cell, date):
        found = cell
    elif isinstance(cell, str) and (match := _DAY.fullmatch(cell)):
        try:
            found = date(*(int(part) for part in match.groups() if part is not None))
        except ValueError:
            raise BadCell("no-such-day", value=shown(cell)) from None
    if found is None:
        raise BadCell("expected-day", value=shown(cell))
    if not FIRST_DAY <= found <= LAST_DAY:
        raise BadCell("day-range", min=FIRST_DAY.isoformat(), max=LAST_DAY.isoformat(), value=shown(cell))
    return found


def instant(cell: Cell) -> datetime:
    """An RFC 3339 time, or a spreadsheet's own once it has a zone, answered in UTC."""
    if isinstance(cell, datetime):
        if cell.tzinfo is None:
            raise BadCell("expected-offset", value=shown(cell))
        return _in_utc(cell, cell)
    match = _INSTANT.fullmatch(cell) if isinstance(cell, str) else None
    if match is None:
        raise BadCell("expected-instant", value=shown(cell))
    year, month, day_, hour, minute, second, fraction, zone, sign, ahead, minutes = match.groups()
    if zone is None:
        raise BadCell("expected-offset", value=shown(cell))
    try:
        offset = timedelta()
        if sign:
            if int(minutes) > 59:
                raise ValueError(minutes)
            offset = timedelta(hours=int(ahead), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        found = datetime(
            int(year), int(month), int(day_), int(hour), int(minute), int(second),
            int((fraction or "0")[:6].ljust(6, "0")), tzinfo=timezone(offset),
        )  # fmt: skip
    except ValueError:
        raise BadCell("expected-instant", value=shown(cell)) from None
    return _in_utc(found, cell)


def _in_utc(found: datetime, cell: Cell) -> datetime:
    if not FIRST_DAY <= found.date() <= LAST_DAY:
        raise BadCell("day-range", min=FIRST_DAY.isoformat(), max=LAST_DAY.isoformat(), value=shown(cell))
    return found.astimezone(UTC)


def uuid(cell: Cell) -> str:
    """A UUID in its canonical form, in lower case."""
    text = cell.lower() if isinstance(cell, str) else ""
    if not _UUID.fullmatch(text):
        raise BadCell("expected-uuid", value=shown(cell))
    return text


def _digits_kept(cell: Cell) -> str:
    """The cell as text; a number whose digits a spreadsheet has dropped is refused, as `1.10` becomes 1.1."""
    text = as_text(cell)
    dropped = isinstance(cell, (int, float)) and not (abs(cell) < _EXACT and cell == int(cell))
    if dropped or _ROUNDED.fullmatch(text):
        raise BadCell("lost-digits", value=shown(cell))
    return text
