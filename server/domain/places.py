"""Places as they stood on a day: who lies in whom, where, how wide, and which village is central."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

BEGINNING = date.min
EVERYWHERE = ""  # the place of a day mark that names none: outside every county


class Level(StrEnum):
    COUNTY = "county"
    TOWNSHIP = "township"
    DISTRICT = "district"
    VILLAGE = "village"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a place stands from a local day on, until the next standing begins."""

    since: date
    parent: str | None
    points: tuple[tuple[float, float], ...] = ()  # WGS-84 latitude, longitude in degrees
    radius_m: float | None = None  # none: the level's default
    polygon: str | None = None  # GeoJSON geometry
    central_village: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One place with its standings, oldest first."""

    code: str
    name: str
    level: Level
    standings: tuple[Standing, ...]
    ended_on: date | None = None  # the first day on which it is no more
    service_from: date | None = None
    successors: tuple[str, ...] = ()  # where visits go once it has ended

    def on(self, day: date) -> Standing | None:
        """The standing in force on the day, or none before the first."""
        found = None
        for standing in self.standings:
            if standing.since > day:
                break
            found = standing
        return found

    def with_standing(self, standing: Standing) -> "Place":
        """The place standing so from a day on, until its next standing begins; itself if it stands so already."""
        stood = self.on(standing.since)
        if stood is not None and replace(stood, since=standing.since) == standing:
            return self
        others = (other for other in self.standings if other.since != standing.since)
        return replace(self, standings=tuple(sorted((*others, standing), key=lambda each: each.since)))

    def exists_on(self, day: date) -> bool:
        """Whether the place has not ended by the day."""
        return self.ended_on is None or day < self.ended_on


class Tree:
    """All places of the deployment; answers are as the places stood on the day asked about."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places: dict[str, Place] = {place.code: place for place in places}
        changes = {s.since for p in self.places.values() for s in p.standings}
        changes |= {p.ended_on for p in self.places.values() if p.ended_on}
        self._changes = sorted(changes)
        self._chains: dict[tuple[int, str], tuple[str, ...]] = {}
        self._villages: dict[tuple[int, str], tuple[str, ...]] = {}
        self._children: dict[int, dict[str, list[str]]] = {}
        self._before: dict[str, list[Place]] = {}  # by what stands in the place's stead
        for place in self.places.values():
            for successor in place.successors:
                self._before.setdefault(successor, []).append(place)

    def __contains__(self, code: str) -> bool:
        return code in self.places

    def __getitem__(self, code: str) -> Place:
        return self.places[code]

    def era(self, day: date) -> int:
        """The number of the stretch of days, between two changes of any place, in which the day lies."""
        return bisect_right(self._changes, day)

    def chain(self, code: str, day: date) -> tuple[str, ...]:
        """The place itself and everything it lies in, nearest first."""
        return self.chain_in(code, self.era(day), day)

    def chain_in(self, code: str, era: int, day: date) -> tuple[str, ...]:
        """As `chain`, for callers that already know the day's era."""
        key = (era, code)
        found = self._chains.get(key)
        if found is None:
            links: list[str] = []
            at: str | None = code
            while at is not None and at in self.places and at not in links:
                links.append(at)
                standing = self.places[at].on(day)
                at = standing.parent if standing else None
            found = self._chains[key] = tuple(links)
        return found

    def path(self, code: str, day: date) -> str:
        """The chain as text from the top down, `/county/township/district/village/`: a prefix is an area."""
        return "/" + "".join(f"{link}/" for link in reversed(self.chain(code, day)))

    def path_from(self, code: str, day: date) -> str:
        """As `path`; where it, or what it lies in, stands only from a later day on, where it lies then."""
        chain = self.chain(code, day)
        while chain and self[chain[-1]].on(day) is None:
            day = self[chain[-1]].standings[0].since
            chain = self.chain(code, day)
        return self.path(code, day)

    def paths(self, code: str, until: date = date.max) -> list[str]:
        """Every path the place has had up to a day, now and before it or what it lies in was moved."""
        return sorted({self.path(code, day) for day in (BEGINNING, *self._changes) if day <= until})

    def predecessors(self, code: str, day: date) -> set[str]:
        """Every place that has ended by the day and in whose stead this one stands then, also by way of others."""
        found: set[str] = set()
        waiting = [code]
        while waiting:
            ended = {place.code for place in self._before.get(waiting.pop(), ()) if not place.exists_on(day)} - found
            found |= ended
            waiting += ended
        return found - {code}

    def lies_in(self, code: str, area: str, day: date) -> bool:
        """Whether the place is the area or lies inside it, at any depth."""
        return code == area or area in self.chain(code, day)

    def villages_in(self, area: str, day: date) -> tuple[str, ...]:
        """Every place of level village inside the area, at any depth, that has not ended, in order of code."""
        era = self.era(day)
        found = self._villages.get((era, area))
        if found is None:
            children = self._children_in(era, day)
            villages: list[str] = []
            seen: set[str] = set()
            waiting = [area]
            while waiting:
                code = waiting.pop()
                if code in seen:
                    continue
                seen.add(code)
                place = self.places.get(code)
                if place and place.level is Level.VILLAGE and place.exists_on(day):
                    villages.append(code)
                waiting += children.get(code, ())
            found = self._villages[(era, area)] = tuple(sorted(villages))
        return found

    def central_village(self, code: str, day: date) -> str | None:
        """The central village of a district on the day, if it has one."""
        place = self.places.get(code)
        standing = place.on(day) if place else None
        return standing.central_village if standing else None

    def township_of(self, code: str, day: date) -> Place | None:
        """The township in which the place lies (or which it is), for showing the two together."""
        for link in self.chain(code, day):
            if self.places[link].level is Level.TOWNSHIP:
                return self.places[link]
        return None

    def service_from(self, code: str, day: date) -> date | None:
        """The first day of service set on the place or the nearest place around it, if any is."""
        for link in self.chain(code, day):
            if self.places[link].service_from:
                return self.places[link].service_from
        return None

    def _children_in(self, era: int, day: date) -> dict[str, list[str]]:
        found = self._children.get(era)
        if found is None:
            found = {}
            for place in self.places.values():
                standing = place.on(day)
                if standing and standing.parent is not None:
                    found.setdefault(standing.parent, []).append(place.code)
            self._children[era] = found
        return found


