"""Gathers the facts about one visit and lets the domain decide: its findings, its status, and what it counts for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from server.adapters import datum, geodesy
from server.domain import checks
from server.domain.checkins import Crs, Visit, VisitPhoto
from server.domain.checks import CheckInFacts, PhotoFact, Previous, VisitStatus
from server.domain.engine import Obligation, PersonFacts, World, judge
from server.domain.periods import midnight, month_of, week_of
from server.domain.places import Level, radius_of, resolve, stand_in
from server.domain.postings import Leave, Posting
from server.services.deployment import Deployment
from server.services.judging import is_stored
from server.storage import obligations, people
from server.storage import visits as rows
from server.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Ground:
    """What a decision about one person's visit rests on."""

    versions: people.Versions
    world: World
    postings: Sequence[Posting]
    leaves: Sequence[Leave]
    excused: frozenset[tuple[str, str, str]]
    taken: bool  # whether the visit that was asked for is there


@dataclass(frozen=True, slots=True)
class Examined:
    """A visit with its new findings and status, and what follows from them."""

    visit: Visit
    judged: list[Obligation]  # everything the person owes in the visit's week and month
    changes: tuple[list[Obligation], list[Obligation], list[obligations.Key]]
    touched: list[str]  # other visits whose findings may now be others
    shared: frozenset[rows.Sharer] = frozenset()  # the visits that have a picture in common with it


def ground(connection: Connection, deployment: Deployment, person: str, visit: str = "") -> Ground:
    """Reads what a decision about the person rests on, with versions by which a later change is noticed.

    `visit` is an id to look for meanwhile.
    """
    facts = people.standing(connection, person, visit)
    if facts is None:
        raise LookupError(person)
    world = deployment.world(connection, facts.versions.revision)
    return Ground(facts.versions, world, facts.postings, facts.leaves, facts.excused, facts.taken)


def place_of(named: str | None, day: date, point: tuple[float, float] | None, on: Ground) -> str | None:
    """Where a visit is stored, given the place that the phone named; none if that cannot be known."""
    held = [(p.role, p.place) for p in on.postings if p.in_force(day)]
    return resolve(named, day, point, held, on.world.tree, geodesy.rough_distance_m)


def place_after(visit: Visit, on: Ground) -> str:
    """Where a visit belongs that is stored already.

    One that a person has decided, or that came in otherwise, stays where it is unless that place has ended. So does one
    that named a district without a central village now.
    """
    tree = on.world.tree
    if visit.is_examined:
        known = place_of(visit.asked_place, visit.day, visit.point, on)
        return known or stand_in(visit.place, visit.day, visit.point, tree, geodesy.rough_distance_m)
    named = tree.places.get(visit.asked_place or "")
    at = visit.place if named is None or named.level is Level.DISTRICT else named.code
    return stand_in(at, visit.day, visit.point, tree, geodesy.rough_distance_m)


def examine(
    connection: Connection,
    deployment: Deployment,
    on: Ground,
    visit: Visit,
    photos: Sequence[VisitPhoto],
    now: datetime,
    before: Visit | None = None,
) -> Examined:
    """Works out the visit's findings and status and judges its week and month.

    `before` is the visit as it stands in the database, none for a new one. A visit that a person has decided, that was
    imported or came on paper keeps its status; one that waits for a person gets its findings, and goes on waiting.
    """
    windows = (week_of(visit.day), month_of(visit.day))
    begins = min(midnight(window.first, deployment.zone) for window in windows)
    sketches = [s for s in rows.since(connection, visit.person, begins) if s.fact.id != visit.id]
    shared = _sharers(connection, deployment, visit, photos)
    announced = [photo for photo in photos if photo.withdrawn_at is None]
    visit = replace(
        visit,
        path=on.world.tree.path(visit.place, visit.day),
        photos=len(announced),
        missing=sum(photo.missing for photo in announced),
    )
    if visit.is_examined:
        earlier = [s for s in shared if (s.occurred_at, s.id) < visit.order and not _put_right(s, visit)]
        facts = _facts(deployment, on, visit, photos, sketches, earlier)
        findings = checks.examine(facts, deployment.limits)
        status = checks.status(findings, facts, now, deployment.limits)
        visit = replace(visit, findings=findings, status=VisitStatus.REVIEW if visit.held else status)
    labels = [window.label for window in windows if is_stored(window, on.versions)]
    others = [s.fact for s in sketches if any(s.fact.day in window for window in windows)]
    person = PersonFacts(visit.person, on.postings, on.leaves, [*others, visit.fact()], on.excused)
    judged = judge(person, windows, on.world)
    stored = obligations.stored_of(connection, visit.person, labels)
    changes = obligations.differences(stored, (o for o in judged if o.window in labels))
    return Examined(visit, judged, changes, _touched(visit, before, sketches, shared), frozenset(shared))


def still_shared(connection: Connection, deployment: Deployment, found: Examined, photos: Sequence[VisitPhoto]) -> bool:
    """Whether the visit's pictures are shared with just those visits that were seen when it was examined.

    To be asked while the pictures are held, for nothing else keeps two people's visits from missing each other.
    """
    now = _sharers(connection, deployment, found.visit, photos)
    return {(s.id, s.exact) for s in now} == {(s.id, s.exact) for s in found.shared}


