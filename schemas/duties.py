"""Duties: the rules as data."""

from __future__ import annotations

from schemas.base import CODE, DAY, Base, Choice, Code, Cursor, Day, Flag, Integer, Items, Part
from schemas.changes import ChangedOut
from schemas.exports import ExportQuery
from server.domain.duties import Activity, DayOff, Fixed, Target
from server.domain.postings import Role

_BEGINNING = "beginning"


class DutyIn(Base):
    """A version of a duty, from the first week or month that begins on or after `since`."""

    code = Code(required=True)
    role = Choice(Role, required=True)
    activities = Items(Choice(Activity), 0, 4, required=True, unique=True)
    target = Choice(Target, required=True)
    every = Choice(("week", "month"), required=True)
    fixed = Choice(Fixed)
    number = Integer(1, 31, allow_none=True)
    day_off = Choice(DayOff)
    times = Integer(1, 31)
    min_photos = Integer(0, 20)
    since = Day(required=True)


class DutyOut(Base):
    """A version of a duty; no `since`: from the beginning; not `active`: it has ended."""

    code = Code()
    role = Choice(Role)
    activities = Items(Choice(Activity))
    target = Choice(Target)
    every = Choice(("week", "month"))
    fixed = Choice(Fixed)
    number = Integer(1, 31, allow_none=True)
    day_off = Choice(DayOff)
    times = Integer(1, 31)
    min_photos = Integer(0, 20)
    since = Day(allow_none=True)
    active = Flag()


class DutiesQuery(ExportQuery):
    """Every version of every duty, or of one."""

    cursor = Cursor(CODE, f"{DAY}|{_BEGINNING}")
    code = Code()


class DutiesOut(Base):
    """A page of versions, in order of code and day."""

    items = Items(Part(DutyOut))
    next = Cursor(CODE, f"{DAY}|{_BEGINNING}", allow_none=True)


class DutyEndIn(Base):
    """The day from which on it is owed no more: in no week or month that begins on it or later."""

    # `from` is a word of Python's own
    from_ = Day(data_key="from", attribute="from", required=True)


class ChangedDutyOut(ChangedOut):
    """The version as it is stored."""

    result = Part(DutyOut, allow_none=True)
