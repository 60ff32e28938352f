"""The duty rules once more, written from docs/duties.md alone: slow, day by day, nothing remembered.

It shares the value types with the engine and not a line of its reasoning. It returns what the report shows, so that
the two can be compared.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from server.domain.calendar import DayKind, DayMark
from server.domain.duties import DayOff, Duty, Fixed, Target
from server.domain.engine import PersonFacts, VisitFact
from server.domain.periods import Window
from server.domain.places import Level, Place
from server.domain.postings import Posting

ONE = timedelta(days=1)


@dataclass(frozen=True)
class Facts:
    """All there is to know, as it was entered."""

    places: tuple[Place, ...]
    marks: tuple[DayMark, ...]
    duties: tuple[Duty, ...]
    service_from: date | None
    is_workday: Callable[[date], bool]
    moved: tuple[tuple[str, str, str, date], ...] = ()  # duty, window, place, day

    @cached_property
    def by_code(self) -> dict[str, Place]:
        return {place.code: place for place in self.places}

    @cached_property
    def told(self) -> dict[tuple[str, date], bool]:
        """Whether a day is worked, where a mark says so."""
        return {(m.place, m.day): m.kind is DayKind.WORK for m in self.marks if m.kind is not DayKind.CLOSED}

    @cached_property
    def closures(self) -> set[tuple[str, date]]:
        return {(m.place, m.day) for m in self.marks if m.kind is DayKind.CLOSED}


class Row(NamedTuple):
    duty: str
    place: str
    window: str
    turn: int
    opens_on: date
    due_on: date
    status: str
    reason: str
    needed: int
    done: int


@dataclass(frozen=True)
class Stretch:
    """A term cut to the days looked at: on each of them one posting holds."""

    role: str
    place: str
    days: dict[date, Posting]


def rows(facts: Facts, person: PersonFacts, windows: Iterable[Window], now: datetime, zone: ZoneInfo) -> list[Row]:
    """What the person owes in the windows, as the report shows it at `now`."""
    windows = list(windows)
    horizon = span(min(w.first for w in windows) - 40 * ONE, max(w.last for w in windows) + 40 * ONE)
    found = []
    for window in windows:
        turns: dict[tuple[str, str], int] = {}
        for term in stretches(person.postings, horizon):
            for duty in judging(facts, window):
                if duty.role != term.role:
                    continue
                for place in sorted(place.code for place in facts.places):
                    owed = obligation(facts, duty, term, window, place)
                    if owed is None:
                        continue
                    turn = turns[(duty.code, place)] = turns.get((duty.code, place), -1) + 1
                    found.append(row(facts, person, duty, term, window, place, turn, *owed, now, zone))
    return found


def span(first: date, last: date) -> list[date]:
    return [first + n * ONE for n in range((last - first).days + 1)]


def stretches(postings: Iterable[Posting], horizon: list[date]) -> list[Stretch]:
    """The terms, by role and place and then by time: runs of days with a posting in force."""
    found = []
    for role, place in sorted({(p.role, p.place) for p in postings}):
        run: dict[date, Posting] = {}
        for day in [*horizon, None]:
            held = [
                p for p in postings
                if day and (p.role, p.place) == (role, place) and p.start <= day and (p.end is None or p.end >= day)
            ]  # fmt: skip
            if held and day:
                run[day] = held[0]
            elif run:
                found.append(Stretch(role, place, run))
                run = {}
    return found


def judging(facts: Facts, window: Window) -> list[Duty]:
    """The version of each duty that judges the window."""
    found = []
    for code in sorted({duty.code for duty in facts.duties}):
        versions = [duty for duty in facts.duties if duty.code == code and duty.since <= window.first]
        if versions:
            last = max(versions, key=lambda duty: duty.since)
            if last.active and last.every == window.every:
                found.append(last)
    return found


def parent(facts: Facts, code: str, day: date) -> str | None:
    begun = [s for s in facts.by_code[code].standings if s.since <= day]
    return begun[-1].parent if begun else None


def around(facts: Facts, code: str, day: date) -> list[str]:
    """The place and everything around it, nearest first."""
    found = [code]
    while (above := parent(facts, found[-1], day)) is not None:
        found.append(above)
    return found


def works(facts: Facts, code: str, day: date) -> bool:
    for area in [*around(facts, code, day), ""]:
        if (area, day) in facts.told:
            return facts.told[(area, day)]
    return facts.is_workday(day)


def shut(facts: Facts, code: str, day: date) -> bool:
    return any((area, day) in facts.closures for area in [*around(facts, code, day), ""])


def is_target(facts: Facts, duty: Duty, term: Stretch, code: str, day: date) -> bool:
    """Whether the duty is owed at the place, as the places stood on the day."""
    place = facts.by_code[code]
    if place.ended_on is not None and place.ended_on <= day:
        return False
    if duty.target is Target.POSTING:
        return code == term.place
    if duty.target is Target.CENTRAL_VILLAGE:
        begun = [s for s in facts.by_code[term.place].standings if s.since <= day]
        return bool(begun) and begun[-1].central_village == code
    return place.level is Level.VILLAGE and term.place in around(facts, code, day)


def begins(facts: Facts, code: str, day: date) -> date:
    """The first day of service at the place: that of the nearest place which has one, else everybody's."""
    for area in around(facts, code, day):
        if own := facts.by_code[area].service_from:
            return own
    return facts.service_from or date.min


