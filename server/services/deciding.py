"""Decisions of reviewers on visits, and appeals of their persons. Read, decide, then act in one short transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from server.domain import decisions as domain
from server.domain import problems
from server.domain.access import Caller, GrantKind, scope_of
from server.domain.checkins import Visit, VisitPhoto
from server.domain.decisions import Appeal, Decision, Record, Ruling
from server.domain.engine import Obligation, status_of
from server.domain.periods import Moment, local_day, month_of, week_of
from server.domain.problems import Problem, invalid
from server.services import comparing, judging, members
from server.services.aftermath import can_take_position, hold_register, set_datum, take_position
from server.services.comparing import Compared, Found
from server.services.deployment import Deployment
from server.services.examining import Examined, Ground, examine, ground
from server.services.visits import TRIES, Answer, MovedOn, claim, counted, finish, neighbours
from server.storage import changes, obligations, people, visit_photos
from server.storage import decisions as rows
from server.storage import visits as visit_rows
from server.storage.database import Connection
from server.storage.held import Held
from server.storage.logbook import Line

CLOSE = timedelta(days=31)  # a window that the visit's day lies in begins no earlier
NEAR = timedelta(days=400)  # a record of a mistyped year is not judged up to
AT_ONCE = 100  # other visits that are worked out again before the answer; the jobs see to any more


@dataclass(frozen=True, slots=True)
class Said:
    """What a reviewer says of a visit; `if_match` are versions they may have seen, `take_position` makes its point the
    place's own.
    """

    ruling: Ruling
    reason: str
    take_position: bool = False
    if_match: Collection[int] | None = None


class _Undone(Exception):
    """Takes the transaction back."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A visit to be decided on, with all that the decision rests on."""

    visit: Visit
    record: Record
    photos: list[VisitPhoto]
    on: Ground


def decide(deployment: Deployment, caller: Caller, visit: str, said: Said, now: datetime) -> Answer:
    """Decides on a visit, or decides anew; what it counts for is judged in the same transaction.

    Raises Problem: NOT_FOUND outside the caller's area, FORBIDDEN inside it without a reviewer's grant, OWN_VISIT,
    OWN_ENTRY, OWN_DECISION, STALE, ALREADY_DECIDED with that decision as its member, NO_POSITION_TO_TAKE,
    NEEDS_SECOND_PERSON for a position on which visits of the caller's own depend.
    """
    for attempt in range(TRIES):
        try:
            with deployment.database.read() as connection:
                case = _case(connection, deployment, visit)
                _check(connection, deployment, caller, case, said, now)
            if attempt == 0:
                _judge_around(deployment, case.visit.person, case.visit.day, now)
                continue
            with deployment.database.read() as connection:
                before, record = case.visit, case.record
                made = domain.decided(before, said.ruling)
                found = examine(connection, deployment, case.on, made, case.photos, now, before)
                told = _told(connection, deployment, before, found, now)
            decision = Decision(said.ruling, said.reason, caller.person, now, made.version, record.appeal is not None)
            with deployment.database.write() as connection:
                if said.take_position:
                    hold_register(connection)
                claim(connection, before.person, case.on)
                rows.add(connection, visit, decision)
                if said.ruling is not Ruling.RETURN:
                    rows.settle_appeal(connection, visit, now)
                visit_rows.keep_worked_out(connection, found.visit)
                lines = [decision_line(caller.person, "decided", before, found.visit, said.reason, told)]
                more, touched = set_datum(connection, case.on, found.visit, caller.person)
                lines += more
                if said.take_position:
                    line, waiting = take_position(connection, case.on, found.visit, caller.person)
                    lines.append(line)
                    touched += waiting
                finish(connection, found, lines, now)
                record = rows.record_of(connection, visit)
            neighbours(deployment, now, [*found.touched, *touched][:AT_ONCE])
            return _answer(case, found, record)
        except MovedOn:
            continue
    raise Problem(problems.UNAVAILABLE, retry_after=1)


