"""Reading the log, inside the areas that one audits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from server.domain import problems
from server.domain.access import Caller, GrantKind
from server.domain.periods import local_day
from server.domain.places import Level, Place, Tree
from server.domain.problems import Problem
from server.services.deployment import Deployment
from server.storage import keys, logbook, people
from server.storage.database import Connection
from server.storage.logbook import Found, Sought

_AT_ONCE: Final = 500  # lines read in one go for a file


@dataclass(frozen=True, slots=True)
class Shown:
    """A line with the names that people know its actor, its place and its person by."""

    line: Found
    actor_name: str | None
    place: Place | None
    township: Place | None
    about_name: str | None
    personal: Mapping[str, Any] | None

    @property
    def erased(self) -> bool:
        """Whether there was something personal that can be read no more."""
        return self.line.personal is not None and self.personal is None


def page(deployment: Deployment, caller: Caller, sought: Sought, limit: int, now: datetime) -> list[Shown]:
    """Lines of the areas the caller audits, latest first, `limit` and one more if there is one.

    What belongs to no place is shown to auditors of the whole deployment. Raises Problem FORBIDDEN for who audits
    nothing.
    """
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        sought = _scoped(deployment, tree, caller, sought, now)
        return _shown(connection, deployment, tree, logbook.find(connection, sought, limit + 1))


def every(deployment: Deployment, caller: Caller, sought: Sought, now: datetime) -> Iterator[Shown]:
    """All lines sought, latest first, a few at a time, for a file; raises Problem as `page`."""
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        sought = _scoped(deployment, tree, caller, sought, now)
    return _pages(deployment, tree, sought)


def _pages(deployment: Deployment, tree: Tree, sought: Sought) -> Iterator[Shown]:
    while True:
        with deployment.database.read() as connection:
            found = _shown(connection, deployment, tree, logbook.find(connection, sought, _AT_ONCE))
        yield from found
        if len(found) < _AT_ONCE:
            return
        sought = replace(sought, before=found[-1].line.id)


def _scoped(deployment: Deployment, tree: Tree, caller: Caller, sought: Sought, now: datetime) -> Sought:
    today = local_day(now, deployment.zone)
    places = {grant.place for grant in caller.grants if grant.kind is GrantKind.AUDITOR and grant.place in tree}
    if not places:
        raise Problem(problems.FORBIDDEN)
    if any(tree[place].level is Level.COUNTY and len(tree.chain(place, today)) == 1 for place in places):
        return sought
    # Also where they lay before: a line keeps the path it was written with.
    return replace(sought, areas=tuple(sorted({path for place in places for path in tree.paths(place)})))


def _shown(connection: Connection, deployment: Deployment, tree: Tree, found: Sequence[Found]) -> list[Shown]:
    codes = {line.actor for line in found} | {line.about for line in found if line.about}
    names = {code: person.name for code, person in people.named(connection, codes).items()}
    personal = keys.opened(connection, [(line.about, line.personal) for line in found])
    shown = []
    for line, private in zip(found, personal, strict=True):
        *_, code = ("", *line.path.strip("/").split("/"))
        place = tree.places.get(code)
        township = tree.township_of(code, local_day(line.at, deployment.zone)) if place else None
        about_name = names.get(line.about) if line.about else None
        shown.append(Shown(line, names.get(line.actor), place, township, about_name, private))
    return shown
