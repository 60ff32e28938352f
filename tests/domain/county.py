"""A small county to test in, and short words for the facts about it.

C county
    T township
        D district (central village d1): d1 d2 d3
        E district (central village e1): e1 e2
    U township
        F district (central village f1): f1
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from server.domain.calendar import Calendar, DayKind, DayMark
from server.domain.duties import SHIPPED, Duty, DutyBook
from server.domain.engine import Obligation, PersonFacts, VisitFact, World, judge
from server.domain.periods import Window, month_of, week_of
from server.domain.places import BEGINNING, EVERYWHERE, Level, Place, Standing, Tree
from server.domain.postings import Leave, Posting

# The autumn of 2018 as the State Council published it.
HOLIDAYS = frozenset({date(2018, 9, 24), date(2018, 12, 31), *(date(2018, 10, n) for n in range(1, 8))})
WORKED_WEEKENDS = frozenset({date(2018, 9, 29), date(2018, 9, 30), date(2018, 12, 29)})


def is_workday(day: date) -> bool:
    return day in WORKED_WEEKENDS or (day.isoweekday() <= 5 and day not in HOLIDAYS)


def d(text: str) -> date:
    """A day of 2018 by month and day, `11-05`, or any with its year."""
    return date.fromisoformat(text if len(text) > 5 else f"2018-{text}")


def window(label: str) -> Window:
    """The window of a label such as `2018-W46` or `2018-11`; the year may be left out."""
    text = label if label.startswith("20") else f"2018-{label}"
    if "W" in text:
        return week_of(date.fromisoformat(f"{text}-1"))
    return month_of(date.fromisoformat(f"{text}-01"))


def place(code: str, level: Level, parent: str | None, central: str | None = None) -> Place:
    return Place(code, code, level, (Standing(BEGINNING, parent, central_village=central),))


COUNTY: tuple[Place, ...] = (
    place("C", Level.COUNTY, None),
    place("T", Level.TOWNSHIP, "C"),
    place("D", Level.DISTRICT, "T", "d1"),
    place("d1", Level.VILLAGE, "D"),
    place("d2", Level.VILLAGE, "D"),
    place("d3", Level.VILLAGE, "D"),
    place("E", Level.DISTRICT, "T", "e1"),
    place("e1", Level.VILLAGE, "E"),
    place("e2", Level.VILLAGE, "E"),
    place("U", Level.TOWNSHIP, "C"),
    place("F", Level.DISTRICT, "U", "f1"),
    place("f1", Level.VILLAGE, "F"),
)

Change = Callable[[Place], Place]


def county(**changes: Change) -> Tree:
    """The county with some of its places changed, `county(d2=moved("E", "11-10"))`."""
    return Tree(changes[p.code](p) if p.code in changes else p for p in COUNTY)


def moved(parent: str, since: str) -> Change:
    def change(place: Place) -> Place:
        return replace(place, standings=(*place.standings, replace(place.standings[-1], since=d(since), parent=parent)))

    return change


def centred(village: str | None, since: str) -> Change:
    def change(place: Place) -> Place:
        now = replace(place.standings[-1], since=d(since), central_village=village)
        return replace(place, standings=(*place.standings, now))

    return change


def new_from(since: str) -> Change:
    return lambda place: replace(place, standings=(replace(place.standings[0], since=d(since)),))


def ended(on: str) -> Change:
    return lambda place: replace(place, ended_on=d(on))


def serving(since: str) -> Change:
    return lambda place: replace(place, service_from=d(since))


def off(day: str, at: str = EVERYWHERE) -> DayMark:
    return DayMark(d(day), DayKind.OFF, at)


def work(day: str, at: str = EVERYWHERE) -> DayMark:
    return DayMark(d(day), DayKind.WORK, at)


def closed(day: str, at: str = EVERYWHERE) -> DayMark:
    return DayMark(d(day), DayKind.CLOSED, at)


def calendar(*marks: DayMark, tree: Tree | None = None) -> Calendar:
    return Calendar(is_workday, marks, tree or county())


def world(
    tree: Tree | None = None,
    marks: Iterable[DayMark] = (),
    duties: Iterable[Duty] = SHIPPED,
    service_from: str | None = None,
    moved_days: Mapping[tuple[str, str], Mapping[str, date]] | None = None,
) -> World:
    tree = tree or county()
    since = d(service_from) if service_from else None
    return World(tree, Calendar(is_workday, marks, tree), DutyBook(duties), since, moved_days or {})


def posting(role: str, at: str, start: str, end: str | None = None, weekday: int | None = None) -> Posting:
    return Posting("p", role, at, d(start), d(end) if end else None, weekday)


def envoy(at: str = "d2", start: str = "01-01", end: str | None = None) -> Posting:
    return posting("envoy", at, start, end)


def secretary(weekday: int | None = 3, start: str = "01-01", end: str | None = None, at: str = "D") -> Posting:
    return posting("district-secretary", at, start, end, weekday)


def leader(at: str = "T", start: str = "01-01", end: str | None = None) -> Posting:
    return posting("paired-leader", at, start, end)


def away(start: str, end: str | None = None) -> Leave:
    return Leave("p", d(start), d(end or start))


def visit(
    day: str, at: str = "d2", activity: str = "visit", status: str = "confirmed", photos: int | None = None
) -> VisitFact:
    return VisitFact(f"{day} {activity} {at} {status}", at, activity, d(day), status, photos)


def judged(
    labels: str,
    postings: Sequence[Posting],
    visits: Sequence[VisitFact] = (),
    leaves: Sequence[Leave] = (),
    *,
    among: World | None = None,
    duty: str | None = None,
    excused: Iterable[tuple[str, str, str]] = (),
) -> list[Obligation]:
    """What the person owes in the windows of the labels (with blanks between), of one duty or of all."""
    facts = PersonFacts("p", postings, leaves, visits, frozenset(excused))
    found = judge(facts, [window(label) for label in labels.split()], among or world())
    return [o for o in found if duty in (None, o.duty)]
