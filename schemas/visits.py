"""Check-ins as phones send them, and visits as we answer them."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import post_load

from schemas.base import (
    UTC_INSTANT,
    UUID,
    Base,
    Choice,
    Code,
    Cursor,
    Day,
    Flag,
    Instant,
    Integer,
    Items,
    Number,
    Part,
    Sha256,
    Text,
    UuidText,
    refuse,
)
from schemas.decisions import AppealOut, DecisionOut
from schemas.exports import MapQuery
from server.domain.checkins import Addition, CheckIn, Crs, Entry, Function, Position
from server.domain.checks import Outcome, VisitStatus
from server.domain.duties import Activity
from server.domain.engine import Reason, Status

PHOTOS = 100
NOTE = 2000
CENTURY_S = 3_155_760_000  # a clock that was never set may stand at 1970, or anywhere
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # what answers and windows can name, in every time zone of China
LATEST = datetime(2099, 12, 31, tzinfo=UTC)


class PositionIn(Base):
    """Where the phone was; degrees in the datum it names, accuracy in metres."""

    latitude = Number(-90, 90, required=True)
    longitude = Number(-180, 180, required=True)
    accuracy_m = Number(0, 1_000_000, allow_none=True, load_default=None)
    crs = Choice(Crs, load_default=Crs.WGS84)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Position:
        return Position(**data)


class DeviceIn(Base):
    """What the phone knows of itself; `skew_s` is its clock minus ours at the last contact, in seconds."""

    sent_at = Instant(allow_none=True)
    skew_s = Number(-CENTURY_S, CENTURY_S, allow_none=True)
    mock = Flag(allow_none=True)
    offline = Flag(allow_none=True)
    no_position = Choice(("denied", "timeout", "off"), allow_none=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data.get("sent_at") is not None:
            data["sent_at"] = data["sent_at"].isoformat()
        return data


class CheckInIn(Base):
    """One check-in; `photos` are the digests of pictures sent after it, or in the same multipart call."""

    activity = Choice(Activity, required=True)
    place = Code(allow_none=True, load_default=None)
    captured_at = Instant(required=True)
    position = Part(PositionIn, allow_none=True, load_default=None)
    photos = Items(Sha256(), most=PHOTOS, unique=True, load_default=tuple)
    functions = Items(Choice(Function), most=len(Function), unique=True, load_default=tuple)
    note = Text(0, NOTE, lines=True, load_default="")
    device = Part(DeviceIn, load_default=dict)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> CheckIn:
        data |= {"photos": tuple(data["photos"]), "functions": tuple(data["functions"])}
        sent = CheckIn(id="", **data)
        if not EARLIEST <= sent.captured_at < LATEST or not EARLIEST <= sent.occurred_at < LATEST:
            raise refuse("inconsistent", "captured_at")
        return sent


class AdditionIn(Base):
    """What a person adds to a visit afterwards."""

    photos = Items(Sha256(), most=PHOTOS, unique=True, load_default=tuple)
    withdrawn = Items(Sha256(), most=PHOTOS, unique=True, load_default=tuple)
    note = Text(0, NOTE, lines=True, load_default="")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Addition:
        return Addition(tuple(data["photos"]), tuple(data["withdrawn"]), data["note"])


class ResemblingOut(Base):
    """An earlier photo that the visit's `photo` resembles, and the office to ask; its visit only inside one's area."""

    photo = Sha256()
    number = Integer(1, 100)
    visit = UuidText(allow_none=True)
    other_photo = Sha256(allow_none=True)
    day = Day()
    percent = Integer(0, 100)
    office = Code()
    office_name = Text(0, 100)
    inside = Flag()


class FindingOut(Base):
    """What one check found.

    To reviewers only: `visits` names the earlier visits that share a picture, `resembles` their photos, in the answer
    of one visit.
    """

    check = Text()
    outcome = Choice(Outcome, allow_none=True)
    value = Number(-1e18, 1e18, allow_none=True)
    limit = Number(-1e18, 1e18, allow_none=True)
    message = Text(0, 500)
    visits = Items(UuidText())
    resembles = Items(Part(ResemblingOut))


class PhotosOut(Base):
    """How many photos the visit announced, which are still awaited, and which are here."""

    expected = Integer(0, PHOTOS)
    missing = Items(Sha256(), most=PHOTOS)
    received = Items(Sha256(), most=PHOTOS)


class PositionOut(Base):
    """A position in WGS-84."""

    latitude = Number(-90, 90)
    longitude = Number(-180, 180)
    accuracy_m = Number(0, 1_000_000, allow_none=True)
    crs = Choice(Crs)


class CountsForOut(Base):
    """An obligation that the visit counts for, with its status now."""

    duty = Code()
    window = Text(0, 8)
    place = Code()
    place_name = Text(0, 100)
    township_name = Text(0, 100, allow_none=True)
    opens_on = Day()
    due_on = Day()
    status = Choice(Status)
    reason = Choice(Reason)
    needed = Integer(0, 31)
    done = Integer(0, 31)


class EntryOut(Base):
    """Who entered the visit for its person, how it had been kept until then, and why."""

    kind = Choice(Entry)
    by = Code()
    by_name = Text(0, 100)
    reason = Text(0, 1000)


class VisitBriefOut(Base):
    """A visit as it stands."""

    id = UuidText()
    person = Code()
    person_name = Text(0, 100)
    place = Code()
    place_name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    activity = Choice(Activity)
    captured_at = Instant()
    day = Day()
    received_at = Instant()
    position = Part(PositionOut, allow_none=True)
    sent_position = Part(PositionOut, allow_none=True)
    functions = Items(Choice(Function))
    note = Text(0, NOTE)
    status = Choice(VisitStatus)
    findings = Items(Part(FindingOut))
    photos = Part(PhotosOut)
    imported = Flag()
    version = Integer(1, 2**31)
    decisions = Items(Part(DecisionOut))
    appeal = Part(AppealOut, allow_none=True)
    entry = Part(EntryOut, allow_none=True)
    can = Items(Choice(("confirm", "reject", "return", "take-position", "appeal", "add")))


class VisitOut(VisitBriefOut):
    """A visit as it stands, with what it counts for."""

    obligations = Items(Part(CountsForOut))


class VisitQuery(MapQuery):
    """Which visits to list; days are local, both included; 400 days at most of a file, by default the last."""

    cursor = Cursor(UTC_INSTANT, UUID)
    person = Code()
    place = Code()
    status = Choice(VisitStatus)
    waiting = Choice(("decision", "appeal"))
    order = Choice(("latest", "oldest"), load_default="latest")
    # `from` is a word of Python's own
    from_ = Day(data_key="from")
    to = Day()


class VisitsOut(Base):
    """A page of visits."""

    items = Items(Part(VisitBriefOut))
    next = Cursor(r"[^~]+", r"[^~]+", allow_none=True)


class PictureQuery(Base):
    """How a photo is wanted; `stamp` writes place, time, person and distance below a screen copy."""

    size = Choice(("thumb", "screen", "original"), load_default="screen")
    stamp = Choice(("0", "1"), load_default="0")


class PhotoOut(Base):
    """A photo that has been received, and the visit as it stands now."""

    sha256 = Sha256()
    received_at = Instant()
    visit = Part(VisitOut)
