"""Working days and closures as they hold at a place."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from server.domain.periods import Window
from server.domain.places import EVERYWHERE, Tree


class DayKind(StrEnum):
    OFF = "off"
    WORK = "work"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class DayMark:
    """A county's own word on one local day, at a place and all inside it, or everywhere (place empty)."""

    day: date
    kind: DayKind
    place: str = EVERYWHERE


class Calendar:
    """Which days are worked, and which are closed, at any place (duties.md, Working days).

    `is_workday` is the country's calendar. Of off and work marks the nearest place's wins; a closure holds for all
    inside and no nearer mark lifts it.
    """

    def __init__(self, is_workday: Callable[[date], bool], marks: Iterable[DayMark], tree: Tree) -> None:
        self._is_workday = is_workday
        self._tree = tree
        self._marks: dict[str, dict[date, bool]] = defaultdict(dict)
        self._closures: dict[str, set[date]] = defaultdict(set)
        for mark in marks:
            if mark.kind is DayKind.CLOSED:
                self._closures[mark.place].add(mark.day)
            else:
                self._marks[mark.place][mark.day] = mark.kind is DayKind.WORK
        self._working: dict[tuple[Window, tuple[str, ...]], tuple[date, ...]] = {}

    def works(self, place: str, day: date) -> bool:
        """Whether the local day is a working day at the place."""
        for link in (*self._tree.chain(place, day), EVERYWHERE):
            marks = self._marks.get(link)
            if marks and day in marks:
                return marks[day]
        return self._is_workday(day)

    def closed(self, place: str, day: date) -> bool:
        """Whether the local day is closed at the place."""
        if not self._closures:
            return False
        return any(day in self._closures.get(link, ()) for link in (*self._tree.chain(place, day), EVERYWHERE))

    def working_days(self, place: str, window: Window) -> tuple[date, ...]:
        """The working days of the window at the place, in order."""
        if self._tree.era(window.first) != self._tree.era(window.last):
            return tuple(day for day in window.days() if self.works(place, day))
        # Most places share their calendar with a thousand others: work it out once for each set of marks.
        chain = self._tree.chain(place, window.first)
        marked = tuple(link for link in (*chain, EVERYWHERE) if link in self._marks)
        found = self._working.get((window, marked))
        if found is None:
            found = tuple(day for day in window.days() if self.works(place, day))
            self._working[(window, marked)] = found
        return found
