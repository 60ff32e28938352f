"""A place ends and others take its stead: what becomes of what lay in it, of central villages and of postings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from server.domain.periods import DAY
from server.domain.places import Place, Standing, Tree
from server.domain.postings import Posting, gaps


@dataclass(frozen=True, slots=True)
class Part:
    """One of the places into which another is split."""

    code: str
    name: str
    points: tuple[tuple[float, float], ...] = ()  # WGS-84 latitude, longitude in degrees
    radius_m: float | None = None
    polygon: str | None = None
    central_village: str | None = None
    inside: frozenset[str] = frozenset()  # of what lay directly in the old place


@dataclass(frozen=True, slots=True)
class Succession:
    """What follows from a place's end: places as they are then, and postings."""

    places: Mapping[str, Place]
    ended: Sequence[tuple[Posting, Posting]]  # before and after
    begun: Sequence[Posting] = ()
    gone: Sequence[Posting] = ()  # had not begun by then


@dataclass(frozen=True, slots=True)
class Heirs:
    """By person and role: the places at which their postings go on."""

    of: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    everybody: str | None = None  # where all others' go on, if they do

    def to(self, posting: Posting) -> Sequence[str]:
        """Where the posting goes on."""
        named = self.of.get((posting.person, posting.role))
        return named if named is not None else (self.everybody,) if self.everybody is not None else ()


def merge(tree: Tree, code: str, into: str, on: date, postings: Iterable[Posting]) -> Succession:
    """A place becomes part of another from a day on; `postings` are those at both.

    Postings there end the day before and go on at the other, except on days on which the person holds the same role
    there already.
    """
    places = _end(tree, code, on, (into,), {})
    return _succession(places, code, on, list(postings), Heirs(everybody=into))


def split(
    tree: Tree, code: str, parts: Sequence[Part], on: date, postings: Iterable[Posting], heirs: Heirs
) -> Succession:
    """A place becomes several from a day on; `postings` are those there.

    They end the day before, and those that have heirs go on at them. What lay directly in the place lies in the part
    that names it, or else in the first. The part that holds a district's central village keeps it.
    """
    old = tree[code]
    parent_of = {child: part.code for part in parts for child in part.inside}
    places = _end(tree, code, on, tuple(part.code for part in parts), parent_of)
    present = old.on(on)
    central = present.central_village if present else None
    holds_it = parent_of.get(central, parts[0].code) if central is not None else None
    for part in parts:
        kept = part.central_village or (central if part.code == holds_it else None)
        places[part.code] = Place(part.code, part.name, old.level, _standings(old, on, part, kept))
    return _succession(places, code, on, list(postings), heirs)


def _end(
    tree: Tree, code: str, on: date, successors: tuple[str, ...], parent_of: Mapping[str, str]
) -> dict[str, Place]:
    changed = {code: replace(tree[code], ended_on=on, successors=successors)}
    for place in tree.places.values():
        if place.code == code:
            continue
        parent = parent_of.get(place.code, successors[0])
        standings = tuple(_following(place, code, on, parent, successors[0]))
        if standings != place.standings:
            changed[place.code] = replace(place, standings=standings)
    return changed


def _following(place: Place, code: str, on: date, parent: str, central: str) -> Iterable[Standing]:
    """The place's standings, with others in the stead of the one that ends, from the day on."""
    present = place.on(on)
    for standing in place.standings:
        if standing.since < on:
            yield standing
        if standing is present and standing.since < on:
            from_then = _instead(standing, code, parent, central)
            if from_then != standing:
                yield replace(from_then, since=on)
        if standing.since >= on:
            yield _instead(standing, code, parent, central)


def _instead(standing: Standing, code: str, parent: str, central: str) -> Standing:
    if standing.parent == code:
        standing = replace(standing, parent=parent)
    if standing.central_village == code:
        standing = replace(standing, central_village=central)
    return standing


def _standings(old: Place, on: date, part: Part, central: str | None) -> tuple[Standing, ...]:
    """A part lies where the old place does, also where that is known to go later."""
    present = old.on(on)
    found = [Standing(on, present.parent if present else None, part.points, part.radius_m, part.polygon, central)]
    for standing in old.standings:
        if standing.since > on and standing.parent != found[-1].parent:
            found.append(replace(found[-1], since=standing.since, parent=standing.parent))
    return tuple(found)


def _succession(
    places: Mapping[str, Place], code: str, on: date, postings: Sequence[Posting], heirs: Heirs
) -> Succession:
    held = [posting for posting in postings if posting.place != code]
    ended: list[tuple[Posting, Posting]] = []
    begun: list[Posting] = []
    gone: list[Posting] = []
    for posting in sorted((p for p in postings if p.place == code), key=lambda p: (p.person, p.role, p.start)):
        if posting.end is not None and posting.end < on:
            continue
        if posting.start < on:
            ended.append((posting, replace(posting, end=on - DAY)))
        else:
            gone.append(posting)
        for heir in heirs.to(posting):
            there = [p for p in held if (p.person, p.role, p.place) == (posting.person, posting.role, heir)]
            for first, last in gaps(max(posting.start, on), posting.end, there):
                new = replace(posting, place=heir, start=first, end=last)
                held.append(new)
                begun.append(new)
    return Succession(places, ended, begun, gone)
