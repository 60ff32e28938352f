"""Who checks in together again and again."""

from schemas.base import (
    CODE,
    Base,
    Code,
    Cursor,
    Day,
    Flag,
    Instant,
    Integer,
    Items,
    Number,
    Page,
    Part,
    Text,
    UuidText,
)


class PairsQuery(Page):
    """Of which local days, both included and 92 at most, and inside which place."""

    cursor = Cursor("[1-9][0-9]{0,6}", CODE, CODE)
    # `from` is a word of Python's own
    from_ = Day(data_key="from")
    to = Day()
    place = Code()


class MemberOut(Base):
    """One of a pair."""

    person = Code()
    person_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)


class MeetingOut(Base):
    """Two check-ins at one time and place: of the earlier one the place and time, and how far off the other was."""

    visits = Items(UuidText(), most=2)
    place = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    day = Day()
    at = Instant()
    apart_s = Number(0, 86_400)
    apart_m = Number(0, 100_000)


class PairOut(Base):
    """Two people with how often they checked in together, and the latest 20 times."""

    people = Items(Part(MemberOut), most=2)
    times = Integer(1, 10**7)
    meetings = Items(Part(MeetingOut), most=20)


class PairsOut(Base):
    """A page of pairs, most often together first, with what to make of them."""

    first = Day(data_key="from")
    last = Day(data_key="to")
    within_s = Number(0, 86_400)
    within_m = Number(0, 100_000)
    complete = Flag()
    note = Text(0, 500)
    items = Items(Part(PairOut))
    next = Cursor(r"[^~]+", CODE, CODE, allow_none=True)
