"""What people are told."""

from schemas.base import (
    Base,
    Choice,
    Code,
    Cursor,
    Instant,
    Integer,
    Items,
    Matching,
    Page,
    Part,
    Text,
    UuidText,
)
from server.domain.notices import NoticeKind

_ID = "[1-9][0-9]{0,17}"
MOST = 10**18 - 1


class NoticesQuery(Page):
    """Which of one's notices: with `unread=1` those not read yet."""

    cursor = Cursor(_ID)
    unread = Choice(("0", "1"), load_default="0")


class NoticedObligationOut(Base):
    """Which obligation it is about."""

    duty = Code()
    place = Code()
    window = Text(0, 8)


class NoticeOut(Base):
    """What somebody is told, as a sentence and as what it links to; what it has nothing to do with is null."""

    id = Integer(1, MOST)
    kind = Choice(NoticeKind)
    at = Instant()
    read_at = Instant(allow_none=True)
    sentence = Text(0, 2000)
    place = Code(allow_none=True)
    place_name = Text(0, 100, allow_none=True)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    visit = UuidText(allow_none=True)
    obligation = Part(NoticedObligationOut, allow_none=True)
    leave = Matching("r[1-9][0-9]{0,17}", "code", allow_none=True)
    proposal = Integer(1, MOST, allow_none=True)
    count = Integer(0, MOST, allow_none=True)


class NoticesOut(Base):
    """A page of notices, newest first."""

    items = Items(Part(NoticeOut))
    next = Cursor(_ID, allow_none=True)


class ReadIn(Base):
    """The notice up to which all are marked as read."""

    until = Integer(1, MOST, required=True)


class ReadOut(Base):
    """How many notices were marked."""

    read = Integer(0, MOST)
