"""Visits that the office enters from paper."""

from datetime import UTC
from typing import Any

from marshmallow import post_load

from schemas.base import Base, Choice, Code, Instant, Items, Sha256, Text, UuidText, refuse
from schemas.decisions import REASON
from schemas.visits import EARLIEST, LATEST, PHOTOS
from server.domain.duties import Activity


class PaperIn(Base):
    """A visit as it stands on paper, why it was not made with a phone, and digests of pictures of the paper."""

    id = UuidText(load_default=None)
    person = Code(required=True)
    place = Code(required=True)
    activity = Choice(Activity, required=True)
    captured_at = Instant(required=True)
    reason = Text(1, REASON, lines=True, visible=True, required=True)
    photos = Items(Sha256(), most=PHOTOS, unique=True, load_default=tuple)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if not EARLIEST <= data["captured_at"] < LATEST:
            raise refuse("inconsistent", "captured_at")
        return {**data, "photos": tuple(data["photos"]), "captured_at": data["captured_at"].astimezone(UTC)}
