"""Visits made without a phone: entered by the office from paper, counted once a second person confirms them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from server.domain import problems
from server.domain.access import Caller, GrantKind, Scope, scope_of
from server.domain.checkins import CheckIn, Entry, Visit, VisitPhoto
from server.domain.checks import VisitStatus
from server.domain.periods import DAY, local_day, midnight, month_of
from server.domain.places import Level, Tree
from server.domain.postings import Posting
from server.domain.problems import Problem, invalid
from server.services.deployment import Deployment
from server.services.examining import Ground, examine, ground
from server.services.visits import TRIES, Answer, MovedOn, claim, counted, find, finish, neighbours
from server.storage import decisions as decided
from server.storage import people, visit_photos
from server.storage import visits as rows
from server.storage.database import Connection
from server.storage.logbook import Line

AHEAD = timedelta(minutes=5)  # of the office's own clock


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on paper, and why there was no check-in; `photos` are digests of pictures of the paper."""

    person: str
    place: str
    activity: str
    captured_at: datetime
    reason: str
    photos: tuple[str, ...] = ()
    id: str | None = None


def enter(deployment: Deployment, caller: Caller, sheet: Sheet, now: datetime) -> Answer:
    """Enters a visit from paper for somebody else; it is under review until a second person decides.

    The same again under the same id answers with the visit as it stands. Raises Problem: OWN_VISIT; INVALID for a
    person or a place that does not exist as far as the caller may know, and for an instant to come; FORBIDDEN without a
    reviewer's grant for the place; PAPER_CAP; VISIT_DIFFERS for other content under the same id.
    """
    if len(sheet.photos) > deployment.settings.photos_max:
        raise invalid("/photos", "count", min=0, max=deployment.settings.photos_max)
    if sheet.captured_at > now + AHEAD:
        raise invalid("/captured_at", "not-yet")
    number = sheet.id or str(uuid.uuid4())
    day = local_day(sheet.captured_at, deployment.zone)
    for _ in range(TRIES):
        try:
            with deployment.database.read() as connection:
                scope = scope_of(caller, deployment.world(connection).tree, local_day(now, deployment.zone))
                place = _place(connection, deployment, caller, sheet, scope, day)
                on = _person(connection, deployment, caller, sheet, scope, place, day)
                if rows.find(connection, number) is not None:
                    return _again(deployment, caller, sheet, number)
                _check_cap(connection, deployment, sheet.person, day)
                visit = _visit(sheet, number, caller, place, day, now)
                announced = [VisitPhoto(d, n, in_time=True, announced_at=now) for n, d in enumerate(sheet.photos)]
                found = examine(connection, deployment, on, visit, announced, now)
            with deployment.database.write() as connection:
                claim(connection, sheet.person, on)
                if not rows.insert_new(connection, found.visit):
                    raise MovedOn
                visit_photos.announce(connection, number, announced)
                finish(connection, found, [_line(caller, found.visit)], now)
            neighbours(deployment, now, found.touched)
            return Answer(found.visit, announced, counted(found), on.world.tree, created=True)
        except MovedOn:
            continue
    raise Problem(problems.UNAVAILABLE, retry_after=1)


def _place(
    connection: Connection, deployment: Deployment, caller: Caller, sheet: Sheet, scope: Scope, day: date
) -> str:
    """Where the visit is stored; a district stands for its central village, as in a check-in."""
    tree = deployment.world(connection).tree
    if sheet.place not in tree or not scope.holds("", tree.path(sheet.place, day)):
        raise invalid("/place", "not-exist")
    place: str | None = sheet.place
    if tree[sheet.place].level is Level.DISTRICT:
        place = tree.central_village(sheet.place, day)
        if place is None:
            raise invalid("/place", "no-central-village")
    assert place is not None
    if not caller.has({GrantKind.REVIEWER}, tree.path(place, day)):
        raise Problem(problems.FORBIDDEN)
    return place


def _person(
    connection: Connection, deployment: Deployment, caller: Caller, sheet: Sheet, scope: Scope, place: str, day: date
) -> Ground:
    """What the visit rests on; somebody exists here who has, or once had, a posting that has to do with the place."""
    if sheet.person == caller.person:
        raise Problem(problems.OWN_VISIT)
    if people.find(connection, sheet.person) is None:
        raise invalid("/person", "not-exist")
    on = ground(connection, deployment, sheet.person)
    if not concerned(on.postings, on.world.tree, scope, place, day):
        raise invalid("/person", "not-exist")
    return on


def concerned(postings: Sequence[Posting], tree: Tree, scope: Scope, place: str, day: date) -> bool:
    """Whether somebody with these postings has, or once had, to do with the place or with what the caller may see."""
    return any(tree.lies_in(place, p.place, day) or scope.holds("", tree.path(p.place, day)) for p in postings)


def _check_cap(connection: Connection, deployment: Deployment, person: str, day: date) -> None:
    """Raises Problem PAPER_CAP for more in the visit's month than are allowed, rejected ones left out."""
    month, most = month_of(day), deployment.settings.paper_per_month
    first, last = midnight(month.first, deployment.zone), midnight(month.last + DAY, deployment.zone)
    if decided.on_paper(connection, person, first, last) >= most:
        raise Problem(problems.PAPER_CAP, params={"most": most})


def _visit(sheet: Sheet, number: str, caller: Caller, place: str, day: date, now: datetime) -> Visit:
    sent = _as_sent(sheet, number)
    return Visit(
        id=number,
        person=sheet.person,
        place=place,
        asked_place=sheet.place,
        path="",
        activity=sheet.activity,
        captured_at=sheet.captured_at,
        occurred_at=sheet.captured_at,
        day=day,
        received_at=now,
        latitude=None,
        longitude=None,
        accuracy_m=None,
        crs=None,
        raw_latitude=None,
        raw_longitude=None,
        functions=(),
        note="",
        device={},
        skew_s=0,
        content=sent.digest(),
        status=VisitStatus.REVIEW,
        held=True,
        entry=Entry.PAPER,
        entered_by=caller.person,
        entry_reason=sheet.reason,
    )


def _as_sent(sheet: Sheet, number: str) -> CheckIn:
    """The same content is the same entry, whoever's it is and why included."""
    note = f"{sheet.person}\n{sheet.reason}"
    return CheckIn(number, sheet.activity, sheet.captured_at, sheet.place, None, sheet.photos, note=note)


def _again(deployment: Deployment, caller: Caller, sheet: Sheet, number: str) -> Answer:
    answer = find(deployment, number)
    if answer is None or answer.visit.entered_by != caller.person:
        raise Problem(problems.CONFLICT)
    if answer.visit.content != _as_sent(sheet, number).digest():
        raise Problem(problems.VISIT_DIFFERS)
    return replace(answer, created=False)


def _line(caller: Caller, visit: Visit) -> Line:
    after = {"status": visit.status.value, "entry": visit.entry, "day": visit.day.isoformat(), "place": visit.place}
    detail = {"before": None, "after": after}
    return Line(
        caller.person, "entered", "visit", visit.id, detail, visit.path, visit.person, {"reason": visit.entry_reason}
    )