def obligation(
    facts: Facts, duty: Duty, term: Stretch, window: Window, place: str
) -> tuple[date, date, list[date], bool] | None:
    """First day, last day, counted days and whether it is a holiday; none if nothing is owed."""
    days = span(window.first, window.last)
    if not any(is_target(facts, duty, term, place, day) for day in days):
        return None
    if duty.fixed is Fixed.ANY:
        counted = days if duty.day_off is DayOff.KEEP else [day for day in days if works(facts, place, day)]
        edges = (counted[0], counted[-1]) if counted else (days[0], days[-1])
        if not all(day in term.days for day in edges):
            return None
        opens, due, holiday, as_of = days[0], days[-1], not counted, edges[1]
    else:
        fixed = fixed_day(duty, term, days)
        if fixed is None:
            return None
        for area in around(facts, place, fixed):
            others = [
                day for code, label, at, day in facts.moved if (code, label, at) == (duty.code, window.label, area)
            ]
            if others:
                (fixed,) = others
                break
        holiday = duty.day_off is not DayOff.KEEP and not works(facts, place, fixed)
        if holiday and duty.day_off is DayOff.SHIFT:
            later = [day for day in days if day > fixed and works(facts, place, day)]
            if later:
                fixed, holiday = later[0], False
        if fixed not in term.days:
            return None
        opens, due, counted, as_of = fixed, fixed, [fixed], fixed
    if not is_target(facts, duty, term, place, as_of) or window.first < begins(facts, place, as_of):
        return None
    return opens, due, counted, holiday


def fixed_day(duty: Duty, term: Stretch, days: list[date]) -> date | None:
    if duty.fixed is Fixed.MONTH_DAY:
        return next((day for day in days if day.day == duty.number), None)
    weekday = duty.number
    if duty.fixed is Fixed.OFFICE_WEEKDAY:
        # Monday's posting, or else the first one in force in that week.
        held = [term.days[day] for day in days if day in term.days]
        weekday = held[0].office_weekday if held else None
    return next((day for day in days if day.isoweekday() == weekday), None)


def row(
    facts: Facts,
    person: PersonFacts,
    duty: Duty,
    term: Stretch,
    window: Window,
    place: str,
    turn: int,
    opens: date,
    due: date,
    counted: list[date],
    holiday: bool,
    now: datetime,
    zone: ZoneInfo,
) -> Row:
    def fits(visit: VisitFact) -> bool:
        return (
            opens <= visit.day <= due
            and visit.day in term.days
            and visit.activity in duty.activities
            and place in around(facts, visit.place, visit.day)
        )

    def enough_photos(visit: VisitFact) -> bool:
        return visit.photos is None or visit.photos >= duty.min_photos

    fitting = [visit for visit in person.visits if fits(visit)]
    confirmed = {v.day for v in fitting if v.status == "confirmed" and enough_photos(v)}
    possible = {v.day for v in fitting if v.status in ("confirmed", "review", "incomplete")}
    on_leave = [day for day in counted if any(leave.start <= day <= leave.end for leave in person.leaves)]
    lost = [day for day in counted if day in on_leave or shut(facts, place, day)]
    left = len(counted) - len(lost)
    needed = min(duty.times, left) if left else duty.times

    reason = ""
    if len(confirmed) >= needed:
        status = "met"
    elif holiday:
        status, reason = "excused", "holiday"
    elif counted == on_leave:
        status, reason = "excused", "leave"
    elif counted == lost:
        status, reason = "excused", "closed"
    elif (duty.code, place, window.label) in person.excused:
        status, reason = "excused", "decision"
    elif len(possible) >= needed:
        status = "pending"
    else:
        status = clock(opens, due, now, zone)
    return Row(duty.code, place, window.label, turn, opens, due, status, reason, needed, len(confirmed))


def clock(opens: date, due: date, now: datetime, zone: ZoneInfo) -> str:
    def begin(day: date) -> float:
        return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()

    if now.timestamp() < begin(opens):
        return "upcoming"
    if now.timestamp() < begin(due + ONE):
        return "due"
    return "grace" if now.timestamp() - begin(due + ONE) < 72 * 3600 else "missed"
