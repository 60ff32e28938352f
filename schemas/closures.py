"""Closed months, and what has become of them since."""

from schemas.base import Base, Choice, Code, Cursor, Day, Instant, Integer, Items, Matching, Part, Text
from schemas.exports import ExportQuery
from schemas.obligations import AFTER
from server.domain.engine import Reason, Status

MONTH = "20[0-9]{2}-(?:0[1-9]|1[0-2])"
_NUMBER = "[1-9][0-9]{0,9}"


class Month(Matching):
    """A calendar month, `YYYY-MM`."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(MONTH, "month", **kwargs)


class ClosureIn(Base):
    """Which month of which place, and all inside it, is closed."""

    place = Code(required=True)
    month = Month(required=True)


class ReopeningIn(Base):
    """Why a closed month is opened again."""

    reason = Text(1, 1000, lines=True, visible=True, required=True)


class ClosureOut(Base):
    """A closed month, with how many obligations it holds; reopened or in force."""

    id = Integer(1, 2**31)
    place = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    month = Month()
    by = Code()
    by_name = Text(0, 100)
    at = Instant()
    rows = Integer(0, 10**9)
    reopened_by = Code(allow_none=True)
    reopened_by_name = Text(0, 100, allow_none=True)
    reopened_at = Instant(allow_none=True)
    reason = Text(0, 1000, lines=True)


class ClosuresQuery(ExportQuery):
    """Which closures: of a month, of a place and all inside it."""

    cursor = Cursor(_NUMBER)
    month = Month()
    place = Code()


class ClosuresOut(Base):
    """A page of closures, latest first."""

    items = Items(Part(ClosureOut))
    next = Cursor(_NUMBER, allow_none=True)


class PrintedOut(Base):
    """What is said of an obligation."""

    opens_on = Day()
    due_on = Day()
    status = Choice(Status)
    reason = Choice(Reason)


class DifferenceOut(Base):
    """An obligation as the closure prints it, and as the engine says now; null where there is none."""

    duty = Code()
    person = Code()
    person_name = Text(0, 100)
    place = Code()
    place_name = Text(0, 100)
    window = Text(0, 8)
    printed = Part(PrintedOut, allow_none=True)
    now = Part(PrintedOut, allow_none=True)


class DifferencesQuery(ExportQuery):
    """A page of differences."""

    cursor = Cursor(*AFTER)


class DifferencesOut(Base):
    """A page of differences, in order of duty, person, place and window."""

    items = Items(Part(DifferenceOut))
    next = Cursor(*AFTER, allow_none=True)
