"""Postings, one by one."""

from __future__ import annotations

from schemas.base import CODE, Base, Choice, Code, Cursor, Day, Flag, Instant, Integer, Items, Part, Text
from schemas.changes import ChangedOut
from schemas.exports import ExportQuery
from server.domain.access import GrantKind
from server.domain.postings import Role

_ID = "[1-9][0-9]{0,17}"


class PostingIn(Base):
    """One person in one role at one place, from a day on; without an `end` open."""

    person = Code(required=True)
    role = Choice(Role, required=True)
    place = Code(required=True)
    start = Day(required=True)
    end = Day(allow_none=True)
    office_weekday = Integer(1, 5, allow_none=True)


class PostingChangeIn(Base):
    """Another last day or office weekday; with `from` from that day on, as a posting of its own.

    With `end_grants`, which is meant unless `false` is said, the person's grants over the place end with a posting that
    ends now.
    """

    end = Day(allow_none=True)
    office_weekday = Integer(1, 5, allow_none=True)
    # `from` is a word of Python's own
    from_ = Day(data_key="from", attribute="from")
    end_grants = Flag()


class MoveIn(Base):
    """From one place to another, in the same role: the one posting ends the day before `on`, the next begins on it.

    The next has the last day and weekday of the one before, unless they are given. With `end_grants`, which is
    meant unless `false` is said, the person's grants that hold for the old place and not for the new one end too; of a
    move that is still to come only where `true` is said.
    """

    person = Code(required=True)
    role = Choice(Role, required=True)
    from_ = Code(data_key="from", attribute="from", required=True)
    to = Code(required=True)
    on = Day(required=True)
    end = Day(allow_none=True)
    office_weekday = Integer(1, 5, allow_none=True)
    end_grants = Flag()


class PostingsQuery(ExportQuery):
    """Postings at a place or what lies inside it, of a person, in a role, in force on a day."""

    cursor = Cursor(CODE, _ID)
    person = Code()
    place = Code()
    role = Choice(Role)
    on = Day()


class PostingOut(Base):
    """A posting; no `end`: open."""

    id = Integer(1, 2**63 - 1)
    person = Code()
    person_name = Text(0, 100)
    role = Choice(Role)
    place = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    start = Day()
    end = Day(allow_none=True)
    office_weekday = Integer(1, 5, allow_none=True)


class PostingsOut(Base):
    """A page of postings, in order of the person's code."""

    items = Items(Part(PostingOut), required=True)
    next = Cursor(CODE, _ID, required=True, allow_none=True)


class ChangedPostingOut(ChangedOut):
    """A posting as it is now; none once it was taken away."""

    result = Part(PostingOut, allow_none=True)


class OldGrantOut(Base):
    """A grant of a person who has moved."""

    id = Integer(1, 2**63 - 1)
    kind = Choice(GrantKind)
    place = Code()
    granted_by = Text(1, 64)
    granted_at = Instant()


class MovedOut(Base):
    """The posting that ended, the one that began, and the grants for the old place: those that remain, those ended."""

    ended = Part(PostingOut)
    begun = Part(PostingOut)
    grants = Items(Part(OldGrantOut))
    grants_ended = Items(Part(OldGrantOut))


class ChangedMoveOut(ChangedOut):
    """What came of a move."""

    result = Part(MovedOut, allow_none=True)
