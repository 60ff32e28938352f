"""What people should know without asking: found by queries, written once, read and marked as read.

Everything here can be done again at any time: the kind and the subject of a notice are told to a person only once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from server.adapters.messages import Language, has, text
from server.domain import problems
from server.domain.access import Caller, GrantKind, areas
from server.domain.notices import Notice, NoticeKind, WeeklyVisit, at_risk
from server.domain.periods import DAY, GRACE, Moment, local_day, midnight, week_of
from server.domain.places import Level, Tree
from server.domain.problems import Problem
from server.services.deployment import Deployment
from server.services.me import Named, place_named
from server.services.record import home
from server.services.reports import last_link
from server.storage import logbook, noticed
from server.storage import notices as rows
from server.storage.database import Connection
from server.storage.noticed import Waiting
from server.storage.notices import Told
from server.storage.proposals import EVERYWHERE

BACK: Final = timedelta(days=7)  # what happened longer ago is told to nobody any more
KEPT: Final = timedelta(days=400)
BATCH: Final = 500  # in one transaction, so that no check-in waits for long
NAMED: Final = 5  # villages in one sentence
BETWEEN: Final[Mapping[Language, str]] = {"zh": "、", "en": ", "}

REVIEWERS: Final = frozenset({GrantKind.REVIEWER})
LEAVE_DECIDERS: Final = frozenset({GrantKind.REVIEWER, GrantKind.ADMIN})
SUPERVISORS: Final = frozenset({GrantKind.SUPERVISOR})
PROPOSAL_DECIDERS: Final = frozenset({GrantKind.SUPERVISOR, GrantKind.ADMIN})


@dataclass(frozen=True, slots=True)
class Seen:
    """A notice as its person reads it."""

    told: Told
    sentence: str
    place: str | None
    named: Named | None


# Finding them


def tell_people(deployment: Deployment, now: datetime) -> int:
    """Tells people what has become of their affairs in the last days and what of theirs ends soon; how much."""
    moment = Moment.of(now, deployment.zone)
    since, tomorrow = now - BACK, moment.today + DAY
    with deployment.database.read() as connection:
        found = [
            *noticed.decisions(connection, since, BATCH),
            *noticed.worked_out(connection, since, BATCH),
            *noticed.leave(connection, since, BATCH),
            *noticed.proposals(connection, since, BATCH),
            *noticed.excuses(connection, since, BATCH),
            *noticed.open_on(connection, NoticeKind.DUE_TOMORROW, tomorrow, now, BATCH),
            # Of all that is in grace, what is longest overdue has less than a day left.
            *noticed.open_on(connection, NoticeKind.GRACE_ENDING, moment.grace_from, now, BATCH),
        ][:BATCH]
    return _keep(deployment, found)


def tell_offices(deployment: Deployment, now: datetime) -> int:
    """Tells offices what waits there, at most once a day, and which villages nobody has visited, once a week."""
    today = local_day(now, deployment.zone)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        work = waiting_work(deployment, connection, tree, now)
        found: list[Notice] = []
        for kind, (kinds, waiting) in work.items():
            if not waiting:
                continue
            subject = week_of(today).label if kind is NoticeKind.VILLAGES_AT_RISK else today.isoformat()
            by_area = _by_area(waiting, tree)
            for person, grants in rows.holders(connection, kinds).items():
                for area in areas(grants, tree, today, kinds):
                    theirs = [one for one in by_area.get(area, ()) if person not in one.barred]
                    if theirs:
                        place = last_link(area)
                        detail = {"place": place, "day": today.isoformat(), **_summed(kind, theirs)}
                        found.append(Notice(person, kind, f"{place}/{subject}", now, detail))
        new = rows.untold(connection, found)
    return sum(_keep(deployment, new[start : start + BATCH]) for start in range(0, len(new), BATCH))


def forget(deployment: Deployment, now: datetime) -> int:
    """Removes some of the notices that are more than a year old; how many."""
    before = now - KEPT
    with deployment.database.read() as connection:
        until = rows.old(connection, before)
    if until is None:
        return 0
    with deployment.database.write() as connection:
        return rows.forget(connection, until, before)


Work = Mapping[NoticeKind, tuple[frozenset[GrantKind], Sequence[Waiting]]]


def waiting_work(deployment: Deployment, connection: Connection, tree: Tree, now: datetime) -> Work:
    """What waits at offices, by kind, and whose grants have to do with it."""
    today = local_day(now, deployment.zone)
    long_ago = now - timedelta(days=deployment.settings.queue_days)
    return {
        NoticeKind.QUEUE_OLD: (REVIEWERS, noticed.old_reviews(connection, long_ago)),
        NoticeKind.APPEALS_WAITING: (REVIEWERS, noticed.appeals(connection)),
        NoticeKind.LEAVE_WAITING: (LEAVE_DECIDERS, _leave(connection, tree, today)),
        NoticeKind.PROPOSALS_WAITING: (PROPOSAL_DECIDERS, noticed.open_proposals(connection)),
        NoticeKind.VILLAGES_AT_RISK: (SUPERVISORS, _at_risk(deployment, connection, tree, today)),
    }


def _leave(connection: Connection, tree: Tree, today: date) -> list[Waiting]:
    return [
        Waiting(tree.path(place, today), frozenset({person}))
        for _, person, place in noticed.leave_requests(connection)
        if place in tree
    ]


def unvisited(deployment: Deployment, connection: Connection, tree: Tree, today: date) -> list[WeeklyVisit]:
    """What envoys still owe in villages that nobody has visited this week; nothing before it is so far gone."""
    if today.isoweekday() < deployment.settings.at_risk_weekday:
        return []
    week = week_of(today)
    found = at_risk(noticed.weekly_visits(connection, week.first, week.last, week.label))
    return [one for one in found if tree[one.place].level is Level.VILLAGE]


def _at_risk(deployment: Deployment, connection: Connection, tree: Tree, today: date) -> list[Waiting]:
    paths = {one.place: one.path for one in unvisited(deployment, connection, tree, today)}
    return [Waiting(path, frozenset()) for _, path in sorted(paths.items())]


def _by_area(waiting: Iterable[Waiting], tree: Tree) -> Mapping[str, Sequence[Waiting]]:
    """What lies in each area that a grant may be for."""
    counties = [f"/{place.code}/" for place in tree.places.values() if place.level is Level.COUNTY]
    found: dict[str, list[Waiting]] = defaultdict(list)
    for one in waiting:
        links = one.path.strip("/").split("/")
        above = ["/" + "/".join(links[:number]) + "/" for number in range(1, len(links) + 1)]
        for area in counties if one.path == EVERYWHERE else above:
            found[area].append(one)
    return found


def _summed(kind: NoticeKind, waiting: Sequence[Waiting]) -> dict[str, Any]:
    summed: dict[str, Any] = {"count": sum(one.count for one in waiting)}
    days = [one.since for one in waiting if one.since is not None]
    if days:
        summed["since"] = min(days).isoformat()
    if kind is NoticeKind.VILLAGES_AT_RISK:
        summed["villages"] = [last_link(one.path) for one in waiting[:NAMED]]
    return summed


def _keep(deployment: Deployment, found: Sequence[Notice]) -> int:
    if found:
        with deployment.database.write() as connection:
            rows.add(connection, found)
    return len(found)


# Reading them


def page(
    deployment: Deployment, caller: Caller, language: Language, unread: bool, after: int | None, limit: int
) -> list[Seen]:
    """At most `limit` of the caller's notices, newest first."""
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        return [
            _seen(deployment, told, tree, language)
            for told in rows.page(connection, caller.person, unread, after, limit)
        ]


