"""What a person's phone shows first: who they are, what is still to do and until when, and what needs their hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from server.domain.access import Caller, Grant
from server.domain.engine import Status
from server.domain.periods import DAY, GRACE, Moment, midnight
from server.domain.places import Tree, radius_of
from server.domain.postings import Posting
from server.services import judging, reports
from server.services.deployment import Deployment
from server.services.reports import Listed
from server.storage import notices, people
from server.storage import reports as rows
from server.storage.people import Person
from server.storage.reports import Waiting

AHEAD = timedelta(days=7)  # what opens within a week is shown already
LOOK_BACK = timedelta(days=30)  # how long a visit that came back stays on the first page
SETTLED = (Status.MET, Status.EXCUSED)


@dataclass(frozen=True, slots=True)
class Named:
    """A place with its township, for the two are always shown together."""

    name: str
    township: str | None
    township_name: str | None


@dataclass(frozen=True, slots=True)
class ToDo:
    """An obligation, on how many more days it must be done, and the instants at which its time ends.

    At `until` its last day is over; at `grace_until` a check-in made without signal no longer keeps it from `missed`.
    """

    listed: Listed
    remaining: int
    until: datetime
    grace_until: datetime


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a place is today: points in WGS-84 (latitude first), and within how many metres a visit counts."""

    code: str
    named: Named
    points: tuple[tuple[float, float], ...]
    radius_m: float


@dataclass(frozen=True, slots=True)
class Me:
    """Everything of the first page; postings are those in force and to come, places all that they and duties name."""

    person: Person
    today: date
    now: datetime
    postings: Sequence[tuple[Posting, Named]]
    grants: Sequence[tuple[Grant, Named]]
    obligations: Sequence[ToDo]
    visits: Sequence[tuple[Waiting, Named]]
    places: Sequence[Spot]
    unread: int  # notices
    photos_needed: Mapping[str, int]  # by activity


def me(deployment: Deployment, caller: Caller, now: datetime) -> Me:
    """What the caller's first page shows: what is owed today, is open, or opens within a week, soonest first."""
    moment = Moment.of(now, deployment.zone)
    today = moment.today
    judging.ensure_judged(deployment, moment.grace_from, today + AHEAD, only=caller.person)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        person = people.find(connection, caller.person)
        assert person is not None  # an account is a person's
        postings = sorted(
            (p for p in people.postings_of(connection, [caller.person]).get(caller.person, ()) if not _over(p, today)),
            key=lambda p: (p.start, p.role, p.place),
        )
        owed = reports.named(connection, rows.near(connection, caller.person, moment, today + AHEAD), tree)
        waiting = rows.waiting_visits(connection, caller.person, today - LOOK_BACK)
        unread = notices.unread(connection, caller.person)
    return Me(
        person=person,
        today=today,
        now=now.astimezone(deployment.zone),
        postings=[(p, place_named(p.place, today, tree)) for p in postings],
        grants=[(g, place_named(g.place, today, tree)) for g in caller.grants],
        obligations=[_to_do(deployment, listed) for listed in owed],
        visits=[(visit, place_named(visit.place, visit.day, tree)) for visit in waiting],
        places=[
            _spot(deployment, code, today, tree)
            for code in sorted({p.place for p in postings} | {listed.obligation.place for listed in owed})
        ],
        unread=unread,
        photos_needed=deployment.limits.photos_needed,
    )


def _spot(deployment: Deployment, code: str, today: date, tree: Tree) -> Spot:
    standing = tree[code].on(today)
    radius = radius_of(tree[code], today, deployment.radii)
    return Spot(code, place_named(code, today, tree), standing.points if standing else (), radius)


def place_named(place: str, day: date, tree: Tree) -> Named:
    """The names of a place and of the township around it, as they stood on the day."""
    township = tree.township_of(place, day)
    return Named(tree[place].name, township.code if township else None, township.name if township else None)


def _over(posting: Posting, today: date) -> bool:
    return posting.end is not None and posting.end < today


def _to_do(deployment: Deployment, listed: Listed) -> ToDo:
    owed = listed.obligation
    until = midnight(owed.due_on + DAY, deployment.zone)
    remaining = 0 if listed.status in SETTLED else max(0, owed.needed - owed.done)
    zone = deployment.zone
    return ToDo(listed, remaining, until.astimezone(zone), (until + GRACE).astimezone(zone))
