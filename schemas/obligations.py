"""Obligations as they are listed, and what a list is asked with."""

from schemas.base import (
    CODE,
    Base,
    Choice,
    Code,
    Cursor,
    Day,
    Instant,
    Integer,
    Items,
    Part,
    Text,
    UuidText,
)
from schemas.exports import ExportQuery
from server.domain.engine import Reason, Status

WINDOW = "2[0-9]{3}-(?:W[0-9]{2}|[0-9]{2})"
AFTER = (CODE, CODE, CODE, WINDOW, "[0-9]{1,4}")


class SaidOut(Base):
    """What the person says of it."""

    text = Text(0, 2000)
    at = Instant()


class ExcuseOut(Base):
    """By whom it is excused, and why."""

    id = Integer(1, 2**63 - 1)
    reason = Text(0, 1000)
    by = Code()
    at = Instant()


class ObligationOut(Base):
    """One duty that one person owes at one place in one week or month; both days are local and included."""

    duty = Code()
    person = Code()
    person_name = Text(0, 100)
    place = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    window = Text(0, 8)
    opens_on = Day()
    due_on = Day()
    status = Choice(Status)
    reason = Choice(Reason)
    needed = Integer(0, 31)
    done = Integer(0, 31)
    visits = Items(UuidText(), most=1000)
    awaited = Items(UuidText(), most=1000)
    explanation = Part(SaidOut, allow_none=True)
    excuse = Part(ExcuseOut, allow_none=True)


class ToDoOut(ObligationOut):
    """An obligation with the number of days still to do, and when its time and its time of grace end."""

    remaining = Integer(0, 31)
    until = Instant()
    grace_until = Instant()


class ObligationsQuery(ExportQuery):
    """Obligations whose last day lies in a span of local days, this month by default; 400 days at most."""

    cursor = Cursor(*AFTER)
    # `from` is a word of Python's own
    from_ = Day(data_key="from")
    to = Day()
    place = Code()
    person = Code()
    duty = Code()
    status = Choice(Status)


class ObligationsOut(Base):
    """A page of obligations, in order of duty, person, place and window."""

    items = Items(Part(ObligationOut))
    next = Cursor(*AFTER, allow_none=True)