def compare(
    deployment: Deployment, caller: Caller, visit: str, said: Said, now: datetime, dry_run: bool = False
) -> tuple[Answer, Compared]:
    """As `decide`, with the obligations and other visits that change with it; tried out, it is taken back again."""
    with deployment.database.read() as connection:
        case = _case(connection, deployment, visit)
        _check(connection, deployment, caller, case, said, now)
        touched = _touched(connection, case, said)
    for person, day in touched:
        _judge_around(deployment, person, day, now)
    if not dry_run:
        with deployment.database.read() as connection:
            before = _found(connection, touched)
        answer = decide(deployment, caller, visit, said, now)
        with deployment.database.read() as connection:
            return answer, _compared(deployment, connection, caller, before, touched, now)
    tried: list[tuple[Answer, Compared]] = []
    try:
        with deployment.database.write() as connection:
            apart = deployment.apart(Held(connection))
            before = _found(connection, touched)
            answer = decide(apart, caller, visit, said, now)
            tried.append((answer, _compared(apart, connection, caller, before, touched, now)))
            raise _Undone
    except _Undone:
        return tried[0]


def _touched(connection: Connection, case: _Case, said: Said) -> list[tuple[str, date]]:
    """Whose obligations and visits may change, and around which days: others' too, where a place gets its position."""
    touched = [(case.visit.person, case.visit.day)]
    if said.take_position:
        others = rows.open_at(connection, case.on.world.tree.paths(case.visit.place))
        touched += list(others.values())[:AT_ONCE]
    return list(dict.fromkeys(touched))


def _found(connection: Connection, touched: Sequence[tuple[str, date]]) -> Found:
    since: dict[str, date] = {}
    for person, day in touched:
        since[person] = min(day - CLOSE, since.get(person, day))
    return Found(changes.obligations_since(connection, since), changes.visit_states(connection, since))


def _compared(
    deployment: Deployment,
    connection: Connection,
    caller: Caller,
    before: Found,
    touched: Sequence[tuple[str, date]],
    now: datetime,
) -> Compared:
    tree = deployment.world(connection).tree
    scope = scope_of(caller, tree, local_day(now, deployment.zone))
    return comparing.compare(connection, before, _found(connection, touched), scope, tree, now, deployment.zone)


def appeal(deployment: Deployment, caller: Caller, visit: str, reason: str, now: datetime) -> Answer:
    """The person's one appeal against a rejection: the visit waits for somebody else's decision again.

    Raises Problem: NOT_FOUND outside the caller's area, FORBIDDEN inside it for another's, NOT_REJECTED,
    ALREADY_APPEALED, APPEAL_TOO_LATE.
    """
    for attempt in range(TRIES):
        try:
            with deployment.database.read() as connection:
                case = _case(connection, deployment, visit)
                _check_appeal(connection, deployment, caller, case, now)
            if attempt == 0:
                _judge_around(deployment, case.visit.person, case.visit.day, now)
                continue
            with deployment.database.read() as connection:
                before = case.visit
                made = replace(domain.reopened(before), version=before.version + 1)
                found = examine(connection, deployment, case.on, made, case.photos, now, before)
                told = _told(connection, deployment, before, found, now)
            with deployment.database.write() as connection:
                claim(connection, before.person, case.on)
                rows.add_appeal(connection, visit, Appeal(reason, now))
                visit_rows.keep_worked_out(connection, found.visit)
                line = decision_line(caller.person, "appealed", before, found.visit, reason, told)
                finish(connection, found, [line], now)
            neighbours(deployment, now, found.touched)
            return _answer(case, found, replace(case.record, appeal=Appeal(reason, now)))
        except MovedOn:
            continue
    raise Problem(problems.UNAVAILABLE, retry_after=1)


def _judge_around(deployment: Deployment, person: str, day: date, now: datetime) -> None:
    """Sees to it that the verdicts which a visit may change are stored: then it can be said what became of them."""
    if abs(day - local_day(now, deployment.zone)) <= NEAR:
        judging.ensure_judged(deployment, day, day, only=person)


def _case(connection: Connection, deployment: Deployment, visit: str) -> _Case:
    """Reads a visit with its versions before it, so that a change in between is noticed."""
    known = visit_rows.find(connection, visit)
    if known is None:
        raise Problem(problems.NOT_FOUND)
    on = ground(connection, deployment, known.person)
    found = visit_rows.find(connection, visit)
    if found is None or found.person != known.person:  # an import has given the record to somebody else
        raise MovedOn
    return _Case(found, rows.record_of(connection, visit), visit_photos.photos_of(connection, visit), on)


