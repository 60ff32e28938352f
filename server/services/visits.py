"""Taking a check-in, its photos and its additions. Read, decide, then act in one short transaction.

Nothing is locked while facts are read and decided on. The transaction begins by claiming the person's next change
(`people.take_turn`): if a fact has moved on meanwhile, nothing is written and it is decided again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from server.adapters import datum
from server.domain import problems
from server.domain.checkins import Addition, CheckIn, Visit, VisitPhoto
from server.domain.checks import VisitStatus
from server.domain.decisions import NOTHING, Record, reopened, senders, takes_additions
from server.domain.engine import Obligation
from server.domain.periods import month_of, week_of
from server.domain.places import Level, Tree
from server.domain.problems import Problem, invalid
from server.domain.texts import readable
from server.services.arriving import MovedOn as MovedOn
from server.services.arriving import Picture as Picture
from server.services.arriving import announced, arrived, keep, photo_of, store_pictures, with_addition
from server.services.deployment import Deployment
from server.services.examining import Examined, Ground, examine, ground, place_after, place_of, still_shared
from server.services.judging import is_stored, judged_again
from server.storage import decisions, logbook, obligations, people, visit_photos
from server.storage import visits as rows
from server.storage.database import Connection
from server.storage.prepared import together

_log = structlog.get_logger(__name__)

Changer = Callable[[Connection, Visit, list[VisitPhoto]], list[VisitPhoto] | None]
Actor = Callable[[Connection, list[VisitPhoto]], None]

ADDITIONS = 100  # to one visit
TRIES = 64  # each failed one means that another change of the same person got through


@dataclass(frozen=True, slots=True)
class Answer:
    """A visit as it stands, with its photos and the obligations it counts for; `created` if it was not there before."""

    visit: Visit
    photos: list[VisitPhoto]
    obligations: list[Obligation]
    tree: Tree  # the places as they stood when this was read or decided
    created: bool = False
    record: Record = NOTHING


class _Taken(Exception):
    """The visit's id is in use."""


def check_in(deployment: Deployment, person: str, sent: CheckIn, pictures: Sequence[Picture], now: datetime) -> Answer:
    """Takes a check-in; `pictures` are those that came in the same call.

    The same content again answers with the visit as it stands. Raises Problem: INVALID for a place that does not exist
    or cannot be known, VISIT_DIFFERS for other content under the same id, NOT_FOUND if it is another person's.
    """
    if len(sent.photos) > deployment.settings.photos_max:
        raise invalid("/photos", "count", min=0, max=deployment.settings.photos_max)
    for attempt in range(TRIES):
        try:
            with deployment.database.read() as connection:
                on = ground(connection, deployment, person, sent.id)
                # Before anything is asked of it: what it names may be no more, and its files are nobody's.
                if on.taken:
                    raise _Taken
                visit = new_visit(deployment, person, sent, on, now)
                photos = arrived(connection, announced(sent, now), pictures, deployment, now)
                found = examine(connection, deployment, on, visit, photos, now)
            if attempt == 0:
                keep(deployment, pictures)
            with deployment.database.write(shared=True) as connection:
                with together(connection):
                    turn = people.send_turn(connection, person, on.versions)
                    new = rows.send_new(connection, found.visit)
                if not turn.changed:
                    raise MovedOn
                if not new.changed:
                    raise _Taken
                visit_photos.announce(connection, sent.id, photos)
                store_pictures(connection, photos, pictures, deployment, now)
                if pictures and not still_shared(connection, deployment, found, photos):
                    raise MovedOn
                detail = {"status": found.visit.status.value}
                line = logbook.Line(person, "check-in", "visit", sent.id, detail, found.visit.path)
                finish(connection, found, [line], now)
            neighbours(deployment, now, found.touched)
            return Answer(found.visit, photos, counted(found), on.world.tree, created=True)
        except MovedOn:
            continue
        except _Taken:
            return _again(deployment, person, sent, pictures, now)
    raise Problem(problems.UNAVAILABLE, retry_after=1)


