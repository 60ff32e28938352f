"""A check-in as it arrives, and the visit it becomes."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from server.domain.checks import Finding, VisitStatus
from server.domain.engine import VisitFact
from server.domain.periods import local_day


class Function(StrEnum):
    """The six functions of an envoy that a check-in may name (docs/domain.md)."""

    ORGANISATION_GUIDE = "organisation-guide"
    POLICY_EXPLAINER = "policy-explainer"
    WORK_SUPERVISOR = "work-supervisor"
    GO_BETWEEN = "go-between"
    SERVICE_WORKER = "service-worker"
    GRID_COUNSELLOR = "grid-counsellor"


class Entry(StrEnum):
    """How a visit came in other than from its person's own phone."""

    PAPER = "paper"  # written down in the village, typed in by the office
    HANDED_IN = "handed-in"  # the queue of a phone, saved as a file and brought to the office


class Crs(StrEnum):
    """The datums a position may be given in."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


@dataclass(frozen=True, slots=True)
class Position:
    """A fix as the phone gave it: degrees in its own datum, accuracy in metres."""

    latitude: float
    longitude: float
    accuracy_m: float | None = None
    crs: Crs = Crs.WGS84


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What a phone says of one visit; `photos` are the digests of pictures announced with it."""

    id: str
    activity: str
    captured_at: datetime
    place: str | None = None
    position: Position | None = None
    photos: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    note: str = ""
    device: dict[str, Any] = field(default_factory=dict)

    @property
    def skew_s(self) -> float:
        """Phone clock minus server clock at the last contact before capture, in seconds; 0 if there was none."""
        return float(self.device.get("skew_s") or 0)

    @property
    def occurred_at(self) -> datetime:
        """When it happened: `captured_at` less the phone's known skew, in UTC."""
        return self.captured_at.astimezone(UTC) - timedelta(seconds=self.skew_s)

    def day(self, zone: ZoneInfo) -> date:
        """The county's local day the visit counts on."""
        return local_day(self.occurred_at, zone)

    def digest(self) -> bytes:
        """A digest of the content as parsed values, without `device`: the same content is the same check-in."""
        at = self.position
        content = [
            self.activity,
            self.place,
            self.captured_at.astimezone(UTC).isoformat(),
            [at.latitude, at.longitude, at.accuracy_m, at.crs] if at else None,
            self.photos,
            self.functions,
            self.note,
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).digest()


@dataclass(frozen=True, slots=True)
class Visit:
    """A check-in as it is kept, or a record imported from elsewhere; positions in WGS-84, the phone's beside them."""

    id: str
    person: str
    place: str
    asked_place: str | None
    path: str
    activity: str
    captured_at: datetime
    occurred_at: datetime
    day: date
    received_at: datetime
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    crs: str | None
    raw_latitude: float | None
    raw_longitude: float | None
    functions: tuple[str, ...]
    note: str
    device: dict[str, Any]
    skew_s: float
    content: bytes
    photos: int = 0
    missing: int = 0
    findings: tuple[Finding, ...] = ()
    status: VisitStatus = VisitStatus.REVIEW
    imported: bool = False
    decided: bool = False  # by a person: the checks no longer set its status
    version: int = 1
    held: bool = False  # waits for a person's decision, whatever the checks say
    entry: str | None = None  # how it came in other than by the person's own phone: an `Entry`
    entered_by: str | None = None
    entry_reason: str = ""

    @property
    def point(self) -> tuple[float, float] | None:
        """Latitude and longitude in WGS-84, if the phone gave a position."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)

    @property
    def order(self) -> tuple[datetime, str]:
        """By which one visit is earlier than another: capture, then id, never arrival."""
        return (self.occurred_at, self.id)

    @property
    def is_examined(self) -> bool:
        """Whether its findings follow the facts: not once a person has decided, nor if it came on paper or imported."""
        return not self.decided and not self.imported and self.entry != Entry.PAPER

    def fact(self) -> VisitFact:
        """The visit as the duty engine sees it; of what came on paper no duty asks photos."""
        photos = None if self.imported or self.entry == Entry.PAPER else self.photos
        return VisitFact(self.id, self.place, self.activity, self.day, self.status, photos)


@dataclass(frozen=True, slots=True)
class VisitPhoto:
    """A picture announced for a visit, and what is known of it once it has arrived."""

    digest: str
    number: int
    in_time: bool
    announced_at: datetime
    received_at: datetime | None = None
    withdrawn_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    taken_at: datetime | None = None
    unreadable: bool = False  # whoever sent it: it could not be decoded when it was looked at
    new: bool = False  # nobody had sent this picture before: no other visit can share it

    @property
    def missing(self) -> bool:
        """Whether the picture is still awaited."""
        return self.received_at is None and self.withdrawn_at is None

    @property
    def found_unreadable(self) -> bool:
        """Whether it has arrived, and cannot be decoded: of a picture only announced nobody is told what it is."""
        return self.unreadable and self.received_at is not None


@dataclass(frozen=True, slots=True)
class Addition:
    """New pictures, pictures that will not come after all, a word; the first record is never altered."""

    photos: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    note: str = ""

    def digest(self) -> bytes:
        """The same content is the same addition."""
        content = [self.photos, self.withdrawn, self.note]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).digest()
