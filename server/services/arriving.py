"""Pictures of a visit: announced, arrived, kept on disk and stored, added and withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from server.adapters.photos import Received
from server.domain import problems
from server.domain.checkins import Addition, CheckIn, Visit, VisitPhoto
from server.domain.problems import Problem, invalid
from server.services.deployment import Deployment
from server.storage import visit_photos as rows
from server.storage.database import Connection

ANNOUNCED = 5  # times as many pictures as a visit may have, for one visit over time


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that has come in and was checked, with its bytes; it is not on disk yet."""

    received: Received
    data: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return self.received.digest


class MovedOn(Exception):
    """A fact the decision rests on has changed since it was read."""


def keep(deployment: Deployment, pictures: Sequence[Picture]) -> None:
    """On disk before the row: a row may never promise a file that a power cut takes away."""
    for picture in pictures:
        deployment.photos.keep(picture.data, picture.digest)


def announced(sent: CheckIn, now: datetime) -> list[VisitPhoto]:
    """The pictures that a check-in announces."""
    return [VisitPhoto(digest, n, in_time=True, announced_at=now) for n, digest in enumerate(sent.photos)]


def arrived(
    connection: Connection,
    photos: list[VisitPhoto],
    pictures: Sequence[Picture],
    deployment: Deployment,
    now: datetime,
) -> list[VisitPhoto]:
    """The photos with those that have now arrived, and what their tags say."""
    here = {picture.digest: picture for picture in pictures}
    arrived = []
    for photo in photos:
        picture = here.get(photo.digest)
        if picture is None or not photo.missing:
            arrived.append(photo)
            continue
        known = rows.known_photo(connection, photo.digest) is not None
        stored = _stored(picture, deployment, now)
        arrived.append(
            replace(
                photo,
                received_at=now,
                latitude=stored.latitude,
                longitude=stored.longitude,
                taken_at=stored.taken_at,
                new=not known,
            )
        )
    return arrived


def _stored(picture: Picture, deployment: Deployment, now: datetime) -> rows.StoredPhoto:
    facts = picture.received.facts
    taken_at = facts.taken_at
    if taken_at is not None and not facts.taken_at_has_offset:
        taken_at = taken_at.replace(tzinfo=deployment.zone)  # a camera without an offset means local time
    return rows.StoredPhoto(
        digest=picture.digest,
        media_type=facts.media_type,
        bytes=picture.received.length,
        width=facts.width,
        height=facts.height,
        latitude=facts.latitude,
        longitude=facts.longitude,
        taken_at=taken_at.astimezone(UTC) if taken_at else None,
        stored_at=now,
    )


def store_pictures(
    connection: Connection,
    photos: Sequence[VisitPhoto],
    pictures: Sequence[Picture],
    deployment: Deployment,
    now: datetime,
) -> None:
    """Stores what is known of the pictures that nobody had sent; raises MovedOn if somebody has meanwhile."""
    new = {photo.digest for photo in photos if photo.new}
    by_digest = {picture.digest: picture for picture in pictures}
    # In order, so that two who send the same pictures at once wait for one another, but never both.
    for digest in sorted(by_digest):
        if digest not in new:
            rows.hold_photos(connection, [digest])
        elif not rows.store_photo(connection, _stored(by_digest[digest], deployment, now)):
            raise MovedOn  # somebody sent the very same picture since we looked


def photo_of(photos: Sequence[VisitPhoto], digest: str) -> VisitPhoto:
    """The announced picture; raises Problem PHOTO_NOT_ANNOUNCED."""
    for photo in photos:
        if photo.digest == digest and photo.withdrawn_at is None:
            return photo
    raise Problem(problems.PHOTO_NOT_ANNOUNCED)


def with_addition(
    deployment: Deployment, visit: Visit, photos: list[VisitPhoto], addition: Addition, now: datetime
) -> list[VisitPhoto]:
    """The photos as an addition leaves them; raises Problem INVALID."""
    by_digest = {photo.digest: photo for photo in photos}
    for number, digest in enumerate(addition.withdrawn):
        photo = by_digest.get(digest)
        if photo is None:
            raise invalid(f"/withdrawn/{number}", "not-announced")
        if photo.received_at:
            raise invalid(f"/withdrawn/{number}", "already-received")
        by_digest[digest] = replace(photo, withdrawn_at=now)
    in_time = now - visit.occurred_at <= timedelta(seconds=deployment.limits.on_the_spot_s)
    for digest in addition.photos:
        photo = by_digest.get(digest)
        if photo is None:
            photo = VisitPhoto(digest, len(by_digest), in_time=in_time, announced_at=now)
        by_digest[digest] = replace(photo, withdrawn_at=None)
    if sum(photo.withdrawn_at is None for photo in by_digest.values()) > deployment.settings.photos_max:
        raise invalid("/photos", "count", min=0, max=deployment.settings.photos_max)
    # The withdrawn ones too: they are kept for good.
    if len(by_digest) > ANNOUNCED * deployment.settings.photos_max:
        raise invalid("/photos", "count", min=0, max=0)
    return list(by_digest.values())
