"""Random counties and people for properties: places that move and end, marks at every level, postings with gaps.

The days lie around National Day 2018, where working days are at their oddest: a county of six villages over six
weeks, so that moves, marks, leaves and visits meet often. A seed makes the facts, richer than drawing each of them
would; what hypothesis draws beside it is how many of them are left, so that a failure still shrinks to few.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from server.domain.calendar import Calendar, DayKind, DayMark
from server.domain.duties import SHIPPED, DayOff, Duty, DutyBook, Fixed, Target, faults
from server.domain.engine import PersonFacts, VisitFact, World
from server.domain.periods import DAY, windows
from server.domain.places import EVERYWHERE, Level, Place, Tree
from server.domain.postings import Leave, Posting, overlapping
from tests.domain.county import COUNTY, is_workday
from tests.domain.oracle import Facts

FIRST, LAST = date(2018, 9, 24), date(2018, 11, 4)
WINDOWS = windows(FIRST, LAST)
TREE = Tree(COUNTY)
CODES = list(TREE.places)
VILLAGES = [place.code for place in COUNTY if place.level is Level.VILLAGE]
DISTRICTS, TOWNSHIPS = ["D", "E", "F"], ["T", "U"]
PLACES_OF = {"envoy": VILLAGES, "district-secretary": DISTRICTS, "paired-leader": TOWNSHIPS}
STATUSES = ["confirmed"] * 4 + ["review", "review", "incomplete", "returned", "rejected"]

DAYS = st.integers(0, (LAST - FIRST).days).map(lambda n: FIRST + n * DAY)
MOMENTS = st.builds(
    lambda ahead, second: datetime(2018, 9, 24, tzinfo=UTC) + timedelta(days=ahead, seconds=second),
    st.integers(0, 50),
    st.sampled_from([0, 57_599, 57_600, 79_200, 82_799, 82_800]),  # around midnight in Leling and in Berlin
)

Fact = TypeVar("Fact")


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
    moved: dict[tuple[str, str], dict[str, date]] = defaultdict(dict)
    for duty, window, place, day in facts.moved:
        moved[(duty, window)][place] = day
    return World(tree, Calendar(facts.is_workday, facts.marks, tree), DutyBook(facts.duties), facts.service_from, moved)


def some_day(random: Random) -> date:
    return FIRST + random.randrange((LAST - FIRST).days + 1) * DAY


def places(random: Random, changes: int) -> tuple[Place, ...]:
    """The small county, in which some places move, change their centre, begin later or end."""
    changed = {place.code: place for place in COUNTY}
    for _ in range(min(changes, random.randrange(8))):
        code, since = random.choice(CODES[2:]), some_day(random)
        place = changed[code]
        last = place.standings[-1]
        kind = random.choice(["moves", "moves", "moves", "ends", "new", "service"])
        if kind == "ends":
            changed[code] = replace(place, ended_on=since)
        elif kind == "service":
            changed[code] = replace(place, service_from=since)
        elif kind == "new" and len(place.standings) == 1:
            changed[code] = replace(place, standings=(replace(last, since=since),))
        elif since > last.since and place.level is not Level.TOWNSHIP:
            if place.level is Level.VILLAGE:
                now = replace(last, since=since, parent=random.choice([*DISTRICTS, *TOWNSHIPS]))
            elif random.random() < 0.6:
                now = replace(last, since=since, central_village=random.choice([None, *VILLAGES]))
            else:
                now = replace(last, since=since, parent=random.choice(TOWNSHIPS))
            changed[code] = replace(place, standings=(*place.standings, now))
    return tuple(changed.values())


def marks(random: Random) -> list[DayMark]:
    """Days off, worked and closed, single ones and whole spells, at any place and everywhere."""
    found: dict[tuple[date, str, bool], DayMark] = {}
    for _ in range(random.randrange(12)):
        kind, at, start = random.choice(list(DayKind)), random.choice([EVERYWHERE, *CODES]), some_day(random)
        for n in range(random.choice([1, 1, 1, 2, 4, 7])):
            mark = DayMark(start + n * DAY, kind, at)
            found[(mark.day, at, kind is DayKind.CLOSED)] = mark
    return list(found.values())


def own_duty(random: Random, code: str) -> Duty:
    """A duty that a county might add: any that makes sense."""
    while True:
        fixed = random.choice([Fixed.ANY, Fixed.ANY, *Fixed])
        duty = Duty(
            code=code,
            role=random.choice(list(PLACES_OF)),
            activities=frozenset(random.sample(["visit", "study", "office"], random.randint(1, 3))),
            target=random.choice(list(Target)),
            every=random.choice(["week", "month"]),
            fixed=fixed,
            number={Fixed.MONTH_DAY: random.choice([1, 6, 15, 29, 30, 31]), Fixed.WEEKDAY: random.randint(1, 7)}.get(
                fixed
            ),
            day_off=random.choice(list(DayOff)),
            times=random.choice([1, 2, 2, 3, 5]) if fixed is Fixed.ANY else 1,
            min_photos=random.choice([0, 0, 0, 2]),
        )
        if not faults(duty):
            return duty


def duties(random: Random, most: int) -> tuple[Duty, ...]:
    """The shipped duties, a few of the county's own, and changes of some of them."""
    found = [*SHIPPED, *(own_duty(random, f"own-{n}") for n in range(min(most, random.randrange(4))))]
    for _ in range(min(most, random.randrange(4))):
        old, since = random.choice(found), some_day(random)
        if not any((duty.code, duty.since) == (old.code, since) for duty in found):
            version = replace(old, active=False) if random.random() < 0.3 else own_duty(random, old.code)
            found.append(replace(version, since=since))
    return tuple(found)


