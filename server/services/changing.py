"""One way for every change of the registers: do it, work out what it changes, answer that; or only try it.

How to add a kind of change:

1. Write `apply(connection, ground, body) -> Done` beside its register. It runs inside the one write transaction, with
   the register's row and the people held. It checks the rights (`ground.area.require(place, pointer="/place")`),
   decides, writes, logs, and leaves marks. The plans of the imports do all of it but the rights:
   `ground.carry_out(connection, plan_postings, ground.parsed("postings", row))`, with the errors of a file as errors of
   the body. Whoever writes facts by hand marks what they touch with `mark_people(connection, ground.context, spans)`
   and `rows.mark_visits_…`, and moves on the version their verdicts rest on (`register.bump`, `people.bump_facts`).
2. Call `change(deployment, caller, "kind", body, apply, now, dry_run)` from its verb. The body is what was sent, with
   days made into text (`plain`): a proposal keeps it, and `apply` gets it so.
3. Put kind and `apply` into `services/proposals.py`, `APPLIES`, so that a second person's approval can do it.

`apply` must read the world from `ground.context.deployment`, never from the shared deployment: a revision that is not
committed must not enter the shared cache. It must not touch stored verdicts; marks are what they follow from.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from server.adapters import datum
from server.domain import problems
from server.domain.access import Caller, scope_of
from server.domain.imports import ImportRefused, Kind, Parsed, Table, columns, parse
from server.domain.periods import local_day
from server.domain.postings import Posting
from server.domain.problems import FieldError, Problem
from server.services import comparing, judging, visits
from server.services.areas import Area, area_now, area_of
from server.services.comparing import Compared, Found
from server.services.deployment import Deployment
from server.services.imports_base import FOREVER, NEAR, Context, Plan, Remark
from server.storage import changes, people, proposals, register
from server.storage import imports as rows
from server.storage.database import Connection
from server.storage.held import Held
from server.storage.logbook import Line
from server.storage.people import chunks
from server.storage.proposals import Proposal

T = TypeVar("T")

MOST_PEOPLE = 3000  # touched by one change: more are not tried out, nor waited for
_BACK = timedelta(days=400)
# Marks of a change are never clipped: whether it touches its author may not depend on what has been judged.
_EVER = (date.min + NEAR, FOREVER - NEAR)
_TRIES = 3
_TRY = 200  # visits worked out again before it is looked whether others have done it


@dataclass(frozen=True, slots=True)
class Ground:
    """What an `apply` rests on: who asks, how far they reach, and what the imports' plans want to be told."""

    area: Area
    context: Context

    @property
    def caller(self) -> Caller:
        """Who asks; of an approved proposal who approves it."""
        return self.area.caller

    def parsed(self, kind: Kind, *given: Mapping[str, Any], under: str = "") -> Parsed[Any]:
        """Rows of a file with these columns, days as text; raises Problem INVALID as `carry_out` does."""
        names = columns(kind)
        cells = [(number, [_cell(row.get(name)) for name in names]) for number, row in enumerate(given, 1)]
        try:
            return parse(kind, Table(names, cells))
        except ImportRefused as refused:
            raise _as_fields(refused, under) from None

    def carry_out(
        self,
        connection: Connection,
        plan: Callable[[Connection, Context, Parsed[Any]], Plan],
        parsed: Parsed[Any],
        under: str = "",
        path: str = "",
    ) -> Plan:
        """Does what an import's plan decides; log lines that would belong nowhere belong to `path`.

        Raises Problem: OVERLAP, or INVALID with `errors` at the columns, as members of what stands at `under`.
        """
        try:
            found = plan(connection, self.context, parsed)
        except ImportRefused as refused:
            raise _as_fields(refused, under) from None
        found.store(connection)
        found.follow(connection)
        rows.log(connection, self.context.now, [replace(x, path=x.path or path) for x in found.lines])
        return found


@dataclass(frozen=True, slots=True)
class Done:
    """What an `apply` has done: what is answered as `result`, and the place whose office it concerns, if it is one.

    `concerns` are people it has to do with although it marks nothing of theirs.
    """

    result: Any = None
    place: str | None = None
    concerns: frozenset[str] = frozenset()
    remarks: tuple[Remark, ...] = ()


