"""The people of the register."""

from __future__ import annotations

from schemas.base import (
    CODE,
    Base,
    Choice,
    Code,
    Cursor,
    Day,
    Flag,
    Free,
    Instant,
    Integer,
    Items,
    Matching,
    Page,
    Part,
    Text,
)
from schemas.changes import ChangedOut
from schemas.exports import ExportQuery
from schemas.leave import LeaveOut
from schemas.postings import OldGrantOut, PostingOut
from server.domain.postings import Role

LANGUAGES = ("zh", "en")
PHONE = r"[0-9+ -]{3,20}"
_ID = "[1-9][0-9]{0,17}"


class PeopleQuery(ExportQuery):
    """People who belong to a place or what lies inside it; `q`: part of a name, or how a code or number begins."""

    cursor = Cursor(CODE)
    q = Text(1, 100)
    place = Code()


class FirstPostingIn(Base):
    """The posting that a new person comes with."""

    role = Choice(Role, required=True)
    place = Code(required=True)
    start = Day(required=True)
    end = Day(allow_none=True)
    office_weekday = Integer(1, 5, allow_none=True)


class PersonIn(Base):
    """A new person; who does not administer the whole county gives a `posting` in their area."""

    code = Code(required=True)
    name = Text(1, 100, required=True)
    phone = Matching(PHONE, "phone", allow_none=True)
    unit = Text(0, 100, load_default="")
    language = Choice(LANGUAGES)
    posting = Part(FirstPostingIn)


class PersonChangeIn(Base):
    """What of a person is corrected."""

    name = Text(1, 100)
    phone = Matching(PHONE, "phone", allow_none=True)
    unit = Text(0, 100)
    language = Choice(LANGUAGES)


class PersonOut(Base):
    """A person of the register."""

    code = Code()
    name = Text(1, 100)
    phone = Text(0, 20)
    unit = Text(0, 100)
    language = Choice(LANGUAGES)


class PeopleOut(Base):
    """A page of people, in order of their codes."""

    items = Items(Part(PersonOut), required=True)
    next = Cursor(CODE, required=True, allow_none=True)


class OnePersonOut(PersonOut):
    """A person with their postings, their latest leave and, for their administrators, the grants inside their area."""

    postings = Items(Part(PostingOut), most=10_000)
    leave = Items(Part(LeaveOut))
    grants = Items(Part(OldGrantOut), most=10_000, allow_none=True)


class ChangedPersonOut(ChangedOut):
    """A person as they stand now."""

    result = Part(PersonOut, allow_none=True)


class HistoryQuery(Page):
    """A page of a history."""

    cursor = Cursor(_ID)


class ToldOut(Base):
    """One line of the log about a person; `erased`: what was personal in it can no longer be read."""

    id = Integer(1, 2**63 - 1)
    at = Instant()
    actor = Text(1, 64)
    verb = Text(1, 32)
    kind = Text(1, 16)
    subject = Text(0, 200)
    before = Free(allow_none=True)
    after = Free(allow_none=True)
    erased = Flag()


class HistoryOut(Base):
    """What the log tells, latest first."""

    items = Items(Part(ToldOut), required=True)
    next = Cursor(_ID, required=True, allow_none=True)
