"""The check-ins of the demo county's last two weeks, as its phones would have sent them, oddities included."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import cos, radians
from random import Random
from typing import Any

from server.adapters import datum, geodesy
from server.demo.history import Trip, moved
from server.demo.staff import reviewer_code, words
from server.domain import checks
from server.domain.checkins import CheckIn, Crs, Function, Position, Visit, VisitPhoto
from server.domain.checks import CheckInFacts, Previous, VisitStatus
from server.domain.decisions import Decision, Ruling, decided
from server.domain.duties import Activity
from server.domain.imports import PostingRow
from server.domain.periods import local_day
from server.domain.places import Tree, radius_of
from server.services.deciding import decision_line
from server.services.deployment import Deployment
from server.storage.logbook import Line

_METRES_A_DEGREE = 111_200
# How often what goes wrong; what is left over is a plain check-in.
_ODDITIES = {
    "no-position": 0.012,
    "far": 0.008,
    "gcj02": 0.02,  # a phone that says so: nothing is wrong
    "silent-gcj02": 0.006,
    "rough": 0.012,
    "offline": 0.05,
    "late": 0.006,
    "mock": 0.004,
    "reuse": 0.006,
    "near-copy": 0.002,
    "no-photo": 0.006,
}
_DECIDED_AFTER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Sent:
    """One visit with its pictures, and what the log says of it."""

    visit: Visit
    photos: tuple[VisitPhoto, ...]
    lines: tuple[tuple[datetime, Line], ...]
    decisions: tuple[Decision, ...] = ()


@dataclass(slots=True)
class Album:
    """The pictures of the county by digest, and who has which."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    holders: dict[str, list[Visit]] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)  # by person, the latest

    def take(self, person: str, data: bytes) -> str:
        """The digest of a person's new picture."""
        digest = hashlib.sha256(data).hexdigest()
        self.pictures[digest] = data
        self.used[person] = digest
        return digest