def _facts(
    deployment: Deployment,
    on: Ground,
    visit: Visit,
    photos: Sequence[VisitPhoto],
    sketches: Sequence[rows.Sketch],
    earlier: Sequence[rows.Sharer],
) -> CheckInFacts:
    tree = on.world.tree
    place = tree[visit.place]
    radius = radius_of(place, visit.day, deployment.radii)
    standing = place.on(visit.day)
    away = as_gcj02 = None
    point, misread = visit.point, gives_gcj02(on, visit)
    if visit.point and standing:
        away = geodesy.distance_to_place_m(*visit.point, standing.points, standing.polygon)
        if away is not None and away > radius and visit.crs == Crs.WGS84:
            shifted = datum.to_wgs84(*visit.point, Crs.GCJ02)
            as_gcj02 = geodesy.distance_to_place_m(*shifted, standing.points, standing.polygon)
            if misread and as_gcj02 is not None and as_gcj02 <= radius:
                point = shifted
    announced = [photo for photo in photos if photo.withdrawn_at is None]
    return CheckInFacts(
        activity=visit.activity,
        captured_at=visit.captured_at,
        occurred_at=visit.occurred_at,
        received_at=visit.received_at,
        radius_m=radius,
        covered=any(p.in_force(visit.day) and tree.lies_in(visit.place, p.place, visit.day) for p in on.postings),
        announced=len(announced),
        announced_in_time=sum(photo.in_time and not photo.found_unreadable for photo in photos),
        missing=visit.missing,
        skew_s=visit.skew_s,
        mock=visit.device.get("mock") is True,
        has_position=visit.point is not None,
        accuracy_m=visit.accuracy_m,
        away_m=away,
        away_as_gcj02_m=as_gcj02,
        gives_gcj02=misread,
        photos=[_photo_fact(photo, point) for photo in announced if photo.received_at],
        copies=sorted(s.id for s in earlier if s.exact),
        near_copies=sorted({s.id for s in earlier if not s.exact}),
        previous=_previous(visit, sketches),
    )


def gives_gcj02(on: Ground, visit: Visit) -> bool:
    """Whether what the phone called WGS-84 may be GCJ-02, as reviewers have found of this person's earlier visits."""
    since = on.versions.gcj02_from
    return visit.crs == Crs.WGS84 and since is not None and visit.occurred_at > since


def _photo_fact(photo: VisitPhoto, point: tuple[float, float] | None) -> PhotoFact:
    away = None
    if point and photo.latitude is not None and photo.longitude is not None:
        away = geodesy.distance_m(*point, photo.latitude, photo.longitude)
    return PhotoFact(away, photo.taken_at, photo.found_unreadable)


def _previous(visit: Visit, sketches: Sequence[rows.Sketch]) -> Previous | None:
    if visit.point is None:
        return None
    found = None
    for sketch in sketches:
        if sketch.order < visit.order and sketch.comparable:
            found = sketch
    if found is None or found.latitude is None or found.longitude is None:
        return None
    away = geodesy.distance_m(*visit.point, found.latitude, found.longitude)
    return Previous(away, (visit.occurred_at - found.occurred_at).total_seconds(), found.accuracy_m)


def _sharers(
    connection: Connection, deployment: Deployment, visit: Visit, photos: Sequence[VisitPhoto]
) -> list[rows.Sharer]:
    # Only what was sent in full counts: announcing a stranger's digest shows nothing.
    digests = [photo.digest for photo in photos if photo.received_at and not photo.new]
    return rows.sharers(connection, visit.id, digests, deployment.limits.near_copy_percent)


def _put_right(sharer: rows.Sharer, visit: Visit) -> bool:
    """Whether the other visit is this person's own rejected try of the same day, which this one puts right."""
    return sharer.person == visit.person and sharer.status == VisitStatus.REJECTED and sharer.day == visit.day


def _touched(
    visit: Visit, before: Visit | None, sketches: Sequence[rows.Sketch], shared: Sequence[rows.Sharer]
) -> list[str]:
    """Other visits that looked, or will now look, at this one: the next ones of the person, and later sharers.

    Only if what they see of it has changed: pictures that have come, and whether it was rejected. Otherwise visits
    that share a picture would set each other off without end.
    """
    rejected = visit.status == VisitStatus.REJECTED
    was_rejected = before is None or before.status == VisitStatus.REJECTED
    if before is not None and rejected == was_rejected and visit.missing == before.missing:
        return []
    touched = {s.id for s in shared if (s.occurred_at, s.id) > visit.order and not s.decided}
    if rejected != was_rejected:
        for sketch in sketches:
            if sketch.order > visit.order and not sketch.imported:
                if not sketch.decided:
                    touched.add(sketch.fact.id)
                if sketch.fact.status != VisitStatus.REJECTED and sketch.latitude is not None:
                    break
    return sorted(touched)
