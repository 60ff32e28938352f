"""Where two registers of places differ, and what of the past and the future rests on it.

A change of the register is two trees, before and after. What must be judged or looked at again follows from these
alone, whatever the change was called: a corrected position, a village that changes hands, a merger, a file.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from server.domain.periods import DAY
from server.domain.places import BEGINNING, Place, Standing, Tree

NEAR = timedelta(days=31)  # a window that shares a day with a stretch reaches at most so far beyond it
FOREVER = date.max


@dataclass(frozen=True, slots=True)
class Difference:
    """How one place differs between two registers, from a first to a last local day throughout which it does so."""

    place: str
    first: date
    last: date
    before: str  # its path, from the top down
    after: str
    lies: bool  # elsewhere, or among other places, or is another level's: who covers it, what is owed there
    stands: bool  # it has ended in the one and not in the other, or others take its stead
    serves: bool  # its first day of service
    centre: tuple[str | None, str | None] | None  # its central village, before and after, if that differs
    measures: bool  # position, radius or outline
    points: bool  # position: another village may be the nearest

    @property
    def owes(self) -> bool:
        """Whether what is owed there, or in what lies around it, may be otherwise."""
        return self.lies or self.stands or self.serves


def differences(old: Tree, new: Tree) -> list[Difference]:
    """Every way in which places differ, in order of place and day."""
    changed = {code for code in {**old.places, **new.places} if old.places.get(code) != new.places.get(code)}
    if not changed:
        return []
    found: list[Difference] = []
    inside, around = _lineage(old, new)
    affected = _reached(changed, inside)
    days = _days(old, new, _reached(affected, around))
    for code in sorted(affected):
        last_one: Difference | None = None
        for first, last in days:
            one = _difference(old, new, code, first, last)
            joined = _join(last_one, one)
            if joined is None and last_one is not None:
                found.append(last_one)
            last_one = joined or one
        if last_one is not None:
            found.append(last_one)
    return found


def concerned(
    found: Sequence[Difference], old: Tree, new: Tree, service_from: date | None = None
) -> dict[str, list[tuple[date, date]]]:
    """By place of a posting: the stretches in which what is owed by it may be otherwise.

    That is at the differing place itself and at everything around it. Also at what was around it only earlier or later
    in a window that shares a day with the stretch: the window's last counted day decides whose village it is, and which
    day is the last one counted depends on whose calendar holds.
    """
    spans: dict[str, set[tuple[date, date]]] = defaultdict(set)
    days = [day for day, _ in _days(old, new, {**old.places, **new.places})] if found else []
    centre_of = _centres(old, new)
    for one in found:
        if one.centre is not None:
            spans[one.place].add((one.first, one.last))
        if not one.owes:
            continue
        first, last = _narrowed(one, old, new, service_from)
        if first > last:
            continue
        begins, ends = max(first, BEGINNING + NEAR) - NEAR, min(last, FOREVER - NEAR) + NEAR
        around = set(centre_of[one.place])
        for day in (begins, *days[bisect_right(days, begins) : bisect_right(days, ends)]):
            around.update(old.chain(one.place, day), new.chain(one.place, day))
        for code in around:
            spans[code].add((first, last))
    return {code: sorted(its) for code, its in spans.items()}


def _lineage(old: Tree, new: Tree) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """What lay directly inside each place on whatever day, and what it lay directly in."""
    inside: dict[str, set[str]] = defaultdict(set)
    around: dict[str, set[str]] = defaultdict(set)
    for tree in (old, new):
        for place in tree.places.values():
            for standing in place.standings:
                if standing.parent is not None:
                    inside[standing.parent].add(place.code)
                    around[place.code].add(standing.parent)
    return inside, around


def _reached(codes: Iterable[str], edges: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(codes)
    while waiting:
        code = waiting.pop()
        if code not in reached:
            reached.add(code)
            waiting += edges.get(code, ())
    return reached


def _days(old: Tree, new: Tree, codes: Iterable[str]) -> list[tuple[date, date]]:
    """The stretches within which none of these places changes in either register, in order."""
    firsts = {BEGINNING}
    for place in (tree.places[code] for tree in (old, new) for code in codes if code in tree):
        firsts.update(standing.since for standing in place.standings)
        if place.ended_on:
            firsts.add(place.ended_on)
    ordered = sorted(firsts)
    return [*((first, following - DAY) for first, following in pairwise(ordered)), (ordered[-1], FOREVER)]


def _difference(old: Tree, new: Tree, code: str, first: date, last: date) -> Difference | None:
    was, now = old.places.get(code), new.places.get(code)
    stood, stands = (place.on(first) if place else None for place in (was, now))
    # Before it was founded a place lies nowhere, and so does one that is not there at all.
    before, after = (tree.path(code, first) if code in tree else f"/{code}/" for tree in (old, new))
    there = was is not None and now is not None
    centres = _of(stood, "central_village"), _of(stands, "central_village")
    points = _of(stood, "points") != _of(stands, "points")
    one = Difference(
        place=code,
        first=first,
        last=last,
        before=before,
        after=after,
        lies=before != after
        or (stood is None) != (stands is None)
        or (there and _of(was, "level") != _of(now, "level")),
        stands=there and _end(was, first) != _end(now, first),
        serves=there and old.service_from(code, first) != new.service_from(code, first),
        centre=None if centres[0] == centres[1] else centres,
        measures=points or any(_of(stood, name) != _of(stands, name) for name in ("radius_m", "polygon")),
        points=points,
    )
    return one if one.owes or one.centre is not None or one.measures else None


def _of(thing: Place | Standing | None, name: str) -> Any:
    return None if thing is None else getattr(thing, name)


def _end(place: Place | None, day: date) -> tuple[str, ...] | None:
    """What has taken the place's stead by the day; none while there is no need of it."""
    return None if place is None or place.exists_on(day) else place.successors


def _join(one: Difference | None, other: Difference | None) -> Difference | None:
    """The two as one, if they are the same but for their days, which follow each other."""
    if one is None or other is None or other.first - one.last != DAY:
        return None
    joined = replace(one, last=other.last)
    return joined if joined == replace(other, first=one.first) else None


def _narrowed(one: Difference, old: Tree, new: Tree, service_from: date | None) -> tuple[date, date]:
    """The days that matter: another first day of service only concerns windows that begin between the two.

    Where a place lies is asked of a window's last counted day: one that began before the place came here counts too.
    """
    if one.lies or one.stands:
        return one.first, one.last
    begins = [tree.service_from(one.place, one.first) or service_from or BEGINNING for tree in (old, new)]
    last = max(begins)
    if timedelta(0) < one.first - last < NEAR:
        last = one.first  # shared by every window that began before that day and reaches into the stretch
    return max(one.first, min(begins)), min(one.last, last)


def _centres(old: Tree, new: Tree) -> Mapping[str, set[str]]:
    """By village: the districts whose central village it is or was."""
    found: dict[str, set[str]] = defaultdict(set)
    for place in (*old.places.values(), *new.places.values()):
        for standing in place.standings:
            if standing.central_village is not None:
                found[standing.central_village].add(place.code)
    return found
