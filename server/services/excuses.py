"""What was owed and not done: the person explains it, a supervisor may excuse it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from server.domain import problems
from server.domain.access import Caller, GrantKind
from server.domain.engine import Obligation, Status, status_of
from server.domain.periods import Moment, Window, month_of, window_named
from server.domain.problems import Problem, invalid
from server.services import judging
from server.services.areas import area_now
from server.services.changing import Changed, Done, Ground, change
from server.services.deployment import Deployment
from server.services.imports_base import mark_people
from server.storage import excuses as rows
from server.storage import logbook, people, proposals, register
from server.storage.database import Connection
from server.storage.excuses import Excuse, Key
from server.storage.logbook import Line

SUPERVISORS = frozenset({GrantKind.SUPERVISOR})
EXPLAINED = frozenset({Status.DUE, Status.GRACE, Status.MISSED})
SETTLED = frozenset({Status.MET, Status.EXCUSED})


def window_of(label: str) -> Window:
    """The week or month of this label; raises Problem INVALID at `/window` if there is none."""
    found = window_named(label)
    if found is None:
        raise invalid("/window", "not-exist")
    return found


def explain(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime) -> rows.Explanation:
    """What the caller says of something they owe that is due, in its time of grace, or missed; the last word counts.

    Raises Problem OBLIGATION_NOT_OPEN if they owe no such thing, or it does not stand so.
    """
    window = window_of(body["window"])
    key = (caller.person, body["duty"], body["place"], window.label)
    with deployment.database.write() as connection:
        people.all_versions(connection, [caller.person], lock=True)
        owed = _owed(connection, deployment, key, window, now)
        if owed is None or _status(owed, deployment, now) not in EXPLAINED:
            raise Problem(problems.OBLIGATION_NOT_OPEN)
        rows.explain(connection, key, body["text"], now)
        line = Line(caller.person, "explained", "obligation", _subject(key), {}, owed.path, caller.person,
                    {"text": body["text"]})  # fmt: skip
        logbook.write(connection, now, [line])
    return rows.Explanation(body["text"], now.astimezone(deployment.zone))


def excuse(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """Excuses somebody from one obligation, with a reason; the result is the excuse.

    Raises Problem: OWN_EXCUSE; INVALID for a place that does not exist for the caller, FORBIDDEN without a supervisor's
    grant for it; OBLIGATION_NOT_OPEN, ALREADY_EXCUSED, EXCUSE_CAP.
    """
    return change(deployment, caller, proposals.EXCUSE, body, apply_excuse, now, dry_run)


def take_back(
    deployment: Deployment, caller: Caller, number: int, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """Takes an excuse back, with a reason; raises Problem NOT_FOUND, FORBIDDEN, OWN_EXCUSE."""
    return change(deployment, caller, proposals.EXCUSE_END, {**body, "id": number}, apply_end, now, dry_run)


def apply_excuse(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """An excuse, in the transaction of a change."""
    deployment, now, by = ground.context.deployment, ground.context.now, ground.caller.person
    window = window_of(body["window"])
    key = (body["person"], body["duty"], body["place"], window.label)
    if body["person"] == by:
        raise Problem(problems.OWN_EXCUSE)
    ground.area.require(body["place"], SUPERVISORS, "/place")
    # A supervisor by the grace of who is to be excused is no second person.
    reach = area_now(deployment, connection, ground.caller, now, body["person"]).reach_of(SUPERVISORS)
    if not reach.covers(ground.area.path(body["place"])):
        raise Problem(problems.FORBIDDEN)
    held = rows.in_force(connection, [body["person"]])
    if any((x.person, x.duty, x.place, x.window) == key for x in held):
        raise Problem(problems.ALREADY_EXCUSED)
    owed = _owed(connection, deployment, key, window, now)
    if owed is None or _status(owed, deployment, now) in SETTLED:
        raise Problem(problems.OBLIGATION_NOT_OPEN)
    most = deployment.settings.excuses_per_month
    if sum(_month(x.window) == _month(window.label) for x in held) >= most:
        raise Problem(problems.EXCUSE_CAP, params={"most": most})
    number = rows.add(connection, key, body["reason"], by, now)
    _follow(connection, ground, key, window)
    detail = {"excuse": number, "before": _status(owed, deployment, now), "after": Status.EXCUSED}
    line = Line(by, "excused", "obligation", _subject(key), detail, owed.path, body["person"],
                {"reason": body["reason"]})  # fmt: skip
    logbook.write(connection, now, [line])
    return Done(rows.find(connection, number), body["place"])


def apply_end(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """An excuse taken back, in the transaction of a change."""
    found: Excuse | None = rows.find(connection, body["id"])
    if found is None:
        raise Problem(problems.NOT_FOUND)
    ground.area.require(found.place, SUPERVISORS)
    if found.person == ground.caller.person:
        raise Problem(problems.OWN_EXCUSE)
    key, now, by = (found.person, found.duty, found.place, found.window), ground.context.now, ground.caller.person
    rows.end(connection, found.id, by, now)
    window, deployment = window_of(found.window), ground.context.deployment
    _follow(connection, ground, key, window)
    owed = _owed(connection, deployment, key, window, now)
    after = _status(owed, deployment, now) if owed else None
    detail = {"excuse": found.id, "before": Status.EXCUSED, "after": after}
    line = Line(by, "excuse-ended", "obligation", _subject(key), detail, ground.area.path(found.place),
                found.person, {"reason": body["reason"]})  # fmt: skip
    logbook.write(connection, now, [line])
    return Done(found, found.place)


def _follow(connection: Connection, ground: Ground, key: Key, window: Window) -> None:
    people.bump_facts(connection, [key[0]])
    mark_people(connection, ground.context, [(key[0], window.first, window.last)])


def _owed(connection: Connection, deployment: Deployment, key: Key, window: Window, now: datetime) -> Obligation | None:
    """The obligation as the facts have it now; of two terms in one window, the one that is still open."""
    person, duty, place, _ = key
    revision = register.state(connection).revision
    judged = judging.judged_again(connection, deployment, {person: [window]}, revision)[1]
    found = [o for o in judged if (o.duty, o.place) == (duty, place)]
    return min(found, key=lambda o: _status(o, deployment, now) in SETTLED, default=None)


def _status(owed: Obligation, deployment: Deployment, now: datetime) -> Status:
    return status_of(owed.verdict, owed.opens_on, owed.due_on, Moment.of(now, deployment.zone))


def _month(label: str) -> str:
    """The month in which a window ends."""
    return month_of(window_of(label).last).label


def _subject(key: Key) -> str:
    return " ".join(key)
