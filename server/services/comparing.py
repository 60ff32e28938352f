"""What a change has changed: obligations and visits before and after, side by side, as far as the caller may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from server.domain.access import Scope
from server.domain.engine import Obligation, Reason, Status, status_of
from server.domain.periods import Moment
from server.domain.places import Tree
from server.services.reports import township_in
from server.storage import people
from server.storage.database import Connection
from server.storage.obligations import Key

MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What is stored of those touched: obligations, and each visit's status, place and path."""

    obligations: Mapping[Key, Obligation]
    visits: Mapping[str, tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an obligation stands."""

    status: Status
    reason: Reason
    opens_on: date
    due_on: date
    needed: int
    done: int


@dataclass(frozen=True, slots=True)
class ChangedObligation:
    """An obligation that stands otherwise than before, is new (no `before`) or is owed no more (no `after`)."""

    duty: str
    person: str
    person_name: str
    place: str
    place_name: str
    township: str | None
    township_name: str | None
    window: str
    before: Standing | None
    after: Standing | None


@dataclass(frozen=True, slots=True)
class VisitState:
    """A visit's status, and the place it counts for."""

    status: str
    place: str


@dataclass(frozen=True, slots=True)
class ChangedVisit:
    """A visit whose status or place is another than before."""

    id: str
    before: VisitState
    after: VisitState


@dataclass(frozen=True, slots=True)
class Compared:
    """The first of what has changed, in order of duty, person, place and window, and how much there is of it in all."""

    obligations: tuple[ChangedObligation, ...] = ()
    total: int = 0
    visits: tuple[ChangedVisit, ...] = ()
    visits_total: int = 0


def compare(
    connection: Connection, before: Found, after: Found, scope: Scope, tree: Tree, now: datetime, zone: ZoneInfo
) -> Compared:
    """What of two states differs, as it stands now; what lies outside the scope is neither listed nor counted."""
    moment = Moment.of(now, zone)
    keys = sorted(before.obligations.keys() | after.obligations.keys(), key=_order)
    found: list[tuple[Obligation, Standing | None, Standing | None]] = []
    for key in keys:
        was, will = before.obligations.get(key), after.obligations.get(key)
        either = will or was
        assert either is not None
        if not any(o is not None and scope.holds(o.person, o.path) for o in (was, will)):
            continue
        stood, stands = _standing(was, moment), _standing(will, moment)
        if stood != stands:
            found.append((either, stood, stands))
    listed = found[:MOST_LISTED]
    named = people.named(connection, {owed.person for owed, _, _ in listed})
    visits = [
        ChangedVisit(visit, VisitState(*then[:2]), VisitState(*now_[:2]))
        for visit, then in sorted(before.visits.items())
        if (now_ := after.visits.get(visit)) is not None and now_[:2] != then[:2]
        if any(scope.holds("", path) for path in (then[2], now_[2]))
    ]
    return Compared(
        tuple(_named(owed, stood, stands, named, tree) for owed, stood, stands in listed),
        len(found),
        tuple(visits[:MOST_LISTED]),
        len(visits),
    )


def _order(key: Key) -> tuple[str, str, str, str, int]:
    person, window, duty, place, turn = key
    return duty, person, place, window, turn


def _standing(owed: Obligation | None, moment: Moment) -> Standing | None:
    if owed is None:
        return None
    status = status_of(owed.verdict, owed.opens_on, owed.due_on, moment)
    return Standing(status, owed.reason, owed.opens_on, owed.due_on, owed.needed, owed.done)


def _named(
    owed: Obligation,
    before: Standing | None,
    after: Standing | None,
    named: Mapping[str, people.Person],
    tree: Tree,
) -> ChangedObligation:
    township = township_in(owed.path, tree)
    return ChangedObligation(
        owed.duty,
        owed.person,
        named[owed.person].name,
        owed.place,
        tree[owed.place].name,
        township,
        tree[township].name if township else None,
        owed.window,
        before,
        after,
    )