def postings(random: Random) -> tuple[Posting, ...]:
    """One person's postings: in some roles and places, one after the other, often without a gap."""
    found: list[Posting] = []
    for _ in range(random.randint(1, 3)):
        role = random.choice(["envoy", "envoy", "district-secretary", "district-secretary", "paired-leader"])
        place = random.choice(PLACES_OF[role])
        if any((p.role, p.place) == (role, place) for p in found):
            continue
        start = random.choice([FIRST - 60 * DAY, some_day(random)])
        for _ in range(random.randint(1, 6)):
            length = random.choice([None, random.randrange(5), random.randrange(5), random.randrange(5, 40)])
            end = None if length is None else max(start, FIRST) + length * DAY
            # Often the weekday of the first day, so that two short terms may both owe an office day in a week.
            weekday = random.choice([1, 2, 3, 4, 5, None, *[min(start.isoweekday(), 5)] * 5])
            found.append(Posting("p", role, place, start, end, weekday if role == "district-secretary" else None))
            if end is None:
                break
            start = end + random.choice([1, 1, 1, 2, 2, 3, 9]) * DAY
    assert not overlapping(found)
    return tuple(found)


def leaves(random: Random) -> list[Leave]:
    """Spells of leave, some over others."""
    starts = [some_day(random) for _ in range(random.randrange(5))]
    return [Leave("p", start, start + random.choice([0, 1, 4, 8, 20]) * DAY) for start in starts]


def visits(random: Random, held: Sequence[Posting]) -> list[VisitFact]:
    """Visits of one person, most of them at or inside the places of the postings."""
    near = [code for p in held for code in (p.place, *TREE.villages_in(p.place, FIRST))]
    return [
        VisitFact(
            f"v{n}",
            random.choice(near if random.random() < 0.8 else CODES),
            random.choice(["visit", "study", "office"] * 3 + ["other"]),
            some_day(random),
            random.choice(STATUSES),
            random.choice([None, 0, 1, 2]),
        )
        for n in range(random.randrange(40))
    ]


def moves(random: Random, owed: Sequence[Duty]) -> list[tuple[str, str, str, date]]:
    """Fixed days moved to another day of their window, at places high and low."""
    codes = sorted({duty.code for duty in owed if duty.fixed is not Fixed.ANY})
    found: dict[tuple[str, str, str], date] = {}
    for _ in range(random.randrange(12) if codes else 0):
        window = random.choice(WINDOWS)
        key = (random.choice(codes), window.label, random.choice(CODES))
        found[key] = random.choice(list(window.days()))
    return [(*key, day) for key, day in found.items()]


LEFT = st.one_of(st.integers(0, 6), *[st.just(99)] * 4)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A random county with a random person in it."""
    random = Random(draw(st.integers(0, 2**32 - 1)))

    def some(facts: Sequence[Fact]) -> tuple[Fact, ...]:
        return tuple(facts[: draw(LEFT)])

    owed = duties(random, draw(LEFT))
    facts = Facts(
        places=places(random, draw(LEFT)),
        marks=some(marks(random)),
        duties=owed,
        moved=some(moves(random, owed)),
        service_from=some_day(random) if random.random() < 0.2 else None,
        is_workday=is_workday,
    )
    held = postings(random)
    codes, labels = [duty.code for duty in facts.duties], [window.label for window in WINDOWS]
    excused = frozenset((random.choice(codes), random.choice(CODES), random.choice(labels)) for _ in range(20))
    return Case(facts, PersonFacts("p", held, some(leaves(random)), some(visits(random, held)), excused))
