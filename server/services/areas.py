"""How far a caller reaches: which places they administer, which they may read, and what follows for who asks."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from server.domain import problems
from server.domain.access import READERS, Caller, Grant, GrantKind, areas
from server.domain.accounts import Reach, reach
from server.domain.periods import local_day
from server.domain.places import Tree
from server.domain.problems import Problem, invalid
from server.services.deployment import Deployment
from server.storage import accounts
from server.storage.database import Connection

ADMINS = frozenset({GrantKind.ADMIN})


@dataclass(frozen=True, slots=True)
class Area:
    """The register as it stands today, and how far the caller reaches in it."""

    caller: Caller
    tree: Tree
    today: date
    admin: Reach
    reader: Reach

    def path(self, place: str) -> str:
        """Where the place lies today, or from its first day on if that is to come."""
        return self.tree.path_from(place, self.today)

    def inside(self, reach: Reach) -> list[str]:
        """The places inside."""
        return [code for code in self.tree.places if reach.covers(self.path(code))]

    def reach_of(self, kinds: Collection[GrantKind]) -> Reach:
        """How far the caller's grants of these kinds reach."""
        return reach(areas(self.caller.grants, self.tree, self.today, kinds), self.tree, self.today)

    def require(
        self,
        place: str,
        kinds: Collection[GrantKind] = ADMINS,
        pointer: str | None = None,
        owner: str | None = None,
    ) -> None:
        """Raises Problem unless a grant of one of the kinds holds for the place.

        Outside the caller's area, which is the same as not existing: NOT_FOUND, or INVALID at `pointer` for a place
        that stood in a body; inside it, or of what is the caller's own (`owner`), without the right: FORBIDDEN.
        """
        path = self.path(place) if place in self.tree else ""
        if path and self.reach_of(kinds).covers(path):
            return
        if (path and self.reader.covers(path)) or owner == self.caller.person:
            raise Problem(problems.FORBIDDEN)
        raise Problem(problems.NOT_FOUND) if pointer is None else invalid(pointer, "not-exist")


def area_of(deployment: Deployment, connection: Connection, caller: Caller, now: datetime) -> Area:
    """How far the caller reaches now."""
    tree = deployment.world(connection).tree
    today = local_day(now, deployment.zone)
    admin = areas(caller.grants, tree, today, ADMINS)
    reader = areas(caller.grants, tree, today, READERS)
    return Area(caller, tree, today, reach(admin, tree, today), reach(reader, tree, today))


def area_now(
    deployment: Deployment, connection: Connection, caller: Caller, now: datetime, not_by: str | None = None
) -> Area:
    """As `area_of`, with the grants the caller has at this moment: they may have lost some since they asked.

    Those given by `not_by` are left out: whoever decides on somebody's behalf does not owe them the right to do so.
    """
    held = accounts.grants_of(connection, [caller.person]).get(caller.person, [])
    caller = replace(caller, grants=tuple(Grant(one.kind, one.place) for one in held if one.granted_by != not_by))
    return area_of(deployment, connection, caller, now)
