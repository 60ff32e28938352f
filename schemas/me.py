"""What a person's first page shows."""

from schemas.base import Base, Choice, Code, Day, Instant, Integer, Items, Number, Part, Sha256, Text, UuidText
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


class SpotOut(Base):
    """A point of a place, in WGS-84 degrees."""

    latitude = Number(-90, 90)
    longitude = Number(-180, 180)


class MyPlaceOut(Base):
    """Where a place is, and within how many metres of it a visit counts; no points: not known yet."""

    code = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    points = Items(Part(SpotOut), most=100)
    radius_m = Number(0, 100_000)


class PhotosNeededOut(Base):
    """How many photos each activity needs."""

    visit = Integer(0, 20)
    study = Integer(0, 20)
    office = Integer(0, 20)
    other = Integer(0, 20)


class MeOut(Base):
    """The person, what they owe where and until when, and the visits that need them."""

    person = Part(MyselfOut)
    today = Day()
    now = Instant()
    postings = Items(Part(MyPostingOut))
    grants = Items(Part(MyGrantOut))
    obligations = Items(Part(ToDoOut), most=100_000)
    visits = Items(Part(MyVisitOut), most=100)
    places = Items(Part(MyPlaceOut), most=100_000)
    unread = Integer(0, 10**7)  # notices
    photos_needed = Part(PhotosNeededOut)
