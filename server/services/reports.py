"""Reads attendance: what was owed and what became of it, as a list and as counts.

A caller sees the obligations of the places they hold a grant for, and their own. What lies outside is refused in the
words for what does not exist.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from server.domain.access import Caller, Scope, scope_of
from server.domain.engine import Obligation, Reason, Status
from server.domain.periods import DAY, Moment, local_day, month_of, week_of
from server.domain.places import Level, Tree
from server.domain.problems import FORBIDDEN, Problem, invalid
from server.services import judging
from server.services.deployment import Deployment
from server.storage import excuses, people, printed, reports
from server.storage.database import Connection
from server.storage.excuses import Excuse, Explanation
from server.storage.reports import After, Asked, Count, Row

COLUMNS = ("duty", "person", "place", "window", "opens_on", "due_on", "status", "reason")
MAX_SPAN = timedelta(days=400)  # of a list or a count that is asked for over the network
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
MAX_AHEAD = timedelta(days=400)  # beyond `as_of`: up to a mistyped year nothing is judged


class By(StrEnum):
    """What counts are grouped by."""

    PLACE = "place"
    DUTY = "duty"
    PERSON = "person"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Query:
    """What a caller asks for; the days default to the whole month of the one given, or of today."""

    first: date | None = None
    last: date | None = None
    place: str | None = None
    person: str | None = None
    duty: str | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An obligation with its status now and the names that people know it by."""

    obligation: Obligation
    status: Status
    person_name: str
    place_name: str
    township: str | None
    township_name: str | None
    explanation: Explanation | None = None
    excuse: Excuse | None = None


@dataclass(slots=True)
class Counted:
    """How many obligations of a place, duty, person, week or month there are of each status."""

    code: str
    name: str | None = None
    township: str | None = None
    township_name: str | None = None
    by_status: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    by_reason: dict[Reason, int] = field(default_factory=lambda: {r: 0 for r in Reason if r is not Reason.NONE})

    @property
    def total(self) -> int:
        """All of them, whatever their status."""
        return sum(self.by_status.values())

    @property
    def rate(self) -> float | None:
        """Met of those met or missed, from 0 to 1; none if there is neither (duties.md, Rates)."""
        met, missed = self.by_status[Status.MET], self.by_status[Status.MISSED]
        return met / (met + missed) if met + missed else None


def attendance_rows(
    deployment: Deployment,
    first: date,
    last: date,
    as_of: datetime,
    place: str | None = None,
    person: str | None = None,
    duty: str | None = None,
    scope: Scope | None = None,
    progress: judging.Progress = judging.no_progress,
) -> list[Row]:
    """The obligations due from `first` to `last`, with their status as of an instant, sorted by `COLUMNS` as text.

    Without a scope all of them. Raises Problem INVALID (at `/place`, `/person`, `/duty`, `/to`, `/as_of`) for what does
    not exist, for days in the wrong order, and for a `last` more than 400 days after `as_of`.
    """
    if not EARLIEST.year <= as_of.year <= LATEST.year:
        raise invalid("/as_of", "range", min=EARLIEST.year, max=LATEST.year)
    moment = Moment.of(as_of, deployment.zone)
    _check_days(first, last, moment.today + MAX_AHEAD)
    first = max(first, EARLIEST)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        if place is not None and place not in tree:
            raise invalid("/place", "not-exist")
        if person is not None and people.find(connection, person) is None:
            raise invalid("/person", "not-exist")
        _check_duty(connection, duty)
    judging.ensure_judged(deployment, first, last, progress)
    with deployment.database.read() as connection:
        inside = None if place is None else _areas(connection, tree, place, first, last)
    asked = Asked(first, last, inside, person, duty, None, scope)
    return list(_streamed(deployment, asked, moment))


def rows_for(deployment: Deployment, caller: Caller, query: Query, now: datetime) -> Iterator[Row]:
    """The rows of `attendance_rows` that the caller may see, one by one; raises Problem as `obligations` does."""
    asked, _ = _asked(deployment, caller, query, now)
    return _streamed(deployment, asked, Moment.of(now, deployment.zone))