Apply = Callable[[Connection, Ground, Mapping[str, Any]], Done]


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did or, tried out, would do.

    With a `proposal` nothing has been done: it waits for a second person, as `own` says. `waiting` counts people whose
    obligations are being worked out still, because there are too many to wait for.
    """

    result: Any
    compared: Compared
    waiting: int = 0
    own: bool = False
    remarks: tuple[Remark, ...] = ()
    dry_run: bool = False
    proposal: Proposal | None = None


class _Undone(Exception):
    """Takes the transaction back."""


class _NotJudged(Exception):
    """What these people owed before is not known yet, or not in this span."""

    def __init__(self, span: tuple[date, date] | None, people: list[str]) -> None:
        super().__init__()
        self.span = span
        self.people = people


class _Own(Problem):
    """It touches what the caller owes; `path` is where."""

    def __init__(self, path: str) -> None:
        super().__init__(problems.NEEDS_SECOND_PERSON)
        self.path = path


@dataclass(frozen=True, slots=True)
class _Applied:
    """A change that was written, and what it left to be worked out."""

    done: Done
    since: Mapping[str, date]  # whom it touches, from when on
    visits: list[str]
    own: bool
    path: str
    newest: changes.Newest  # the marks of before


def change(
    deployment: Deployment,
    caller: Caller,
    kind: str,
    body: Mapping[str, Any],
    apply: Apply,
    now: datetime,
    dry_run: bool = False,
) -> Changed:
    """Does one change of the registers, or tries it out; if it touches what the caller owes, it becomes a proposal.

    Raises what `apply` raises, and Problem TOO_MANY_TOUCHED for a trial that would touch more than `MOST_PEOPLE`.
    """
    body = plain(body)
    if dry_run:
        return _try_out(deployment, caller, body, apply, now)
    try:
        return carry_out(deployment, caller, body, apply, now)
    except _Own as own:
        return _propose(deployment, caller, kind, body, own.path, now)


def carry_out(
    deployment: Deployment,
    caller: Caller,
    body: Mapping[str, Any],
    apply: Apply,
    now: datetime,
    then: Callable[[Connection], None] = lambda _: None,
    not_by: str | None = None,
) -> Changed:
    """Writes a change in one short transaction, with what `then` adds to it, and works out what it marked.

    Grants that the caller has from `not_by` do not count.

    Raises what `apply` raises, and Problem NEEDS_SECOND_PERSON if it touches what the caller owes.
    """

    def write(last_time: bool) -> tuple[_Applied, Found]:
        with deployment.database.write() as connection:
            apart = deployment.apart(Held(connection))
            applied = _apply(connection, apart, caller, body, apply, now, not_by)
            if applied.own:
                raise _Own(applied.path)
            then(connection)
            if not last_time:
                _check_judged(connection, deployment, body, applied, now)
            return applied, _found(connection, applied)

    applied, before = _once_judged(deployment, body, now, write)
    if len(applied.since) > MOST_PEOPLE:
        return Changed(applied.done.result, Compared(), len(applied.since), remarks=applied.done.remarks)
    _work_off(deployment, applied, now)
    with deployment.database.read() as connection:
        compared = _compare(deployment, connection, caller, before, _found(connection, applied), now)
    return Changed(applied.done.result, compared, remarks=applied.done.remarks)


def _try_out(deployment: Deployment, caller: Caller, body: Mapping[str, Any], apply: Apply, now: datetime) -> Changed:
    """Everything that `carry_out` does, the working off too, inside one transaction that is taken back."""

    def attempt(last_time: bool) -> Changed:
        found: list[Changed] = []
        try:
            with deployment.database.write() as connection:
                apart = deployment.apart(Held(connection))
                applied = _apply(connection, apart, caller, body, apply, now)
                if len(applied.since) > MOST_PEOPLE:
                    raise Problem(problems.TOO_MANY_TOUCHED)
                if not last_time:
                    _check_judged(connection, deployment, body, applied, now)
                before = _found(connection, applied)
                _work_off(apart, applied, now)
                compared = _compare(apart, connection, caller, before, _found(connection, applied), now)
                done = applied.done
                found.append(Changed(done.result, compared, own=applied.own, remarks=done.remarks, dry_run=True))
                raise _Undone
        except _Undone:
            return found[0]

    return _once_judged(deployment, body, now, attempt)


def _once_judged(deployment: Deployment, body: Mapping[str, Any], now: datetime, attempt: Callable[[bool], T]) -> T:
    """What an attempt answers; where verdicts of before are wanting it is taken back, and made again with them.

    First the attempt, then the judging: who is refused has nothing judged.
    """
    for _ in range(_TRIES):
        try:
            return attempt(False)
        except _NotJudged as missing:
            if missing.span:
                judging.ensure_judged(deployment, *missing.span)
            judging.work_off(deployment, only=missing.people)
    return attempt(True)


def _check_judged(
    connection: Connection, deployment: Deployment, body: Mapping[str, Any], applied: _Applied, now: datetime
) -> None:
    """Raises _NotJudged unless it is stored what those touched owed before, on the days that the change speaks of."""
    if len(applied.since) > MOST_PEOPLE:
        return
    today = local_day(now, deployment.zone)
    days = [*_days(body), today]
    first = max(min(*days, today - NEAR), today - _BACK)
    last = min(max(days), judging.horizon(today))
    missing = judging.unjudged(connection, deployment, first, last)
    if missing or changes.waited(connection, applied.newest, applied.since):
        raise _NotJudged(missing, list(applied.since))


def _apply(
    connection: Connection,
    apart: Deployment,
    caller: Caller,
    body: Mapping[str, Any],
    apply: Apply,
    now: datetime,
    not_by: str | None = None,
) -> _Applied:
    register.state(connection, lock=True)
    rows.hold_people(connection)
    newest = changes.newest(connection)
    area = area_now(apart, connection, caller, now, not_by)
    context = Context(apart, caller.person, now, area.today, area.today, datum.WGS84, _EVER)
    postings, roles = _held_by(connection, caller.person), _roles(connection)
    done = apply(connection, Ground(area, context), body)
    marks = changes.marked_spans(connection, newest)
    marks += [(person, *_EVER) for person in sorted(done.concerns)]
    visited = changes.marked_visits(connection, newest)
    spans = [*marks, *((person, day, day) for _, person, day in visited)]
    postings |= _held_by(connection, caller.person)
    roles |= _roles(connection)
    since: dict[str, date] = {}
    for person, first, _ in spans:
        since[person] = min(first, since.get(person, FOREVER))
    return _Applied(
        done,
        {person: day - NEAR if day - date.min > NEAR else date.min for person, day in since.items()},
        sorted({visit for visit, _, _ in visited}),
        _owes(postings, roles, ((first, last) for person, first, last in spans if person == caller.person)),
        area_of(apart, connection, caller, now).path(done.place) if done.place else proposals.EVERYWHERE,
        newest,
    )


def _held_by(connection: Connection, person: str) -> set[Posting]:
    return set(people.postings_of(connection, [person]).get(person, ()))


def _roles(connection: Connection) -> set[str]:
    """The roles that owe something, now or at some time."""
    return {str(duty.role) for duty in register.duties(connection) if duty.active}


def _owes(postings: Iterable[Posting], roles: set[str], spans: Iterable[tuple[date, date]]) -> bool:
    """Whether somebody with these postings owes anything on these days."""
    owing = [posting for posting in postings if posting.role in roles]
    return any(p.start <= last and (p.end or FOREVER) >= first for first, last in spans for p in owing)


def _found(connection: Connection, applied: _Applied) -> Found:
    visited = changes.visit_states(connection, applied.since) if applied.visits else {}
    return Found(changes.obligations_since(connection, applied.since), visited)


def _work_off(deployment: Deployment, applied: _Applied, now: datetime) -> None:
    """First findings, on which verdicts rest, then verdicts; of those touched only, whatever else may wait."""
    for chunk in chunks(applied.visits, _TRY):
        visits.work_off(deployment, now, chunk)
    judging.work_off(deployment, only=list(applied.since))


def _compare(
    deployment: Deployment, connection: Connection, caller: Caller, before: Found, after: Found, now: datetime
) -> Compared:
    tree = deployment.world(connection).tree
    scope = scope_of(caller, tree, local_day(now, deployment.zone))
    return comparing.compare(connection, before, after, scope, tree, now, deployment.zone)


def _days(body: Mapping[str, Any]) -> list[date]:
    found = []
    for value in body.values():
        if isinstance(value, Mapping):
            found += _days(value)
        elif isinstance(value, str) and len(value) == 10:
            try:
                found.append(date.fromisoformat(value))
            except ValueError:
                continue
    return found


def _propose(
    deployment: Deployment, caller: Caller, kind: str, body: Mapping[str, Any], path: str, now: datetime
) -> Changed:
    with deployment.database.write() as connection:
        proposal = proposals.add(connection, kind, body, path, caller.person, now)
        at = "" if path == proposals.EVERYWHERE else path
        told = {"body": dict(body)}
        line = Line(caller.person, "proposed", "proposal", str(proposal.id), {"kind": kind}, at, caller.person, told)
        rows.log(connection, now, [line])
    return Changed(None, Compared(), own=True, proposal=proposal)


def plain(value: Any) -> Any:
    """A body as JSON: days as text."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def _cell(value: Any) -> Any:
    return "" if value is None else value


def _as_fields(refused: ImportRefused, under: str = "") -> Problem:
    """Bad cells as errors of the body's members; what was sent is not repeated."""
    errors = [
        FieldError(
            f"{under}/{cell.column}", cell.code, {name: value for name, value in cell.params.items() if name != "value"}
        )
        for cell in refused.cells
    ]
    overlap = any(error.code.startswith("overlap-") for error in errors)
    return Problem(problems.OVERLAP if overlap else problems.INVALID, errors=errors)