def _check(
    connection: Connection, deployment: Deployment, caller: Caller, case: _Case, said: Said, now: datetime
) -> None:
    visit = case.visit
    _require_seen(deployment, caller, case, now)
    barred = domain.barred(caller.person, visit, case.record)
    if barred is problems.OWN_VISIT:
        raise Problem(barred)
    if not caller.has({GrantKind.REVIEWER}, visit.path):
        raise Problem(problems.FORBIDDEN)
    if barred is not None:
        raise Problem(barred)
    late = domain.overtaken(visit, said.if_match)
    if late is problems.ALREADY_DECIDED:
        # A record from a file can have been decided where it comes from: there is no decision of ours to show then.
        made = case.record.decisions
        raise Problem(late, members={"decision": _shown(connection, deployment, made[-1])} if made else {})
    if late is not None:
        raise Problem(late)
    if said.ruling not in domain.rulings(visit):
        raise invalid("/decision", "not-returnable")
    if said.take_position:
        if said.ruling is not Ruling.CONFIRM:
            raise invalid("/take_position", "inconsistent")
        if not can_take_position(visit, case.on.world.tree):
            raise Problem(problems.NO_POSITION_TO_TAKE)
        if _own_place(connection, deployment, caller, case, now):
            raise Problem(problems.NEEDS_SECOND_PERSON)


def _own_place(connection: Connection, deployment: Deployment, caller: Caller, case: _Case, now: datetime) -> bool:
    """Whether where the place is decides on visits of the caller's: those they owe there, or one that waits."""
    tree, place = case.on.world.tree, case.visit.place
    since = min(case.visit.day, local_day(now, deployment.zone))
    if members.owes_around(connection, caller.person, tree, place, since, below=False):
        return True
    return any(person == caller.person for person, _ in rows.open_at(connection, tree.paths(place)).values())


def _check_appeal(connection: Connection, deployment: Deployment, caller: Caller, case: _Case, now: datetime) -> None:
    visit = case.visit
    _require_seen(deployment, caller, case, now)
    if visit.person != caller.person:
        raise Problem(problems.FORBIDDEN)
    later = rows.rejected_later(connection, [visit.id])
    refusal = domain.unappealable(visit, case.record, later.get(visit.id), now, deployment.settings.appeal_days)
    if refusal is not None:
        raise Problem(refusal, params={"days": deployment.settings.appeal_days})


def _require_seen(deployment: Deployment, caller: Caller, case: _Case, now: datetime) -> None:
    scope = scope_of(caller, case.on.world.tree, local_day(now, deployment.zone))
    if not scope.holds(case.visit.person, case.visit.path):
        raise Problem(problems.NOT_FOUND)


def _shown(connection: Connection, deployment: Deployment, decision: Decision) -> dict[str, object]:
    """A decision as the refusal of another one says it."""
    by = people.find(connection, decision.by)
    return {
        "decision": decision.ruling,
        "reason": decision.reason,
        "by": decision.by,
        "by_name": by.name if by else "",
        "at": decision.at.astimezone(deployment.zone),
        "on_appeal": decision.on_appeal,
    }


def _told(
    connection: Connection, deployment: Deployment, before: Visit, found: Examined, now: datetime
) -> list[dict[str, str]]:
    """What becomes of obligations, as the log keeps it: codes and statuses, nothing personal."""
    labels = [week_of(before.day).label, month_of(before.day).label]
    stored = obligations.stored_of(connection, before.person, labels)
    moment = Moment.of(now, deployment.zone)
    told = []
    for owed in found.judged:
        was = stored.get(obligations.key(owed))
        then = "" if was is None else _status(was, moment)
        if was is not None and then != _status(owed, moment):
            names = {"duty": owed.duty, "place": owed.place, "window": owed.window}
            told.append({**names, "before": then, "after": _status(owed, moment)})
    return told


def _status(owed: Obligation, moment: Moment) -> str:
    return status_of(owed.verdict, owed.opens_on, owed.due_on, moment).value


def decision_line(
    actor: str, verb: str, before: Visit, after: Visit, reason: str, told: Sequence[dict[str, str]] = ()
) -> Line:
    """The log line of a decision or an appeal; `told` is what became of obligations."""
    detail = {"before": before.status.value, "after": after.status.value, "version": after.version}
    return Line(
        actor,
        verb,
        "visit",
        after.id,
        {**detail, "obligations": list(told)} if told else detail,
        path=after.path,
        about=after.person,
        personal={"reason": reason},
    )


def _answer(case: _Case, found: Examined, record: Record) -> Answer:
    return Answer(found.visit, case.photos, counted(found), case.on.world.tree, record=record)