def _streamed(deployment: Deployment, asked: Asked, moment: Moment) -> Iterator[Row]:
    with deployment.database.stream() as connection:
        yield from reports.attendance(connection, asked, moment)


def obligations(
    deployment: Deployment, caller: Caller, query: Query, now: datetime, after: After | None, limit: int
) -> list[Listed]:
    """At most `limit` obligations that the caller may see, in order of duty, person, place, window and turn.

    Raises Problem INVALID for days that do not fit, and for a place or a duty that does not exist as far as the caller
    may know.
    """
    asked, tree = _asked(deployment, caller, query, now)
    with deployment.database.read() as connection:
        found = reports.page(connection, asked, Moment.of(now, deployment.zone), after, limit)
        return named(connection, found, tree)


def named(connection: Connection, found: Iterable[tuple[Obligation, Status]], tree: Tree) -> list[Listed]:
    """Obligations with the names of their people, places and townships, and with what was said of them."""
    rows = list(found)
    codes, windows = {obligation.person for obligation, _ in rows}, {obligation.window for obligation, _ in rows}
    persons = people.named(connection, codes)
    said = excuses.explanations(connection, codes, windows)
    excused = {(x.person, x.duty, x.place, x.window): x for x in excuses.in_force(connection, codes, windows)}
    listed = []
    for obligation, status in rows:
        key = (obligation.person, obligation.duty, obligation.place, obligation.window)
        township = township_in(obligation.path, tree)
        listed.append(
            Listed(
                obligation,
                status,
                persons[obligation.person].name,
                tree[obligation.place].name,
                township,
                tree[township].name if township else None,
                said.get(key),
                excused.get(key),
            )
        )
    return listed


def counts(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    first: date | None = None,
    last: date | None = None,
    place: str | None = None,
    by: By | None = None,
) -> list[Counted]:
    """Counts of the caller's area, or without any grant of what they owe themselves, in order of code.

    By place one level below `place`, or else below the one area granted; several granted areas give a row each. Raises
    Problem INVALID as `obligations` does, FORBIDDEN for counts by place or person without a grant.
    """
    by = by or (By.PLACE if caller.grants else By.DUTY)
    if not caller.grants and by in (By.PLACE, By.PERSON):
        raise Problem(FORBIDDEN)
    asked, tree = _asked(deployment, caller, Query(first, last, place), now, own=not caller.grants)
    moment = Moment.of(now, deployment.zone)
    with deployment.database.read() as connection:
        if by is By.PLACE:
            found = _by_place(connection, asked, moment, tree, place)
        elif by in (By.WEEK, By.MONTH):
            window_of = week_of if by is By.WEEK else month_of
            rows = reports.counts(connection, asked, moment, "due_on")
            found = _counted((window_of(due_on).label, *rest) for due_on, *rest in rows)
        else:
            found = _counted(reports.counts(connection, asked, moment, by.value))
        if by is By.PERSON:
            persons = people.named(connection, found)
            for code, counted in found.items():
                counted.name = persons[code].name
    return [found[code] for code in sorted(found)]


def _by_place(
    connection: Connection, asked: Asked, moment: Moment, tree: Tree, place: str | None
) -> dict[str, Counted]:
    granted = asked.scope.areas if asked.scope else ()
    if place is None and len({last_link(path) for path in granted}) == 1:
        place = last_link(granted[0])
    rows: list[Count] = []
    if place is not None:
        for path in asked.areas or _areas(connection, tree, place, asked.first, asked.last):
            rows += [
                (child or place, s, r, n) for child, s, r, n in reports.counts_below(connection, asked, moment, path)
            ]
    else:
        for path in granted:
            rows += [(last_link(path), s, r, n) for _, s, r, n in reports.counts_below(connection, asked, moment, path)]
    found = _counted(rows)
    for code, counted in found.items():
        counted.name = tree[code].name
        township = tree.township_of(code, asked.last)
        if township is not None and township.code != code:
            counted.township, counted.township_name = township.code, township.name
    return found


