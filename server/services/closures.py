"""Closing a month: what reports print of it no longer moves, until it is reopened with a reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from server.domain import problems
from server.domain.access import Caller, GrantKind, Scope, scope_of
from server.domain.periods import Moment, Window, local_day, month_of
from server.domain.places import Tree
from server.domain.problems import Problem, invalid
from server.services import judging
from server.services.deployment import Deployment
from server.services.me import Named, place_named
from server.storage import closures as rows
from server.storage import logbook, people, register, spans
from server.storage.closures import Closure, Key, Line
from server.storage.database import Connection

SUPERVISORS = frozenset({GrantKind.SUPERVISOR})
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """A closure with the names that people know its place and its supervisors by."""

    closure: Closure
    place: Named
    by_name: str
    reopened_by_name: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """An obligation that is printed otherwise than the engine says now; either may be none."""

    key: Key
    printed: Line | None
    now: Line | None

    @property
    def order(self) -> tuple[str, str, str, str, str]:
        """Duty, person, place, window and turn."""
        person, window, duty, place, turn = self.key
        return (duty, person, place, window, f"{turn:04d}")


def close(deployment: Deployment, caller: Caller, place: str, month: str, now: datetime) -> Shown:
    """Closes a month of a place and all inside it, but for what inside is closed already.

    Raises Problem: INVALID for a place that does not exist as far as the caller may know, FORBIDDEN for who is no
    supervisor of it, ALREADY_CLOSED if it or a place around it is closed, MONTH_NOT_OVER while time alone may still
    change what is printed, NEEDS_SECOND_PERSON if it would print what the caller owes.
    """
    window, moment = _month(month), Moment.of(now, deployment.zone)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        scope = scope_of(caller, tree, moment.today)
    if place not in tree or not _sees(scope, tree.path(place, moment.today)):
        raise invalid("/place", "not-exist")
    if not caller.has(SUPERVISORS, tree.path(place, moment.today)):
        raise Problem(problems.FORBIDDEN)
    if window.last >= moment.today:
        raise Problem(problems.MONTH_NOT_OVER)
    for _ in range(_TRIES):
        judging.ensure_judged(deployment, window.first, window.last)
        with deployment.database.write() as connection:
            # One at a time, so that what two closures cover is nested or apart.
            state = register.state(connection, lock=True)
            if spans.waiting(connection):
                continue
            path = deployment.world(connection, state.revision).tree.path(place, window.last)
            if rows.around(connection, path, month):
                raise Problem(problems.ALREADY_CLOSED)
            if rows.may_still_change(connection, path, window, moment):
                raise Problem(problems.MONTH_NOT_OVER)
            number = rows.add(connection, place, path, window, caller.person, moment, now)
            if rows.holds_of(connection, number, caller.person):
                raise Problem(problems.NEEDS_SECOND_PERSON)
            closure = rows.find(connection, number)
            assert closure is not None
            detail = {"place": place, "month": month, "rows": closure.rows}
            line = logbook.Line(caller.person, "close", "closure", str(number), detail, path)
            logbook.write(connection, now, [line])
            return _named(connection, [closure], tree)[0]
    raise Problem(problems.UNAVAILABLE)


def reopen(deployment: Deployment, caller: Caller, number: int, reason: str, now: datetime) -> Shown:
    """Ends a closure: reports print what the engine says again.

    Raises Problem: NOT_FOUND outside the caller's area, FORBIDDEN for who is no supervisor of the place, NOT_CLOSED if
    it was reopened before, CLOSED_AROUND while a place around it is closed, whose closure holds none of its rows,
    NEEDS_SECOND_PERSON if what the caller owes is printed by it, or would be printed without it.
    """
    moment = Moment.of(now, deployment.zone)
    with deployment.database.read() as connection:
        month = _month(_found(connection, caller, number, deployment.world(connection).tree, moment.today).month)
    judging.ensure_judged(deployment, month.first, month.last, only=caller.person)
    with deployment.database.write() as connection:
        state = register.state(connection, lock=True)
        tree = deployment.world(connection, state.revision).tree
        found = _found(connection, caller, number, tree, local_day(now, deployment.zone))
        if not _may_decide(caller, found, tree, local_day(now, deployment.zone)):
            raise Problem(problems.FORBIDDEN)
        if found.reopened_at is not None:
            raise Problem(problems.NOT_CLOSED)
        if any(other != number for other, _ in rows.around(connection, found.path, found.month)):
            raise Problem(problems.CLOSED_AROUND)
        own = rows.as_the_engine_says(connection, found, month, moment, caller.person)
        if own or rows.holds_of(connection, number, caller.person):
            raise Problem(problems.NEEDS_SECOND_PERSON)
        rows.reopen(connection, number, caller.person, reason, now)
        closure = rows.find(connection, number)
        assert closure is not None
        detail = {"place": found.place, "month": found.month, "rows": found.rows}
        line = logbook.Line(
            caller.person, "reopen", "closure", str(number), detail, found.path, caller.person, {"reason": reason}
        )
        logbook.write(connection, now, [line])
        return _named(connection, [closure], tree)[0]


def listed(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    month: str | None = None,
    place: str | None = None,
    after: int | None = None,
    limit: int | None = None,
) -> list[Shown]:
    """Closures of the caller's area, in force and reopened, latest first.

    Raises Problem INVALID for a place that does not exist as far as the caller may know.
    """
    today = local_day(now, deployment.zone)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        scope = scope_of(caller, tree, today)
        areas = None
        if place is not None:
            if place not in tree or not _sees(scope, tree.path(place, today)):
                raise invalid("/place", "not-exist")
            areas = tree.paths(place)
        months = None if month is None else [month]
        return _named(connection, rows.listed(connection, scope, months, areas, after, limit), tree)


def differences(deployment: Deployment, caller: Caller, number: int, now: datetime) -> list[Difference]:
    """What the engine says now that is not as a closure holds it, in order of duty, person, place and window.

    Raises Problem NOT_FOUND outside the caller's area.
    """
    moment = Moment.of(now, deployment.zone)
    with deployment.database.read() as connection:
        closure = _found(connection, caller, number, deployment.world(connection).tree, moment.today)
    month = _month(closure.month)
    judging.ensure_judged(deployment, month.first, month.last)
    with deployment.database.read() as connection:
        held = rows.held(connection, number)
        judged = rows.as_the_engine_says(connection, closure, month, moment)
    return sorted(_differing(held, judged), key=lambda difference: difference.order)


def with_names(deployment: Deployment, found: Sequence[Difference]) -> list[tuple[Difference, str, str]]:
    """Differences, each with the name of its person and of its place."""
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        persons = people.named(connection, {one.key[0] for one in found})
    return [(one, persons[one.key[0]].name, tree[one.key[3]].name) for one in found]


def _differing(held: dict[Key, Line], judged: dict[Key, Line]) -> Iterator[Difference]:
    for key in held.keys() | judged.keys():
        printed, now = held.get(key), judged.get(key)
        if printed != now:
            yield Difference(key, printed, now)


def _month(label: str) -> Window:
    return month_of(date.fromisoformat(f"{label}-01"))


def _found(connection: Connection, caller: Caller, number: int, tree: Tree, today: date) -> Closure:
    found = rows.find(connection, number)
    scope = scope_of(caller, tree, today)
    if found is None or not any(_sees(scope, path) for path in (found.path, tree.path(found.place, today))):
        raise Problem(problems.NOT_FOUND)
    return found


def _may_decide(caller: Caller, closure: Closure, tree: Tree, today: date) -> bool:
    return any(caller.has(SUPERVISORS, path) for path in (closure.path, tree.path(closure.place, today)))


def _sees(scope: Scope, path: str) -> bool:
    return any(path.startswith(area) for area in scope.areas)


def _named(connection: Connection, found: list[Closure], tree: Tree) -> list[Shown]:
    persons = people.named(connection, {code for one in found for code in (one.by, one.reopened_by) if code})
    return [
        Shown(
            one,
            place_named(one.place, _month(one.month).last, tree),
            persons[one.by].name,
            persons[one.reopened_by].name if one.reopened_by else None,
        )
        for one in found
    ]