class Phones:
    """Makes check-ins out of trips, in the order in which they happened."""

    def __init__(
        self,
        deployment: Deployment,
        tree: Tree,
        postings: Iterable[PostingRow],
        now: datetime,
        rng: Random,
        fresh: Iterable[bytes],
        again: Any,
    ) -> None:
        """`fresh` are pictures that nobody has yet, `again` saves one in other bytes."""
        self._deployment = deployment
        self._tree = tree
        self._now = now
        self._rng = rng
        self._fresh = iter(fresh)
        self._again = again
        self._posted: dict[str, list[PostingRow]] = {}
        for posting in postings:
            self._posted.setdefault(posting.person, []).append(posting)
        self._previous: dict[str, Visit] = {}
        self.album = Album()

    def send(self, trip: Trip, plain: bool = False) -> list[Sent]:
        """The check-in of a trip; where the phone was too far away, also the second try a little later."""
        odd = "" if plain else self._oddity()
        first = self._check_in(trip, odd)
        if first is None:
            return []
        found = [first]
        if odd == "far" and self._rng.random() < 0.7:
            second = self._check_in(moved(trip, 7), "")
            found += [second] if second else []
        return found

    def _oddity(self) -> str:
        left = self._rng.random()
        for name, share in _ODDITIES.items():
            left -= share
            if left < 0:
                return name
        return ""

    def _check_in(self, trip: Trip, odd: str) -> Sent | None:
        captured = trip.at.astimezone(UTC)
        received = captured + self._delay(odd)
        if received > self._now:
            return None
        digest = self._picture(trip.person, odd)
        here = odd != "no-photo"
        sent = self._what(trip, odd, captured, digest)
        photo = VisitPhoto(digest, 0, True, received, received if here else None)
        visit = self._visit(trip.person, sent, received)
        visit = replace(visit, photos=1, missing=0 if here else 1)
        visit = self._judged(visit, digest)
        line = Line(trip.person, "check-in", "visit", visit.id, {"status": visit.status.value}, visit.path)
        made = self._decided(Sent(visit, (photo,), ((received, line),)))
        if here:
            self.album.holders.setdefault(digest, []).append(made.visit)
        if visit.point and made.visit.status is not VisitStatus.REJECTED:
            self._previous[trip.person] = made.visit
        return made

    def _delay(self, odd: str) -> timedelta:
        if odd == "offline":
            return timedelta(minutes=self._rng.randrange(30, 60 * 30))
        if odd == "late":
            return timedelta(hours=self._rng.randrange(75, 150))
        return timedelta(seconds=self._rng.randrange(2, 40))

    def _picture(self, person: str, odd: str) -> str:
        if odd == "no-photo":
            return self._rng.randbytes(32).hex()
        used = self.album.used.get(person)
        if used and odd == "reuse":
            return used
        if used and odd == "near-copy":
            return self.album.take(person, self._again(self.album.pictures[used]))
        return self.album.take(person, next(self._fresh))

    def _what(self, trip: Trip, odd: str, captured: datetime, digest: str) -> CheckIn:
        rng = self._rng
        device: dict[str, Any] = {"sent_at": captured.isoformat(), "skew_s": rng.randrange(-3, 4)}
        if odd in ("offline", "late"):
            device["offline"] = True
        if odd == "mock":
            device["mock"] = True
        if odd == "no-position":
            device["no_position"] = rng.choice(("denied", "timeout", "off"))
        notes = words()["study_notes" if trip.activity is Activity.STUDY else "notes"]
        return CheckIn(
            id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            activity=trip.activity,
            captured_at=captured,
            place=trip.place,
            position=self._position(trip, odd),
            photos=(digest,),
            functions=(rng.choice(list(Function)),) if rng.random() < 0.5 else (),
            note=rng.choice(notes) if rng.random() < 0.4 else "",
            device=device,
        )

    def _position(self, trip: Trip, odd: str) -> Position | None:
        rng = self._rng
        standing = self._tree[trip.place].on(trip.at.date())
        if odd == "no-position" or standing is None or not standing.points:
            return None
        latitude, longitude = standing.points[0]
        away = rng.uniform(3000, 8000) if odd == "far" else min(abs(rng.gauss(0, 110)), 420.0)
        if odd == "silent-gcj02":
            away = min(away, 40.0)
        north, east = rng.choice(((1, 0), (-1, 0), (0, 1), (0, -1)))
        latitude += north * away / _METRES_A_DEGREE
        longitude += east * away / (_METRES_A_DEGREE * cos(radians(latitude)))
        if odd in ("gcj02", "silent-gcj02"):
            latitude, longitude = datum.from_wgs84(latitude, longitude, datum.GCJ02)
        accuracy = rng.uniform(120, 900) if odd == "rough" else rng.uniform(4, 60)
        crs = Crs.GCJ02 if odd == "gcj02" else Crs.WGS84
        return Position(round(latitude, 6), round(longitude, 6), round(accuracy, 1), crs)

    def _visit(self, person: str, sent: CheckIn, received: datetime) -> Visit:
        at = sent.position
        point = datum.to_wgs84(at.latitude, at.longitude, at.crs) if at else (None, None)
        day = sent.day(self._deployment.zone)
        place = str(sent.place)
        return Visit(
            id=sent.id,
            person=person,
            place=place,
            asked_place=place,
            path=self._tree.path(place, day),
            activity=sent.activity,
            captured_at=sent.captured_at,
            occurred_at=sent.occurred_at,
            day=day,
            received_at=received,
            latitude=point[0],
            longitude=point[1],
            accuracy_m=at.accuracy_m if at else None,
            crs=at.crs if at else None,
            raw_latitude=at.latitude if at else None,
            raw_longitude=at.longitude if at else None,
            functions=sent.functions,
            note=sent.note,
            device=sent.device,
            skew_s=sent.skew_s,
            content=sent.digest(),
        )

    def _judged(self, visit: Visit, digest: str) -> Visit:
        """The visit with the findings and the status that the service would have given it."""
        facts = self._facts(visit, self.album.holders.get(digest, ()))
        found = checks.examine(facts, self._deployment.limits)
        return replace(visit, findings=found, status=checks.status(found, facts, self._now, self._deployment.limits))

    def _facts(self, visit: Visit, holders: Sequence[Visit]) -> CheckInFacts:
        place = self._tree[visit.place]
        standing = place.on(visit.day)
        radius = radius_of(place, visit.day, self._deployment.radii)
        away = shifted = None
        if visit.point and standing:
            away = geodesy.distance_to_place_m(*visit.point, standing.points, standing.polygon)
            if away is not None and away > radius and visit.crs == Crs.WGS84:
                read_as = datum.to_wgs84(*visit.point, Crs.GCJ02)
                shifted = geodesy.distance_to_place_m(*read_as, standing.points, standing.polygon)
        return CheckInFacts(
            activity=visit.activity,
            captured_at=visit.captured_at,
            occurred_at=visit.occurred_at,
            received_at=visit.received_at,
            radius_m=radius,
            covered=any(
                p.start <= visit.day
                and (p.end is None or visit.day <= p.end)
                and self._tree.lies_in(visit.place, p.place, visit.day)
                for p in self._posted.get(visit.person, ())
            ),
            announced=visit.photos,
            announced_in_time=visit.photos,
            missing=visit.missing,
            skew_s=visit.skew_s,
            mock=visit.device.get("mock") is True,
            has_position=visit.point is not None,
            accuracy_m=visit.accuracy_m,
            away_m=away,
            away_as_gcj02_m=shifted,
            copies=sorted(v.id for v in holders if v.order < visit.order and not _put_right(v, visit)),
            previous=self._before(visit),
        )

    def _before(self, visit: Visit) -> Previous | None:
        last = self._previous.get(visit.person)
        if visit.point is None or last is None or last.point is None:
            return None
        seconds = (visit.occurred_at - last.occurred_at).total_seconds()
        return Previous(geodesy.distance_m(*visit.point, *last.point), seconds, last.accuracy_m)

    def _decided(self, sent: Sent) -> Sent:
        """What the township's office has made of a visit under review: most of the older ones are decided."""
        rng, visit = self._rng, sent.visit
        waiting = visit.status is VisitStatus.REVIEW and self._now - visit.received_at > _DECIDED_AFTER
        if not waiting or rng.random() < 0.15:
            return sent
        ruling = rng.choices([Ruling.CONFIRM, Ruling.REJECT, Ruling.RETURN], weights=(80, 12, 8))[0]
        at = visit.received_at + timedelta(minutes=rng.randrange(40, 60 * 40))
        township = self._tree.township_of(visit.place, local_day(at, self._deployment.zone))
        reason = rng.choice(words()[f"{ruling.value}_reasons"])
        after = decided(visit, ruling)
        decision = Decision(ruling, reason, reviewer_code(township.code if township else ""), at, after.version)
        line = decision_line(decision.by, "decided", visit, after, reason)
        return replace(sent, visit=after, lines=(*sent.lines, (at, line)), decisions=(decision,))


def _put_right(earlier: Visit, visit: Visit) -> bool:
    own = earlier.person == visit.person and earlier.day == visit.day
    return own and earlier.status is VisitStatus.REJECTED
