"""The duty engine: facts in, obligations out. Every rule here is a sentence of docs/duties.md.

The verdict depends on the facts alone. The clock comes in only when a verdict is read (`status_of`), so stored
verdicts stay true while time passes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from server.domain.calendar import Calendar
from server.domain.duties import DayOff, Duty, DutyBook, Fixed, Target
from server.domain.periods import DAY, Moment, Window
from server.domain.places import Tree
from server.domain.postings import Leave, Posting, Term, terms


class Verdict(StrEnum):
    """What the facts alone say of an obligation."""

    MET = "met"
    EXCUSED = "excused"
    PENDING = "pending"
    OPEN = "open"


class Status(StrEnum):
    """What an obligation's verdict means at a moment."""

    MET = "met"
    EXCUSED = "excused"
    PENDING = "pending"
    UPCOMING = "upcoming"
    DUE = "due"
    GRACE = "grace"
    MISSED = "missed"


class Reason(StrEnum):
    NONE = ""
    HOLIDAY = "holiday"
    LEAVE = "leave"
    CLOSED = "closed"
    DECISION = "decision"


COUNTS = "confirmed"
MAY_COUNT = frozenset({"review", "incomplete"})


@dataclass(frozen=True, slots=True)
class VisitFact:
    """A visit as the engine needs it; `photos` is none for an imported one, which no duty asks photos of."""

    id: str
    place: str
    activity: str
    day: date
    status: str
    photos: int | None = None


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """All that is known of one person in the span that is judged."""

    person: str
    postings: Sequence[Posting]
    leaves: Sequence[Leave] = ()
    visits: Sequence[VisitFact] = ()
    excused: frozenset[tuple[str, str, str]] = frozenset()  # duty, place, window: a supervisor's decision


