"""Who may see and do what: grants over areas, decided without looking at the world."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from server.domain.places import Tree


class GrantKind(StrEnum):
    """What a person may do in a place and all inside it, beside what follows from a posting."""

    REVIEWER = "reviewer"  # reads like a supervisor, and decides on single visits
    SUPERVISOR = "supervisor"  # reads
    AUDITOR = "auditor"  # reads, and reads the log
    ADMIN = "admin"  # accounts and registers


READERS = frozenset(GrantKind)
"""An admin of an area can give anybody there any right, so nothing is kept from one."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A right over a place and everything inside it."""

    kind: GrantKind
    place: str


@dataclass(frozen=True, slots=True)
class Caller:
    """The person on whose behalf something is asked or done."""

    person: str
    name: str
    language: str = "zh"
    grants: tuple[Grant, ...] = ()

    def has(self, kinds: Collection[GrantKind], path: str) -> bool:
        """Whether a grant of one of the kinds covers what lies at a path `/county/township/…/`."""
        return any(grant.kind in kinds and f"/{grant.place}/" in path for grant in self.grants)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query may touch: rows of this person, and rows whose path begins with one of the areas."""

    person: str | None
    areas: tuple[str, ...]

    def holds(self, person: str, path: str) -> bool:
        """Whether a row of a person at a path is inside."""
        return person == self.person or any(path.startswith(area) for area in self.areas)


def scope_of(caller: Caller, tree: Tree, today: date, kinds: Collection[GrantKind] = READERS) -> Scope:
    """What the caller may see: their own, and everything inside the places they hold a grant for.

    Also what lay inside before such a place was moved: it is the same place, and what happened there is its history.
    What may be done in it is another matter: see `areas`.
    """
    places = {grant.place for grant in caller.grants if grant.kind in kinds and grant.place in tree}
    return Scope(caller.person, _outermost(path for place in places for path in tree.paths(place, today)))


def areas(grants: Iterable[Grant], tree: Tree, today: date, kinds: Collection[GrantKind] = READERS) -> tuple[str, ...]:
    """The paths of the granted places as they stand today, without those inside another."""
    return _outermost(tree.path(grant.place, today) for grant in grants if grant.kind in kinds and grant.place in tree)


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    found = sorted(set(paths))
    return tuple(path for path in found if not any(path != other and path.startswith(other) for other in found))
