"""Looking at visits and their photos, inside the caller's area."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import structlog

from server.adapters import geodesy, pictures
from server.adapters.measures import metres
from server.adapters.messages import text
from server.adapters.photos import Renditions
from server.domain import problems
from server.domain.access import Caller, GrantKind, Scope, areas, scope_of
from server.domain.checkins import Visit, VisitPhoto
from server.domain.checks import VisitStatus
from server.domain.decisions import NOTHING, barred, rulings, senders, takes_additions, unappealable
from server.domain.periods import local_day
from server.domain.places import Tree
from server.domain.problems import Problem, invalid
from server.services import visits
from server.services.aftermath import can_take_position
from server.services.deployment import Deployment
from server.services.reports import LATEST, MAX_SPAN
from server.services.visits import Answer
from server.storage import decisions, people, visit_photos
from server.storage import visits as rows
from server.storage.database import Connection

_RETRY_S: Final = 60

_log = structlog.get_logger(__name__)

EXPORTED = ("id", "person", "person_name", "place", "place_name", "township", "township_name", "activity",
            "captured_at", "day", "received_at", "latitude", "longitude", "accuracy_m", "status", "functions", "note",
            "photos", "imported")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resembling:
    """An earlier photo that one of a visit's resembles: its number among those of that photo, and whom to ask."""

    photo: str
    number: int
    other: str
    visit: str
    day: date
    percent: int
    office: str
    office_name: str
    inside: bool  # the caller's area


@dataclass(frozen=True, slots=True)
class Seen:
    """Visits with what is needed to show them: their photos, the people's names, the places as they stand."""

    answers: list[Answer]
    people: Mapping[str, people.Person]
    tree: Tree
    rejected_later: Mapping[str, datetime]  # of one's own visits: when the checks rejected what they had taken before
    resembles: Sequence[Resembling] = ()  # earlier photos, of one visit for its reviewers


def see(deployment: Deployment, caller: Caller, visit: str, now: datetime) -> Seen:
    """One visit; raises Problem NOT_FOUND for one outside the caller's area, the same as for none."""
    answer = visits.find(deployment, visit)
    if answer is None or not _may_see(deployment, caller, answer.visit, answer.tree, now):
        raise Problem(problems.NOT_FOUND)
    with deployment.database.read() as connection:
        named = people.named(connection, _named_in([answer]))
        return Seen([answer], named, answer.tree, _rejected_later(connection, caller, [answer]))


def shown(deployment: Deployment, caller: Caller, answer: Answer) -> Seen:
    """A visit just taken or decided, to be answered to who did it; read is only who else it names."""
    known = {caller.person: people.Person(caller.person, caller.name)}
    others = _named_in([answer]) - known.keys()
    if not others and (answer.created or answer.visit.status is not VisitStatus.REJECTED):
        return Seen([answer], known, answer.tree, {})
    with deployment.database.read() as connection:
        known |= people.named(connection, others)
        return Seen([answer], known, answer.tree, _rejected_later(connection, caller, [answer]))


def _rejected_later(connection: Connection, caller: Caller, answers: Sequence[Answer]) -> Mapping[str, datetime]:
    own = [
        visit.id
        for visit in (answer.visit for answer in answers)
        if visit.person == caller.person and visit.status is VisitStatus.REJECTED and not visit.decided
    ]
    return decisions.rejected_later(connection, own) if own else {}


def _named_in(answers: Sequence[Answer]) -> set[str]:
    """Everybody whom these visits name: their people, who entered them, and who decided on them."""
    found = {answer.visit.person for answer in answers}
    found |= {answer.visit.entered_by for answer in answers if answer.visit.entered_by}
    return found | {decision.by for answer in answers for decision in answer.record.decisions}


