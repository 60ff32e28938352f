"""What a person's first page shows."""

from schemas.base import Base, Choice, Code, Day, Instant, Integer, Items, Part, Sha256, Text, UuidText
from schemas.obligations import ToDoOut
from server.domain.access import GrantKind
from server.domain.checks import VisitStatus
from server.domain.duties import Activity
from server.domain.postings import Role


class MyselfOut(Base):
    """The person."""

    code = Code()
    name = Text(0, 100)
    phone = Text(0, 20)
    unit = Text(0, 100)
    language = Choice(("zh", "en"))


class MyPostingOut(Base):
    """A posting in force or to come; without an end it is open."""

    role = Choice(Role)
    place = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    start = Day()
    end = Day(allow_none=True)
    office_weekday = Integer(1, 5, allow_none=True)


class MyGrantOut(Base):
    """A right over a place and all inside it."""

    kind = Choice(GrantKind)
    place = Code()
    place_name = Text(0, 100)
    township_name = Text(0, 100, allow_none=True)


class MyVisitOut(Base):
    """A visit that needs the person: photos are missing, or it was returned or rejected."""

    id = UuidText()
    place = Code()
    place_name = Text(0, 100)
    township_name = Text(0, 100, allow_none=True)
    activity = Choice(Activity)
    day = Day()
    status = Choice(VisitStatus)
    missing = Items(Sha256())


class MeOut(Base):
    """The person, what they owe and until when, and the visits that need them."""

    person = Part(MyselfOut)
    today = Day()
    now = Instant()
    postings = Items(Part(MyPostingOut))
    grants = Items(Part(MyGrantOut))
    obligations = Items(Part(ToDoOut), most=100_000)
    visits = Items(Part(MyVisitOut), most=100)