def shared_area(paths: Iterable[str]) -> str:
    """The path of the smallest area that holds all these paths; empty if there is none, or no path."""
    chains = [path.strip("/").split("/") for path in paths]
    shared: list[str] = []
    for links in zip(*chains, strict=False):
        if len(set(links)) > 1 or not links[0]:
            break
        shared.append(links[0])
    return f"/{'/'.join(shared)}/" if shared else ""


def radius_of(place: Place, day: date, defaults: Mapping[str, float]) -> float:
    """The radius in metres that holds for the place on the day: its own, or its level's default."""
    standing = place.on(day)
    if standing and standing.radius_m is not None:
        return standing.radius_m
    return defaults[place.level]


def resolve(
    asked: str | None,
    day: date,
    point: tuple[float, float] | None,
    postings: Sequence[tuple[str, str]],
    tree: Tree,
    distance: Callable[[float, float, float, float], float],
) -> str | None:
    """The place at which a check-in is stored (contract.md, The check-in), or none if it cannot be known.

    `asked` is the place the phone named, if any; `postings` are (role, place) in force that day; `distance` takes two
    points in degrees and answers metres. A named district means its central village, a place that has ended the one
    that has taken its stead. Without a name it is the nearest village covered by a posting (a paired leader: or the
    township's seat); when no posting covers any, the nearest village of all, so that a posting typed in late can still
    make the visit count.
    """
    if asked is not None:
        place = tree[stand_in(asked, day, point, tree, distance)]
        if place.level is not Level.DISTRICT:
            return place.code
        central = tree.central_village(place.code, day)
        return None if central is None else stand_in(central, day, point, tree, distance)
    candidates: set[str] = set()
    for role, place_code in postings:
        candidates.update(tree.villages_in(place_code, day))
        if role == "paired-leader" and place_code in tree and tree[place_code].level is Level.TOWNSHIP:
            candidates.add(place_code)
    if len(candidates) == 1:
        return candidates.pop()
    if point is None:
        return None
    if not candidates:
        candidates = {p.code for p in tree.places.values() if p.level is Level.VILLAGE and p.exists_on(day)}
    return _nearest(candidates, day, point, tree, distance)


def stand_in(
    code: str,
    day: date,
    point: tuple[float, float] | None,
    tree: Tree,
    distance: Callable[[float, float, float, float], float],
) -> str:
    """The place itself or, if it has ended by the day, the one that has taken its stead.

    Of several it is the nearest to the point, or the first if none has a position or there is no point. A place that
    has ended with none to take its stead stands for itself.
    """
    passed = [code]
    while not tree[passed[-1]].exists_on(day):
        left = [other for other in tree[passed[-1]].successors if other in tree and other not in passed]
        if not left:
            break
        nearest = _nearest(left, day, point, tree, distance) if point is not None and len(left) > 1 else None
        passed.append(nearest or left[0])
    return passed[-1]


def _nearest(
    codes: Iterable[str],
    day: date,
    point: tuple[float, float],
    tree: Tree,
    distance: Callable[[float, float, float, float], float],
) -> str | None:
    nearest: tuple[float, str] | None = None
    for code in codes:
        standing = tree[code].on(day)
        for latitude, longitude in standing.points if standing else ():
            found = (distance(*point, latitude, longitude), code)
            nearest = found if nearest is None else min(nearest, found)
    return nearest[1] if nearest else None