def expect_photo(deployment: Deployment, person: str, visit: str, digest: str) -> None:
    """Raises Problem before a body is read: NOT_FOUND for another's visit, PHOTO_NOT_ANNOUNCED."""
    with deployment.database.read() as connection:
        expected = rows.expects(connection, visit, digest)
    if expected is None or person not in expected[:2]:
        raise Problem(problems.NOT_FOUND)
    if not expected[2]:
        raise Problem(problems.PHOTO_NOT_ANNOUNCED)


def receive_photo(
    deployment: Deployment, person: str, visit: str, picture: Picture, now: datetime, by: str | None = None
) -> tuple[Answer, bool]:
    """Takes a picture for the visit that announced it, perhaps brought `by` somebody else; whether it was new to it."""

    def arrive(connection: Connection, old: Visit, photos: list[VisitPhoto]) -> list[VisitPhoto] | None:
        if photo_of(photos, picture.digest).received_at:
            return None
        return arrived(connection, photos, [picture], deployment, now)

    def act(connection: Connection, photos: list[VisitPhoto]) -> None:
        store_pictures(connection, photos, [picture], deployment, now)
        visit_photos.keep_photo_state(connection, visit, photo_of(photos, picture.digest))

    line = logbook.Line(by or person, "photo", "visit", visit, {"digest": picture.digest})
    return _change(deployment, person, visit, arrive, act, line, now, [picture])


def add(deployment: Deployment, person: str, visit: str, addition: Addition, now: datetime) -> Answer:
    """Adds to a visit that is incomplete, returned, rejected or without a photo that opens.

    The first record is never altered, the same addition again changes nothing. Raises Problem: NOT_FOUND for another's
    visit, VISIT_NOT_OPEN (also after `ADDITIONS` of them), INVALID for a withdrawn picture that was never announced or
    is here already, and for nothing at all on a returned visit.
    """
    before: list[VisitPhoto] = []

    def apply(connection: Connection, old: Visit, photos: list[VisitPhoto]) -> list[VisitPhoto] | None:
        if visit_photos.has_addition(connection, visit, addition.digest()):
            return None
        if not takes_additions(old, _record(connection, old)) or visit_photos.additions(connection, visit) >= ADDITIONS:
            raise Problem(problems.VISIT_NOT_OPEN)
        said = addition.photos or addition.withdrawn or readable(addition.note)
        if old.status is VisitStatus.RETURNED and not said:
            raise invalid("", "nothing-added")  # it would be the office's turn again for nothing
        before[:] = photos
        return with_addition(deployment, old, photos, addition, now)

    def act(connection: Connection, photos: list[VisitPhoto]) -> None:
        if not visit_photos.add_addition(connection, visit, addition.digest(), addition.note, now):
            raise MovedOn
        visit_photos.change_photos(connection, visit, before, photos)

    line = logbook.Line(
        person, "addition", "visit", visit, {"photos": addition.photos, "withdrawn": addition.withdrawn}
    )
    return _change(deployment, person, visit, apply, act, line, now)[0]


def find(deployment: Deployment, visit: str) -> Answer | None:
    """The visit as it stands, whoever asks: the caller's scope is checked by who calls this."""
    with deployment.database.read() as connection:
        found = rows.find(connection, visit)
        if found is None:
            return None
        photos, owed = visit_photos.photos_of(connection, visit), counts_for(connection, deployment, found)
        tree, record = deployment.world(connection).tree, _record(connection, found)
        return Answer(found, photos, owed, tree, record=record)


def work_off(deployment: Deployment, now: datetime, only: Sequence[str] | None = None, limit: int = 500) -> int:
    """Works out again the findings of visits that are marked for it; the number of visits done."""
    if only is not None and not only:
        return 0
    with deployment.database.read() as connection:
        marks = rows.stale(connection, limit, only)
    for visit, its in marks.items():
        _rework(deployment, visit, its, now)
    return len(marks)


