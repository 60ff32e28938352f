"""A phone's queue as a file that is handed in (docs/handed-in.md): its head, and its records one by one."""

import base64
import binascii
from typing import Any, Final

from schemas.base import Base, Choice, Code, Instant, Integer, Items, Part, Sha256, Shown, UuidText, Value, refuse
from schemas.problems import ProblemOut
from schemas.visits import PHOTOS, CheckInIn, VisitOut

FORMAT: Final = "daocun-handed-in"
MOST_RECORDS: Final = 500


class Record(Value):
    """A record of the file, taken as it is: each is checked for itself by `RecordIn`."""

    expected = "object"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        return value


class Base64(Value):
    """Bytes in base64."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bytes:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise refuse("format", expected="base64") from None

    def shown(self) -> Shown:
        return {"type": "string", "format": "byte"}


class HandedInIn(Base):
    """The file: whose queue it is, when it was saved, and its records."""

    format = Choice((FORMAT,), required=True)
    version = Integer(1, 1, required=True)
    person = Code(required=True)
    saved_at = Instant(required=True)
    part = Integer(1, 1000, load_default=1)
    parts = Integer(1, 1000, load_default=1)
    records = Items(Record(), 1, MOST_RECORDS, required=True)


class PhotoIn(Base):
    """A photo of a record, its bytes in base64."""

    sha256 = Sha256(required=True)
    type = Choice(("image/jpeg", "image/png", "image/webp"), required=True)
    data = Base64(required=True)


class RecordIn(Base):
    """One check-in of the file: its id, its body as `PUT /visits/{id}` takes it, and its photos."""

    kind = Choice(("check-in",), required=True)
    id = UuidText(required=True)
    body = Part(CheckInIn, required=True)
    photos = Items(Part(PhotoIn), most=PHOTOS, load_default=tuple)


class HandedOut(Base):
    """What became of one record: its visit as it stands now, or why it was refused."""

    id = UuidText(allow_none=True)
    outcome = Choice(("entered", "completed", "present", "refused"))
    visit = Part(VisitOut)
    problem = Part(ProblemOut)


class HandedInOut(Base):
    """What became of each record, in the file's order; `refused` is how many."""

    person = Code()
    refused = Integer(0, MOST_RECORDS)
    items = Items(Part(HandedOut), most=MOST_RECORDS)