@dataclass(frozen=True, slots=True)
class World:
    """What holds for everybody."""

    tree: Tree
    calendar: Calendar
    duties: DutyBook
    service_from: date | None = None
    # By duty and window, then by place: the day on which the fixed day falls there instead, and everywhere inside.
    moved: Mapping[tuple[str, str], Mapping[str, date]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Obligation:
    """One duty × one term × one window × one target place, with its verdict.

    `turn` tells apart the obligations of two terms of one person in the same window; `path` is the target's area on the
    window's last counted day; `needed` and `done` count different local days.
    """

    duty: str
    person: str
    place: str
    window: str
    turn: int
    opens_on: date
    due_on: date
    verdict: Verdict
    reason: Reason
    needed: int
    done: int
    path: str
    visits: tuple[str, ...] = field(default=())  # confirmed ones that count
    awaited: tuple[str, ...] = field(default=())  # those that would count once confirmed


def judge(person: PersonFacts, windows: Iterable[Window], world: World) -> list[Obligation]:
    """Judges everything the person owes in the windows, in order of window, duty, place and turn."""
    judged: list[Obligation] = []
    held = terms(person.postings)
    for window in windows:
        away = frozenset(_days_away(person.leaves, window))
        found: list[Obligation] = []
        turns: dict[tuple[str, str], int] = {}
        for term in held:
            if term.start > window.last or (term.end is not None and term.end < window.first):
                continue
            for duty in world.duties.owed_in(window, term.role):
                for owed in _owed(duty, term, window, world):
                    # Terms come oldest first, but of one duty in several places: the turn counts within a target.
                    turn = turns.get((duty.code, owed.place), 0)
                    turns[(duty.code, owed.place)] = turn + 1
                    found.append(_verdict(owed, turn, duty, term, window, person, away, world))
        judged += sorted(found, key=lambda o: (o.duty, o.place, o.turn))
    return judged


def status_of(verdict: Verdict, opens_on: date, due_on: date, moment: Moment) -> Status:
    """The status of an obligation at a moment (duties.md, Status)."""
    if verdict is not Verdict.OPEN:
        return Status(verdict.value)
    if moment.today < opens_on:
        return Status.UPCOMING
    if moment.today <= due_on:
        return Status.DUE
    return Status.GRACE if due_on >= moment.grace_from else Status.MISSED


@dataclass(frozen=True, slots=True)
class _Owed:
    """A target with the days on which the duty can be done there."""

    place: str
    counted: tuple[date, ...]
    opens_on: date
    due_on: date
    holiday: bool
    as_of: date  # the last counted day: how the places stood is asked of it


def _owed(duty: Duty, term: Term, window: Window, world: World) -> Iterable[_Owed]:
    if duty.fixed is Fixed.ANY:
        yield from _owed_any_day(duty, term, window, world)
    else:
        yield from _owed_on_a_day(duty, term, window, world)


def _owed_any_day(duty: Duty, term: Term, window: Window, world: World) -> Iterable[_Owed]:
    every_day: tuple[date, ...] | None = None
    for place in _possible_targets(duty, term, window, world.tree):
        if duty.day_off is DayOff.KEEP:
            counted = every_day = every_day or tuple(window.days())
        else:
            counted = world.calendar.working_days(place, window)
        first, last = (counted[0], counted[-1]) if counted else (window.first, window.last)
        if not (term.in_force(first) and term.in_force(last)):
            continue
        if place in _targets(duty, term, last, world.tree) and _in_service(place, window, last, world):
            yield _Owed(place, counted, window.first, window.last, not counted, last)


def _owed_on_a_day(duty: Duty, term: Term, window: Window, world: World) -> Iterable[_Owed]:
    fixed = _fixed_day(duty, term, window)
    if fixed is None:
        return
    moved = world.moved.get((duty.code, window.label), {})
    for place in _possible_targets(duty, term, window, world.tree):
        named = _moved(place, fixed, moved, world.tree)
        day, holiday = named, False
        if duty.day_off is not DayOff.KEEP and not world.calendar.works(place, named):
            later = None
            if duty.day_off is DayOff.SHIFT:
                later = next((d for d in window.days() if d > named and world.calendar.works(place, d)), None)
            day, holiday = (named, True) if later is None else (later, False)
        if not term.in_force(day):
            continue
        if place in _targets(duty, term, day, world.tree) and _in_service(place, window, day, world):
            yield _Owed(place, (day,), day, day, holiday, day)


def _fixed_day(duty: Duty, term: Term, window: Window) -> date | None:
    if duty.fixed is Fixed.MONTH_DAY:
        number = duty.number or 0
        return window.first.replace(day=number) if number <= window.last.day else None
    weekday = duty.number if duty.fixed is Fixed.WEEKDAY else term.office_weekday(window.first)
    return None if weekday is None else window.first + (weekday - 1) * DAY


def _moved(place: str, fixed: date, moved: Mapping[str, date], tree: Tree) -> date:
    """The fixed day, or the day to which the nearest place around has moved it."""
    if moved:
        for link in tree.chain(place, fixed):
            if link in moved:
                return moved[link]
    return fixed


def _targets(duty: Duty, term: Term, day: date, tree: Tree) -> tuple[str, ...]:
    """Where the duty is owed, as the places stood on the day."""
    if duty.target is Target.EACH_VILLAGE:
        return tree.villages_in(term.place, day)
    place = tree.central_village(term.place, day) if duty.target is Target.CENTRAL_VILLAGE else term.place
    return (place,) if place is not None and place in tree and tree[place].exists_on(day) else ()


def _possible_targets(duty: Duty, term: Term, window: Window, tree: Tree) -> list[str]:
    """Every place that is a target on some day of the window: which of them are owed, its last counted day says."""
    found: dict[str, None] = {}
    seen: set[int] = set()
    for day in (window.first, window.last):
        seen.add(tree.era(day))
        found.update(dict.fromkeys(_targets(duty, term, day, tree)))
    if len(seen) > 1:
        for day in window.days():
            found.update(dict.fromkeys(_targets(duty, term, day, tree)))
    return sorted(found)


def _in_service(place: str, window: Window, day: date, world: World) -> bool:
    begins = world.tree.service_from(place, day) or world.service_from
    return begins is None or window.first >= begins


def _days_away(leaves: Iterable[Leave], window: Window) -> Iterable[date]:
    for leave in leaves:
        day = max(leave.start, window.first)
        while day <= min(leave.end, window.last):
            yield day
            day += DAY


def _verdict(
    owed: _Owed,
    turn: int,
    duty: Duty,
    term: Term,
    window: Window,
    person: PersonFacts,
    away: frozenset[date],
    world: World,
) -> Obligation:
    counting: list[VisitFact] = []
    awaited: list[VisitFact] = []
    for visit in person.visits:
        if (
            owed.opens_on <= visit.day <= owed.due_on
            and visit.activity in duty.activities
            and term.in_force(visit.day)
            and world.tree.lies_in(visit.place, owed.place, visit.day)
        ):
            if visit.status == COUNTS and (visit.photos is None or visit.photos >= duty.min_photos):
                counting.append(visit)
            elif visit.status == COUNTS or visit.status in MAY_COUNT:
                awaited.append(visit)
    free = sum(1 for d in owed.counted if d not in away and not world.calendar.closed(owed.place, d))
    needed = min(duty.times, free) if free else duty.times
    done_on = {visit.day for visit in counting}
    verdict, reason = Verdict.OPEN, Reason.NONE
    if len(done_on) >= needed:
        verdict = Verdict.MET
    elif owed.holiday:
        verdict, reason = Verdict.EXCUSED, Reason.HOLIDAY
    elif not free:
        all_away = all(day in away for day in owed.counted)
        verdict, reason = Verdict.EXCUSED, Reason.LEAVE if all_away else Reason.CLOSED
    elif (duty.code, owed.place, window.label) in person.excused:
        verdict, reason = Verdict.EXCUSED, Reason.DECISION
    elif len(done_on | {visit.day for visit in awaited}) >= needed:
        verdict = Verdict.PENDING
    return Obligation(
        duty=duty.code,
        person=person.person,
        place=owed.place,
        window=window.label,
        turn=turn,
        opens_on=owed.opens_on,
        due_on=owed.due_on,
        verdict=verdict,
        reason=reason,
        needed=needed,
        done=len(done_on),
        path=world.tree.path(owed.place, owed.as_of),
        visits=tuple(sorted(v.id for v in counting)),
        awaited=tuple(sorted(v.id for v in awaited)),
    )
