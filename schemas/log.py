"""The log as auditors read it."""

from schemas.base import Base, Code, Cursor, Day, Flag, Free, Instant, Integer, Items, Part, Sha256, Text
from schemas.exports import ExportQuery

MOST = 2**62
AFTER = r"[1-9][0-9]{0,18}"


class LogQuery(ExportQuery):
    """Which lines to list, latest first; days are local, both included."""

    cursor = Cursor(AFTER)
    # `from` is a word of Python's own
    from_ = Day(data_key="from")
    to = Day()
    actor = Code()
    verb = Code()
    kind = Code()
    subject = Text(1, 200)


class LogLineOut(Base):
    """One line: `number` and `hash` once it is sealed; `personal` only as long as it has not been `erased`."""

    id = Integer(1, MOST)
    number = Integer(1, MOST, allow_none=True)
    hash = Sha256(allow_none=True)
    at = Instant()
    actor = Text(0, 64)
    actor_name = Text(0, 100, allow_none=True)
    verb = Text(0, 32)
    kind = Text(0, 16)
    subject = Text(0, 200)
    place = Code(allow_none=True)
    place_name = Text(0, 100, allow_none=True)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    about = Code(allow_none=True)
    about_name = Text(0, 100, allow_none=True)
    detail = Free()
    personal = Free(allow_none=True)
    erased = Flag()


class LogOut(Base):
    """A page of the log."""

    items = Items(Part(LogLineOut))
    next = Cursor(AFTER, allow_none=True)