def find_visits(
    deployment: Deployment, caller: Caller, sought: rows.Sought, place: str | None, limit: int, now: datetime
) -> Seen:
    """A page of visits inside the caller's area, latest first, and one more if there are more.

    Raises Problem INVALID for a place that does not exist.
    """
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        scope, sought = _within(connection, tree, caller, sought, place, local_day(now, deployment.zone))
        found = rows.listed(connection, scope, sought, limit + 1)
        photos = visit_photos.photos_of_all(connection, [visit.id for visit in found])
        records = decisions.records(connection, [visit.id for visit in found if visit.decided or visit.held])
        answers = [
            Answer(visit, photos.get(visit.id, []), [], tree, record=records.get(visit.id, NOTHING)) for visit in found
        ]
        named = people.named(connection, _named_in(answers))
        return Seen(answers, named, tree, _rejected_later(connection, caller, answers))


def every_visit(
    deployment: Deployment, caller: Caller, sought: rows.Sought, place: str | None, now: datetime
) -> Iterator[dict[str, Any]]:
    """The same visits one by one and without pages, each as cells under `EXPORTED`.

    Of the last 400 days, unless the days asked for say otherwise. Raises Problem INVALID as `find_visits`, and at `/to`
    for more than 400 days.
    """
    today = local_day(now, deployment.zone)
    last = sought.last or (min(sought.first + MAX_SPAN, LATEST) if sought.first else today)
    first = sought.first or last - MAX_SPAN
    if last > first + MAX_SPAN:
        raise invalid("/to", "range", min=first.isoformat(), max=(first + MAX_SPAN).isoformat())
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        asked = replace(sought, first=first, last=last, after=None)
        scope, asked = _within(connection, tree, caller, asked, place, today)
    return _streamed(deployment, tree, scope, asked)


def _streamed(deployment: Deployment, tree: Tree, scope: Scope, asked: rows.Sought) -> Iterator[dict[str, Any]]:
    with deployment.database.stream() as connection:
        for visit in rows.streamed(connection, scope, asked):
            township = tree.township_of(visit.place, visit.day)
            cells = {name: getattr(visit, name, None) for name in EXPORTED}
            cells |= {
                "place_name": tree[visit.place].name,
                "township": township.code if township else None,
                "township_name": township.name if township else None,
                "captured_at": visit.captured_at.astimezone(deployment.zone),
                "received_at": visit.received_at.astimezone(deployment.zone),
                "functions": " ".join(visit.functions),
            }
            yield cells


def _within(
    connection: Connection, tree: Tree, caller: Caller, sought: rows.Sought, place: str | None, today: date
) -> tuple[Scope, rows.Sought]:
    """What the caller may see of what is sought, whose place becomes every path it ever had."""
    scope = scope_of(caller, tree, today)
    if sought.waits_for is not None:
        scope = Scope(None, areas(caller.grants, tree, today, {GrantKind.REVIEWER}))
    if place is not None:
        _check_place(connection, place, scope, tree, caller, today)
        sought = replace(sought, place=tree.paths(place))
    return scope, sought


def _check_place(connection: Connection, place: str, scope: Scope, tree: Tree, caller: Caller, today: date) -> None:
    """Raises Problem INVALID for a place outside the caller's area and postings: it does not exist for them."""
    if place in tree:
        path = tree.path(place, today)
        if any(path.startswith(area) for area in scope.areas):
            return
        postings = people.postings_of(connection, [caller.person]).get(caller.person, [])
        if any(f"/{posting.place}/" in path for posting in postings):
            return
    raise invalid("/place", "not-exist")


def is_reviewer(caller: Caller, visit: Visit) -> bool:
    """Whether the caller reviews visits there, and so sees what only reviewers see: never of one's own."""
    return caller.person != visit.person and caller.has({GrantKind.REVIEWER}, visit.path)


