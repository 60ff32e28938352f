"""Check-ins that a phone could not send: its queue, saved as a file and brought to the office (docs/handed-in.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from server.domain import problems
from server.domain.access import Caller, GrantKind, Scope, scope_of
from server.domain.checkins import CheckIn, Entry, Visit
from server.domain.checks import VisitStatus
from server.domain.periods import local_day
from server.domain.places import Tree
from server.domain.problems import Problem, invalid
from server.services import visits
from server.services.arriving import MovedOn, Picture, announced, arrived, keep, store_pictures
from server.services.deployment import Deployment
from server.services.examining import Ground, examine, ground, still_shared
from server.services.paper import concerned
from server.services.visits import TRIES, Answer, claim, counted, find, finish, neighbours, new_visit
from server.storage import people, visit_photos
from server.storage import visits as rows
from server.storage.logbook import Line


class Outcome(StrEnum):
    """What became of a record of the file."""

    ENTERED = "entered"
    COMPLETED = "completed"  # the service had the record, and has now got photos that were missing
    PRESENT = "present"  # the service had all of it


@dataclass(frozen=True, slots=True)
class Handed:
    """One check-in of the file, and its photos, checked."""

    sent: CheckIn
    pictures: Sequence[Picture]


def hand_in(
    deployment: Deployment, caller: Caller, person: str, handed: Handed, now: datetime
) -> tuple[Answer, Outcome]:
    """Takes one check-in of a person's file, with all its photos, or nothing of it.

    It keeps its id, so that the phone may still send it itself, and is under review until somebody else than the caller
    decides. Raises Problem: OWN_VISIT; INVALID for a person or a place that does not exist as far as the caller may
    know; FORBIDDEN without a reviewer's grant for the place; VISIT_DIFFERS for other content under the same id,
    CONFLICT for another person's id.
    """
    if person == caller.person:
        raise Problem(problems.OWN_VISIT)
    sent, pictures = handed.sent, handed.pictures
    if len(sent.photos) > deployment.settings.photos_max:
        raise invalid("/photos", "count", min=0, max=deployment.settings.photos_max)
    for attempt in range(TRIES):
        try:
            with deployment.database.read() as connection:
                # Before the person: who asks about a place outside their area learns nothing of who there is.
                _check_named(deployment, caller, sent, deployment.world(connection).tree, now)
                if people.find(connection, person) is None:
                    raise invalid("/person", "not-exist")
                on = ground(connection, deployment, person, sent.id)
                if on.taken:
                    break
                visit = _entered(_visit(deployment, person, sent, on, now), caller)
                scope = _check_right(deployment, caller, visit, on.world.tree, now, sent)
                if not concerned(on.postings, on.world.tree, scope, visit.place, visit.day):
                    raise invalid("/person", "not-exist")
                photos = arrived(connection, announced(sent, now), pictures, deployment, now)
                found = examine(connection, deployment, on, visit, photos, now)
            if attempt == 0:
                keep(deployment, pictures)
            with deployment.database.write() as connection:
                claim(connection, person, on)
                if not rows.insert_new(connection, found.visit):
                    raise MovedOn
                visit_photos.announce(connection, sent.id, photos)
                store_pictures(connection, photos, pictures, deployment, now)
                if pictures and not still_shared(connection, deployment, found, photos):
                    raise MovedOn
                finish(connection, found, [_line(caller, found.visit)], now)
            neighbours(deployment, now, found.touched)
            return Answer(found.visit, photos, counted(found), on.world.tree, created=True), Outcome.ENTERED
        except MovedOn:
            continue
    else:
        raise Problem(problems.UNAVAILABLE, retry_after=1)
    return _again(deployment, caller, person, handed, now)


def _visit(deployment: Deployment, person: str, sent: CheckIn, on: Ground, now: datetime) -> Visit:
    if sent.place is not None and sent.place not in on.world.tree:
        raise invalid("/place", "not-exist")  # in the words for what lies outside the caller's area
    return new_visit(deployment, person, sent, on, now)


def _entered(visit: Visit, caller: Caller) -> Visit:
    return replace(visit, status=VisitStatus.REVIEW, held=True, entry=Entry.HANDED_IN, entered_by=caller.person)


def _check_named(deployment: Deployment, caller: Caller, sent: CheckIn, tree: Tree, now: datetime) -> None:
    if sent.place is None:
        return
    scope, day = scope_of(caller, tree, local_day(now, deployment.zone)), sent.day(deployment.zone)
    if sent.place not in tree or not scope.holds("", tree.path(sent.place, day)):
        raise invalid("/place", "not-exist")


def _check_right(
    deployment: Deployment, caller: Caller, visit: Visit, tree: Tree, now: datetime, sent: CheckIn
) -> Scope:
    """What the caller may see; raises Problem unless they may review what happens at the visit's place.

    Where the record names no place it is the person's, and they are not there as far as the caller may know.
    """
    path = tree.path(visit.place, visit.day)
    scope = scope_of(caller, tree, local_day(now, deployment.zone))
    if not scope.holds("", path):
        raise invalid("/person" if sent.place is None else "/place", "not-exist")
    if not caller.has({GrantKind.REVIEWER}, path):
        raise Problem(problems.FORBIDDEN)
    return scope


def _again(
    deployment: Deployment, caller: Caller, person: str, handed: Handed, now: datetime
) -> tuple[Answer, Outcome]:
    """What the service has already: the phone got through after all, or the file comes a second time.

    A photo is taken for it all the same if its person had announced it: the digest says that it is just that one.
    """
    answer = find(deployment, handed.sent.id)
    if answer is None or answer.visit.person != person:
        raise Problem(problems.CONFLICT)
    _check_right(deployment, caller, answer.visit, answer.tree, now, handed.sent)
    if answer.visit.content != handed.sent.digest():
        raise Problem(problems.VISIT_DIFFERS)
    awaited = {photo.digest for photo in answer.photos if photo.missing}
    missing = [picture for picture in handed.pictures if picture.digest in awaited]
    for picture in missing:
        answer, _ = visits.receive_photo(deployment, person, handed.sent.id, picture, now, by=caller.person)
    return replace(answer, created=False), Outcome.COMPLETED if missing else Outcome.PRESENT


def _line(caller: Caller, visit: Visit) -> Line:
    after = {"status": visit.status.value, "entry": visit.entry, "day": visit.day.isoformat(), "place": visit.place}
    detail = {"before": None, "after": after}
    return Line(caller.person, "entered", "visit", visit.id, detail, visit.path)