def _counted(rows: Iterable[Sequence[object]]) -> dict[str, Counted]:
    found: dict[str, Counted] = {}
    for code, status, reason, number in rows:
        counted = found.setdefault(str(code), Counted(str(code)))
        assert isinstance(number, int)
        counted.by_status[Status(str(status))] += number
        if reason:
            counted.by_reason[Reason(str(reason))] += number
    return found


def _asked(deployment: Deployment, caller: Caller, query: Query, now: datetime, own: bool = True) -> tuple[Asked, Tree]:
    """What the query comes to within what the caller may see; what it touches is judged."""
    today = local_day(now, deployment.zone)
    first, last = span(query.first, query.last, today)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        scope = scope_of(caller, tree, today)
        posted = reports.postings_at(connection, caller.person)
        if query.place is not None and not _knows_place(query.place, scope, posted, tree, first, last):
            raise invalid("/place", "not-exist")
        _check_duty(connection, query.duty)
    judging.ensure_judged_for(deployment, first, last, today, None if caller.grants else caller.person)
    with deployment.database.read() as connection:
        inside = None if query.place is None else _areas(connection, tree, query.place, first, last)
    scope = scope if own else Scope(None, scope.areas)
    return Asked(first, last, inside, query.person, query.duty, query.status, scope), tree


def span(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """The days asked for; raises Problem INVALID for too many, too far ahead, or in the wrong order."""
    begins = first or month_of(last or today).first
    ends = last or month_of(first or today).last
    _check_days(begins, ends, min(begins, today) + MAX_SPAN)
    return begins, ends


def _check_days(first: date, last: date, latest: date) -> None:
    if last < first:
        raise invalid("/to", "order")
    if first > latest:
        raise invalid("/from", "range", min=EARLIEST.isoformat(), max=latest.isoformat())
    if last > latest:
        raise invalid("/to", "range", min=first.isoformat(), max=latest.isoformat())


def _check_duty(connection: Connection, duty: str | None) -> None:
    if duty is not None and not reports.knows_duty(connection, duty):
        raise invalid("/duty", "not-exist")


def _within(path: str, scope: Scope) -> bool:
    return any(path.startswith(area) for area in scope.areas)


def _knows_place(place: str, scope: Scope, posted: Iterable[str], tree: Tree, first: date, last: date) -> bool:
    """Whether the place is inside the scope's areas, or has to do with the places the caller is posted to."""
    if place not in tree:
        return False
    if any(_within(path, scope) for path in paths(tree, place, first, last)):
        return True
    return any(tree.lies_in(place, at, last) or tree.lies_in(at, place, last) for at in posted)


def paths(tree: Tree, place: str, first: date, last: date) -> list[str]:
    """Where the place lay on the days that decide about windows sharing a day with the span: usually one path."""
    day, end = first - timedelta(days=31), last + timedelta(days=31)
    found: dict[str, None] = {}
    era = None
    while day <= end:
        if tree.era(day) != era:
            era = tree.era(day)
            found[tree.path(place, day)] = None
        day += DAY
    return list(found)


def _areas(connection: Connection, tree: Tree, place: str, first: date, last: date) -> list[str]:
    """`paths`, and those under which a closed month prints what lay in the place, should it have been moved since."""
    found = paths(tree, place, first, last)
    return [*found, *sorted(printed.paths_in(connection, place, first, last) - set(found))]


def last_link(path: str) -> str:
    """The code of the place that a path leads to."""
    return path.rstrip("/").rpartition("/")[2]


def township_in(path: str, tree: Tree) -> str | None:
    """The code of the township that a path leads through, if any."""
    for link in path.strip("/").split("/"):
        if link in tree and tree[link].level is Level.TOWNSHIP:
            return link
    return None
