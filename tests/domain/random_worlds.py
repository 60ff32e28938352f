"""Random counties and people for properties: places that move and end, marks at every level, postings with gaps.

The days lie around National Day 2018, where working days are at their oddest: a county of six villages over six
weeks, so that moves, marks, leaves and visits meet often.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from server.domain.calendar import Calendar, DayKind, DayMark
from server.domain.duties import SHIPPED, DayOff, Duty, DutyBook, Fixed, Target
from server.domain.engine import PersonFacts, VisitFact, World
from server.domain.periods import DAY, windows
from server.domain.places import EVERYWHERE, Level, Place, Tree
from server.domain.postings import Leave, Posting, overlapping
from tests.domain.county import COUNTY, is_workday
from tests.domain.oracle import Facts

FIRST, LAST = date(2018, 9, 24), date(2018, 11, 4)
WINDOWS = windows(FIRST, LAST)
CODES = [place.code for place in COUNTY]
VILLAGES = [place.code for place in COUNTY if place.level is Level.VILLAGE]
DISTRICTS = ["D", "E", "F"]
TOWNSHIPS = ["T", "U"]

TREE = Tree(COUNTY)
ROLES = ["envoy", "district-secretary", "district-secretary", "paired-leader"]
STATUSES = st.sampled_from(["confirmed", "confirmed", "confirmed", "review", "incomplete", "returned", "rejected"])

DAYS = st.integers(0, (LAST - FIRST).days).map(lambda n: FIRST + n * DAY)
MOMENTS = st.builds(
    lambda day, second: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second),
    st.one_of(DAYS, st.integers(0, 40).map(lambda n: LAST + n * DAY)),
    st.sampled_from([0, 57_599, 57_600, 86_399]),  # midnight in Leling is 16:00 in UTC
)


@dataclass(frozen=True)
class Case:
    """A county with one person in it."""

    facts: Facts
    person: PersonFacts

    def world(self) -> World:
        """A world that has judged nothing yet."""
        return world_of(self.facts)


def world_of(facts: Facts) -> World:
    tree = Tree(facts.places)
    return World(tree, Calendar(facts.is_workday, facts.marks, tree), DutyBook(facts.duties), facts.service_from)


@st.composite
def places(draw: st.DrawFn) -> tuple[Place, ...]:
    """The small county, in which some places move, change their centre, begin later or end."""
    changed = {place.code: place for place in COUNTY}
    for code, kind, since in draw(st.lists(st.tuples(st.sampled_from(CODES[2:]), KINDS, DAYS), max_size=4)):
        place = changed[code]
        last = place.standings[-1]
        if kind == "ends":
            changed[code] = replace(place, ended_on=since)
        elif kind == "service":
            changed[code] = replace(place, service_from=since)
        elif kind == "new" and len(place.standings) == 1:
            changed[code] = replace(place, standings=(replace(last, since=since),))
        elif since > last.since:
            if kind == "centre":
                now = replace(last, since=since, central_village=draw(st.sampled_from([None, *VILLAGES])))
            elif place.level is Level.TOWNSHIP:
                continue
            else:
                above = TOWNSHIPS if place.level is Level.DISTRICT else [*DISTRICTS, *TOWNSHIPS]
                now = replace(last, since=since, parent=draw(st.sampled_from(above)))
            changed[code] = replace(place, standings=(*place.standings, now))
    return tuple(changed.values())


KINDS = st.sampled_from(["moves", "moves", "centre", "ends", "new", "service"])

@st.composite
def marks(draw: st.DrawFn) -> tuple[DayMark, ...]:
    """Days off, worked and closed, single ones and whole spells, at any place and everywhere."""
    found: dict[tuple[date, str, bool], DayMark] = {}
    for _ in range(draw(st.integers(0, 7))):
        kind, at = draw(st.sampled_from(DayKind)), draw(st.sampled_from([EVERYWHERE, *CODES]))
        start = draw(DAYS)
        for n in range(draw(st.sampled_from([1, 1, 1, 2, 4, 7]))):
            mark = DayMark(start + n * DAY, kind, at)
            found[(mark.day, at, kind is DayKind.CLOSED)] = mark
    return tuple(found.values())


@st.composite
def own_duty(draw: st.DrawFn, code: str) -> Duty:
    """A duty that a county might add: any that makes sense."""
    fixed = draw(st.sampled_from(Fixed))
    every = draw(st.sampled_from(["week", "month"]))
    number, times, day_off = None, 1, draw(st.sampled_from(DayOff))
    role = draw(st.sampled_from(["envoy", "district-secretary", "paired-leader"]))
    if fixed is Fixed.ANY:
        times = draw(st.integers(1, 4))
        day_off = DayOff.SKIP if day_off is DayOff.SHIFT else day_off
    elif fixed is Fixed.MONTH_DAY:
        every, number = "month", draw(st.sampled_from([1, 6, 15, 29, 30, 31]))
    elif fixed is Fixed.WEEKDAY:
        every, number = "week", draw(st.integers(1, 7))
    else:
        every, role = "week", "district-secretary"
    return Duty(
        code=code,
        role=role,
        activities=frozenset(draw(st.sets(st.sampled_from(["visit", "study", "office"]), min_size=1))),
        target=draw(st.sampled_from(Target)),
        every=every,  # type: ignore[arg-type]
        fixed=fixed,
        number=number,
        day_off=day_off,
        times=times,
        min_photos=draw(st.sampled_from([0, 0, 2])),
    )


@st.composite
def duties(draw: st.DrawFn) -> tuple[Duty, ...]:
    """The shipped duties, a few of the county's own, and changes of some of them."""
    found = [*SHIPPED, *(draw(own_duty(f"own-{n}")) for n in range(draw(st.integers(0, 2))))]
    for since in draw(st.lists(DAYS, max_size=2, unique=True)):
        old = draw(st.sampled_from(found))
        version = draw(st.one_of(own_duty(old.code), st.just(replace(old, active=False))))
        if (old.code, since) not in {(duty.code, duty.since) for duty in found}:
            found.append(replace(version, since=since))
    return tuple(found)