def read(deployment: Deployment, caller: Caller, number: int, language: Language, now: datetime) -> Seen:
    """Marks one of the caller's notices as read; doing it again changes nothing. Raises Problem NOT_FOUND."""
    with deployment.database.read() as connection:
        told = rows.find(connection, caller.person, number)
        tree = deployment.world(connection).tree
        if told is None:
            raise Problem(problems.NOT_FOUND)
    if told.read_at is None:
        _mark(deployment, caller, number, now, one=number)
        with deployment.database.read() as connection:
            told = rows.find(connection, caller.person, number) or told
    return _seen(deployment, told, tree, language)


def read_until(deployment: Deployment, caller: Caller, number: int, now: datetime) -> int:
    """Marks the caller's notices up to an id as read; how many were not."""
    return _mark(deployment, caller, number, now)


def _mark(deployment: Deployment, caller: Caller, number: int, now: datetime, one: int | None = None) -> int:
    with deployment.database.write(shared=True) as connection:
        marked = rows.mark_read(connection, caller.person, now, one, number)
        if marked:
            path = home(connection, deployment, caller.person, now)
            line = logbook.Line(caller.person, "mark-read", "notice", str(number), {"count": marked}, path)
            logbook.write(connection, now, [line])
    return marked


def _seen(deployment: Deployment, told: Told, tree: Tree, language: Language) -> Seen:
    place: str | None = told.detail.get("place")
    day = date.fromisoformat(told.detail.get("day", local_day(told.at, deployment.zone).isoformat()))
    named = place_named(place, day, tree) if place is not None and place in tree else None
    return Seen(told, _sentence(deployment, told, tree, day, language), place, named)


def _sentence(deployment: Deployment, told: Told, tree: Tree, day: date, language: Language) -> str:
    detail = told.detail
    key = f"notice.{told.kind.value}"
    if has(f"{key}-{detail.get('decision')}"):
        key += f"-{detail['decision']}"
    known: dict[str, object] = {"day": written_day(day, language), "count": detail.get("count", 0)}
    if "place" in detail:
        known["place"] = full_name(detail["place"], day, tree, language)
    if "duty" in detail:
        known["duty"] = duty_name(detail["duty"], language)
        until = midnight(day + DAY, deployment.zone) + GRACE
        known["until"] = _written_time(until.astimezone(deployment.zone), language)
    known |= {name: detail[name] for name in ("window", "proposal") if name in detail}
    for name in ("since", "end"):
        if name in detail:
            known[name] = written_day(date.fromisoformat(detail[name]), language)
    if "villages" in detail:
        names = BETWEEN[language].join(full_name(code, day, tree, language) for code in detail["villages"])
        more = detail["count"] > len(detail["villages"])
        known["villages"] = text("notice.more", language, villages=names) if more else names
    return text(key, language, **known)


def written_day(day: date, language: Language) -> str:
    """A day as people write it."""
    return text("notice.day", language, year=day.year, month=day.month, day=day.day)


def _written_time(local: datetime, language: Language) -> str:
    return f"{written_day(local.date(), language)} {local:%H:%M}"


def full_name(place: str, day: date, tree: Tree, language: Language) -> str:
    """A place's name after its township's: villages of different townships share names."""
    if place not in tree:
        return place
    named = place_named(place, day, tree)
    if named.township is None or named.township == place:
        return named.name
    return text("notice.place", language, township=named.township_name, place=named.name)


def duty_name(duty: str, language: Language) -> str:
    """What people call a duty; one that a county made itself goes by its code."""
    return text(f"calendar.{duty}", language) if has(f"calendar.{duty}") else duty