def neighbours(deployment: Deployment, now: datetime, touched: Sequence[str]) -> None:
    """Works out other visits that this one touched; the visit itself is stored, so a failure is left to the jobs."""
    try:
        work_off(deployment, now, touched)
    except Exception:
        _log.exception("other visits could not be worked out again", visits=len(touched))


def _rework(deployment: Deployment, visit: str, marks: list[int], now: datetime) -> None:
    for _ in range(TRIES):
        try:
            with deployment.database.read() as connection:
                old = rows.find(connection, visit)
                if old is None:
                    return
                on = ground(connection, deployment, old.person)
                draft = replace(old, place=place_after(old, on))
                found = examine(connection, deployment, on, draft, visit_photos.photos_of(connection, visit), now, old)
            with deployment.database.write(shared=True) as connection:
                claim(connection, old.person, on)
                rows.clear_stale(connection, marks)
                lines = []
                if found.visit != old:
                    found = replace(found, visit=replace(found.visit, version=old.version + 1))
                    rows.keep_worked_out(connection, found.visit)
                    lines = [worked_out(old, found.visit)]
                finish(connection, found, lines, now)
            work_off(deployment, now, found.touched)
            return
        except MovedOn:
            continue


def _change(
    deployment: Deployment,
    person: str,
    visit: str,
    change: Changer,
    act: Actor,
    line: logbook.Line,
    now: datetime,
    pictures: Sequence[Picture] = (),
) -> tuple[Answer, bool]:
    """Applies a change to the photos of a visit by who may send them; whether anything was changed."""
    owner, kept = person, False
    for _ in range(TRIES):
        try:
            with deployment.database.read() as connection:
                on = ground(connection, deployment, owner)
                old = rows.find(connection, visit)
                if old is None or person not in senders(old):
                    raise Problem(problems.NOT_FOUND)
                if old.person != owner:  # who entered it for somebody else
                    owner = old.person
                    continue
                before, record = visit_photos.photos_of(connection, visit), _record(connection, old)
                photos = change(connection, old, before)
                if photos is None:
                    # Written again all the same: the answer promises that it is on disk, and a damaged copy is healed.
                    keep(deployment, pictures)
                    owed = counts_for(connection, deployment, old)
                    return Answer(old, before, owed, on.world.tree, record=record), False
                draft = replace(old, version=old.version + 1)
                if old.status is VisitStatus.RETURNED and not any(photo.missing for photo in photos):
                    draft = reopened(draft)  # completed: it is the office's turn again
                found = examine(connection, deployment, on, draft, photos, now, old)
            if not kept:
                keep(deployment, pictures)
                kept = True
            with deployment.database.write(shared=True) as connection:
                claim(connection, owner, on)
                act(connection, photos)
                if pictures and not still_shared(connection, deployment, found, photos):
                    raise MovedOn
                rows.keep_worked_out(connection, found.visit)
                lines = [replace(line, path=found.visit.path)]
                if found.visit.status != old.status:
                    lines.append(worked_out(old, found.visit))
                finish(connection, found, lines, now)
            neighbours(deployment, now, found.touched)
            return Answer(found.visit, photos, counted(found), on.world.tree, record=record), True
        except MovedOn:
            continue
    raise Problem(problems.UNAVAILABLE, retry_after=1)


def _again(deployment: Deployment, person: str, sent: CheckIn, pictures: Sequence[Picture], now: datetime) -> Answer:
    """What a check-in under an id that is in use is answered."""
    answer = find(deployment, sent.id)
    if answer is None or answer.visit.person != person:
        raise Problem(problems.NOT_FOUND)
    if answer.visit.content != sent.digest():
        raise Problem(problems.VISIT_DIFFERS)
    if sent.device != answer.visit.device:
        with deployment.database.write() as connection:
            said = {"device": sent.device}
            line = logbook.Line(person, "sent-again", "visit", sent.id, {}, answer.visit.path, person, said)
            logbook.write(connection, now, [line])
    here = {photo.digest for photo in answer.photos if photo.withdrawn_at is None}
    for picture in pictures:
        if picture.digest in here:
            answer = receive_photo(deployment, person, sent.id, picture, now)[0]
    return replace(answer, created=False)