PLACES_OF = {"envoy": VILLAGES, "district-secretary": DISTRICTS, "paired-leader": TOWNSHIPS}


@st.composite
def postings(draw: st.DrawFn) -> tuple[Posting, ...]:
    """One person's postings: in some roles and places, one after the other, often without a gap."""
    found: list[Posting] = []
    for role in draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=3)):
        place = draw(st.sampled_from(PLACES_OF[role]))
        if any((p.role, p.place) == (role, place) for p in found):
            continue
        start = draw(st.one_of(st.just(FIRST - 60 * DAY), DAYS))
        for _ in range(draw(st.integers(1, 4))):
            length = draw(st.one_of(st.none(), st.integers(0, 4), st.integers(5, 30)))
            end = None if length is None else max(start, FIRST) + length * DAY
            # Often the weekday of the first day, so that two short terms may share a week.
            weekdays = [1, 2, 3, 4, 5, None, *[min(start.isoweekday(), 5)] * 4]
            weekday = draw(st.sampled_from(weekdays)) if role == "district-secretary" else None
            found.append(Posting("p", role, place, start, end, weekday))
            if end is None:
                break
            start = end + draw(st.sampled_from([1, 1, 1, 2, 2, 3, 9])) * DAY
    assert not overlapping(found)
    return tuple(found)


@st.composite
def leaves(draw: st.DrawFn) -> tuple[Leave, ...]:
    """Spells of leave, some over others."""
    spells = draw(st.lists(st.tuples(DAYS, st.sampled_from([1, 2, 5, 9, 20])), max_size=3))
    return tuple(Leave("p", start, start + (length - 1) * DAY) for start, length in spells)


@st.composite
def visits(draw: st.DrawFn, held: tuple[Posting, ...]) -> tuple[VisitFact, ...]:
    """Visits of one person, most of them at or inside the places of the postings."""
    near = [code for p in held for code in (p.place, *TREE.villages_in(p.place, FIRST))]
    spots = st.one_of(st.sampled_from(near), st.sampled_from(near), st.sampled_from(CODES))
    return tuple(
        VisitFact(
            f"v{n}",
            draw(spots),
            draw(st.sampled_from(["visit", "study", "office", "visit", "study", "office", "other"])),
            draw(DAYS),
            draw(STATUSES),
            draw(st.sampled_from([None, 0, 1, 2])),
        )
        for n in range(draw(st.one_of(st.integers(0, 5), st.integers(12, 30))))
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A random county with a random person in it."""
    facts = Facts(
        places=draw(places()),
        marks=draw(marks()),
        duties=draw(duties()),
        service_from=draw(st.one_of(st.none(), st.none(), DAYS)),
        is_workday=is_workday,
    )
    held = draw(postings())
    excused = draw(st.frozensets(st.tuples(CODES_OF_DUTIES, st.sampled_from(CODES), LABELS, st.just(0)), max_size=3))
    return Case(facts, PersonFacts("p", held, draw(leaves()), draw(visits(held)), excused))


CODES_OF_DUTIES = st.sampled_from([duty.code for duty in SHIPPED])
LABELS = st.sampled_from([window.label for window in WINDOWS])