def can(deployment: Deployment, caller: Caller, answer: Answer, seen: Seen, now: datetime) -> list[str]:
    """What the caller may do with the visit now: `confirm`, `reject`, `return`, `take-position`, `appeal`, `add`."""
    visit, record = answer.visit, answer.record
    found: list[str] = []
    if caller.has({GrantKind.REVIEWER}, visit.path) and barred(caller.person, visit, record) is None:
        found += rulings(visit)
        if can_take_position(visit, answer.tree):
            found.append("take-position")
    later, days = seen.rejected_later.get(visit.id), deployment.settings.appeal_days
    if caller.person == visit.person and unappealable(visit, record, later, now, days) is None:
        found.append("appeal")
    if caller.person in senders(visit) and takes_additions(visit, record):
        found.append("add")
    return found


def picture(
    deployment: Deployment, caller: Caller, visit: str, digest: str, size: str, stamp: bool, now: datetime
) -> tuple[bytes, str, Visit]:
    """A photo, its media type and its visit: small and upright without metadata, or the original for reviewers.

    Anybody else's original is drawn anew, without metadata, at most 4096 pixels a side. Raises Problem NOT_FOUND for a
    photo that is not this visit's, or has not arrived; UNAVAILABLE for one that has gone from the disk since.
    """
    seen = see(deployment, caller, visit, now)
    photo = _received(seen.answers[0].photos, digest)
    try:
        data, media_type = _drawn(deployment, seen, photo, caller, size, stamp)
        return data, media_type, seen.answers[0].visit
    except FileNotFoundError:
        # Not mounted, perhaps; `daocun scrub` tells of what is lost.
        _log.error("a photo is missing on disk", digest=photo.digest)
        raise Problem(problems.UNAVAILABLE, retry_after=_RETRY_S) from None


def _drawn(
    deployment: Deployment, seen: Seen, photo: VisitPhoto, caller: Caller, size: str, stamp: bool
) -> tuple[bytes, str]:
    if stamp:
        return pictures.stamped(deployment.photos.path(photo.digest), _stamp(deployment, seen)), pictures.JPEG
    if size == "original":
        path = deployment.photos.path(photo.digest)
        if is_reviewer(caller, seen.answers[0].visit):
            with deployment.database.read() as connection:
                stored = visit_photos.known_photo(connection, photo.digest)
            return path.read_bytes(), stored.media_type if stored else pictures.JPEG
        return pictures.rendition(path, "full"), pictures.JPEG
    return Renditions(deployment.photos).get(photo.digest, "thumb" if size == "thumb" else "screen"), pictures.JPEG


def _received(photos: list[VisitPhoto], digest: str) -> VisitPhoto:
    for photo in photos:
        if photo.digest == digest and photo.received_at:
            return photo
    raise Problem(problems.NOT_FOUND)


def _stamp(deployment: Deployment, seen: Seen) -> list[str]:
    """Place, local time, person and distance, in Chinese: what a photo album of paper would say below the picture."""
    visit = seen.answers[0].visit
    township = seen.tree.township_of(visit.place, visit.day)
    names = [township.name] if township and township.code != visit.place else []
    local = visit.occurred_at.astimezone(deployment.zone)
    person = seen.people.get(visit.person)
    lines = [
        " ".join([*names, seen.tree[visit.place].name]),
        local.strftime("%Y-%m-%d %H:%M:%S"),
        person.name if person else visit.person,
    ]
    away = _away(visit, seen.tree)
    if away is not None:
        lines.append(text("finding.stamp-distance", "zh", distance=metres(away, "zh")))
    return lines


def _away(visit: Visit, tree: Tree) -> float | None:
    standing = tree[visit.place].on(visit.day)
    if visit.point is None or standing is None:
        return None
    return geodesy.distance_to_place_m(*visit.point, standing.points, standing.polygon)


def _may_see(deployment: Deployment, caller: Caller, visit: Visit, tree: Tree, now: datetime) -> bool:
    return scope_of(caller, tree, local_day(now, deployment.zone)).holds(visit.person, visit.path)
