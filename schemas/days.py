"""Days off, worked and closed, and fixed days that fall on another day."""

from __future__ import annotations

from schemas.base import CODE, DAY, Base, Choice, Code, Cursor, Day, Instant, Items, Part, Text
from schemas.changes import ChangedOut
from schemas.exports import ExportQuery
from schemas.obligations import WINDOW
from server.domain.calendar import DayKind
from server.domain.words import NO_MARK


class DayMarkIn(Base):
    """A day's mark at a place and all inside it, or everywhere; `none` takes that day's marks away there."""

    date = Day(required=True)
    kind = Choice((*DayKind, NO_MARK), required=True)
    place = Code(allow_none=True)


class DayMarkOut(Base):
    """A day's mark; no `place`: everywhere."""

    date = Day(attribute="day")
    kind = Choice(DayKind)
    place = Code(allow_none=True)


class DaysQuery(ExportQuery):
    """Marks of some local days, at just this place, of this kind."""

    cursor = Cursor(DAY, "[A-Za-z0-9._-]{0,32}", "[a-z]{1,8}")
    from_ = Day(data_key="from")
    to = Day()
    place = Code()
    kind = Choice(DayKind)


class DaysOut(Base):
    """A page of marks that hold somewhere in one's area, in order of day."""

    items = Items(Part(DayMarkOut))
    next = Cursor(DAY, "[A-Za-z0-9._-]{0,32}", "[a-z]{1,8}", allow_none=True)


class ChangedDayOut(ChangedOut):
    """The marks that stand there then."""

    result = Items(Part(DayMarkOut), allow_none=True)


class DayMoveIn(Base):
    """On which day of the window the duty's fixed day falls at the place and everywhere inside, and why."""

    duty = Code(required=True)
    window = Text(1, 8, required=True)
    place = Code(required=True)
    day = Day(required=True)
    reason = Text(1, 1000, lines=True, visible=True, required=True)


class DayMoveOut(Base):
    """A fixed day that falls on another day."""

    duty = Code()
    window = Text(0, 8)
    place = Code()
    day = Day()
    reason = Text(0, 1000, lines=True)
    by = Code()
    at = Instant()


class DayMovesQuery(ExportQuery):
    """Moves to some local days, at just this place."""

    cursor = Cursor(DAY, CODE, WINDOW, CODE)
    from_ = Day(data_key="from")
    to = Day()
    place = Code()


class DayMovesOut(Base):
    """A page of moved days that hold somewhere in one's area, in order of day."""

    items = Items(Part(DayMoveOut))
    next = Cursor(DAY, CODE, WINDOW, CODE, allow_none=True)


class ChangedDayMoveOut(ChangedOut):
    """The moved day; none once it was taken back."""

    result = Part(DayMoveOut, allow_none=True)
