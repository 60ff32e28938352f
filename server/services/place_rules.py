"""What the register of places does not allow, whoever changes it: a file, a person, a merger."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from server.domain.places import Level, Standing, Tree
from server.domain.problems import Scalar

PARENTS: Mapping[Level, tuple[Level, ...]] = {
    Level.COUNTY: (),
    Level.TOWNSHIP: (Level.COUNTY,),
    Level.DISTRICT: (Level.TOWNSHIP,),
    Level.VILLAGE: (Level.DISTRICT, Level.TOWNSHIP),
}
LEAST_RADIUS_M = 1
MOST_RADIUS_M = 100_000


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing about one place that does not fit: in which column, and why (`cell.<code>`, `field.<code>`)."""

    place: str
    column: str
    code: str
    params: Mapping[str, Scalar] = field(default_factory=dict)


def misfits(old: Tree, new: Tree, given: Collection[str], since: date) -> Iterator[Misfit]:
    """Everything that does not fit about the places given, as they stand from a day on."""
    for code in given:
        standing = new[code].on(since)
        if standing is not None:
            yield from _of_one(old, new, code, standing, since)
    yield from _of_children(old, new, given, since)
    yield from _of_central_villages(old, new, given, since)


def _of_one(old: Tree, new: Tree, code: str, standing: Standing, since: date) -> Iterator[Misfit]:
    level, parent, central = new[code].level, standing.parent, standing.central_village
    radius = standing.radius_m
    before = old[code].on(since) if code in old else None
    if radius is not None and radius < LEAST_RADIUS_M:
        params: dict[str, Scalar] = {"min": LEAST_RADIUS_M, "max": MOST_RADIUS_M, "value": f"{radius:g}"}
        yield Misfit(code, "radius_m", "range", params)
    if parent is not None:
        if parent not in new:
            yield Misfit(code, "parent", "unknown-place", {"value": parent})
        elif new[parent].level not in PARENTS[level]:
            yield Misfit(code, "parent", f"parent-of-{level.value}", {"value": parent})
        elif not new[parent].exists_on(since) and (before is None or before.parent != parent):
            yield Misfit(code, "parent", "place-ended", {"value": parent})
    if central is not None:
        if level is not Level.DISTRICT:
            yield Misfit(code, "central_village", "central-not-district")
        elif central not in new:
            yield Misfit(code, "central_village", "unknown-place", {"value": central})
        elif new[central].level is not Level.VILLAGE:
            yield Misfit(code, "central_village", "central-not-village", {"value": central})
        elif not new[central].exists_on(since) and (before is None or before.central_village != central):
            yield Misfit(code, "central_village", "place-ended", {"value": central})


def _of_children(old: Tree, new: Tree, given: Collection[str], since: date) -> Iterator[Misfit]:
    """A new level must go with everything that lies directly inside, on whatever days."""
    changed = [code for code in given if code in old and old[code].level is not new[code].level]
    if not changed:
        return
    named: set[str] = set()
    for place in new.places.values():
        for standing in place.standings:
            parent = standing.parent
            if parent in changed and parent not in named and new[parent].level not in PARENTS[place.level]:
                named.add(parent)
                yield Misfit(parent, "level", "level-children", {"value": place.code})
    for code in changed:
        present = new[code].on(since)
        for standing in new[code].standings:
            parent, level = standing.parent, new[code].level
            if parent is None or parent not in new or (present is not None and parent == present.parent):
                continue
            if new[parent].level not in PARENTS[level]:
                yield Misfit(code, "level", f"parent-of-{level.value}", {"value": parent})


def _of_central_villages(old: Tree, new: Tree, given: Collection[str], since: date) -> Iterator[Misfit]:
    """A central village lies inside its district, as long as it is its central village."""
    later = sorted({s.since for p in new.places.values() for s in p.standings if s.since > since})
    for district in new.places.values():
        for day in (since, *later):
            standing = district.on(day) if district.exists_on(day) else None
            central = standing.central_village if standing else None
            if central is None or central not in new or new.lies_in(central, district.code, day):
                continue
            if district.code in given and new[central].level is Level.VILLAGE:
                yield Misfit(district.code, "central_village", "central-outside", {"value": central})
            elif central in given and old.lies_in(central, district.code, day):
                yield Misfit(central, "parent", "central-leaves", {"value": district.code})
            break