def new_visit(deployment: Deployment, person: str, sent: CheckIn, on: Ground, now: datetime) -> Visit:
    """The visit that a check-in becomes, not yet examined; raises Problem INVALID for a place that cannot be known."""
    if sent.place is not None and sent.place not in on.world.tree:
        raise invalid("/place", "unknown-place")
    at, day = sent.position, sent.day(deployment.zone)
    point = datum.to_wgs84(at.latitude, at.longitude, at.crs) if at else None
    place = place_of(sent.place, day, point, on)
    if place is None:
        named_district = sent.place is not None and on.world.tree[sent.place].level is Level.DISTRICT
        raise invalid("/place", "no-central-village" if named_district else "place-needed")
    return Visit(
        id=sent.id,
        person=person,
        place=place,
        asked_place=sent.place,
        path="",
        activity=sent.activity,
        captured_at=sent.captured_at.astimezone(UTC),
        occurred_at=sent.occurred_at,
        day=day,
        received_at=now,
        latitude=point[0] if point else None,
        longitude=point[1] if point else None,
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


def _record(connection: Connection, visit: Visit) -> Record:
    """What people have said on the visit; asked for only where somebody can have said anything."""
    if visit.decided or visit.held:
        return decisions.record_of(connection, visit.id)
    return NOTHING


def claim(connection: Connection, person: str, on: Ground) -> None:
    """Takes the person's turn; raises MovedOn if a fact has changed since `on` was read."""
    if not people.take_turn(connection, person, on.versions):
        raise MovedOn


def finish(connection: Connection, found: Examined, lines: Sequence[logbook.Line], now: datetime) -> None:
    """Writes what follows from a visit that has been examined: verdicts, marks of other visits, log lines."""
    added, changed, gone = found.changes
    rows.mark_stale(connection, found.touched, "neighbour")
    obligations.apply(connection, added, (), gone)
    if len(changed) > obligations.FEW or any(line.personal for line in lines):
        obligations.apply(connection, (), changed, ())
        logbook.write(connection, now, lines)
        return
    with together(connection):
        obligations.apply(connection, (), changed, ())
        logbook.write(connection, now, lines)


def worked_out(old: Visit, new: Visit) -> logbook.Line:
    """The log line of what was worked out anew."""
    changed = [
        {"check": f.check, "outcome": f.outcome.value}
        for f, g in zip(new.findings, old.findings, strict=False)
        if f != g
    ]
    detail = {"before": old.status.value, "after": new.status.value, "findings": changed}
    if old.place != new.place:
        detail |= {"place_before": old.place, "place": new.place}
    return logbook.Line(logbook.SYSTEM, "worked-out", "visit", new.id, detail, new.path)


def counted(found: Examined) -> list[Obligation]:
    """What an examined visit counts for."""
    return _those_with(found.visit, found.judged)


def counts_for(connection: Connection, deployment: Deployment, visit: Visit) -> list[Obligation]:
    """What a stored visit counts for: as stored, or judged now where nobody has asked for its week or month yet."""
    windows = (week_of(visit.day), month_of(visit.day))
    versions = people.versions(connection, visit.person)
    stored = [window.label for window in windows if versions and is_stored(window, versions)]
    found = list(obligations.stored_of(connection, visit.person, stored).values())
    others = [window for window in windows if window.label not in stored]
    if others and versions:
        found += judged_again(connection, deployment, {visit.person: others}, versions.revision)[1]
    return _those_with(visit, found)


def _those_with(visit: Visit, found: Iterable[Obligation]) -> list[Obligation]:
    its = (o for o in found if visit.id in o.visits or visit.id in o.awaited)
    return sorted(its, key=lambda o: (o.duty, o.place, o.turn))
