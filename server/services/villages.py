"""Which villages have not been visited for how long: the list that comes before any other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from server.domain.access import Caller, areas
from server.domain.periods import local_day
from server.domain.places import Tree
from server.services.deployment import Deployment
from server.services.me import place_named
from server.services.reports import last_link
from server.storage import reports as rows


@dataclass(frozen=True, slots=True)
class Village:
    """A village with the day of its last confirmed visit, none if it never had one, and how many days ago that was."""

    code: str
    name: str
    township: str | None
    township_name: str | None
    last_visit: date | None
    days: int | None
    has_envoy: bool
    point: tuple[float, float] | None  # WGS-84 latitude, longitude in degrees

    @property
    def order(self) -> tuple[date, str]:
        """Never visited first, then the longest unvisited."""
        return (self.last_visit or date.min, self.code)


def villages(
    deployment: Deployment, caller: Caller, now: datetime, unvisited_since: date | None = None
) -> list[Village]:
    """The villages of the caller's area, longest unvisited first.

    With `unvisited_since` those without a confirmed visit on that local day or later. Imported visits count as
    well, and those at a place that has become the village, or that it was a part of; one that says it happens in the
    future does not.
    """
    today = local_day(now, deployment.zone)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        codes = sorted(
            {code for at in areas(caller.grants, tree, today) for code in tree.villages_in(last_link(at), today)}
        )
        lay = _where_they_lay(tree, codes, today)
        latest = rows.last_confirmed(connection, {path for paths in lay.values() for path in paths}, today)
        with_envoy = rows.with_an_envoy(connection, today)
    found = []
    for code in codes:
        last = max((latest[path] for path in lay[code] if path in latest), default=None)
        if last is not None and unvisited_since is not None and last >= unvisited_since:
            continue
        named, standing = place_named(code, today, tree), tree[code].on(today)
        found.append(
            Village(
                code=code,
                name=named.name,
                township=named.township,
                township_name=named.township_name,
                last_visit=last,
                days=None if last is None else (today - last).days,
                has_envoy=code in with_envoy,
                point=standing.points[0] if standing and standing.points else None,
            )
        )
    return sorted(found, key=lambda village: village.order)


def _where_they_lay(tree: Tree, codes: Iterable[str], today: date) -> dict[str, set[str]]:
    """Every path under which visits to these villages may be stored: places move, and take the stead of others."""
    places = tree.places.values()
    moved = {new.since for place in places for old, new in pairwise(place.standings) if old.parent != new.parent}
    founded = {place.standings[0].since for place in places if place.standings}
    days = [date.min, *sorted(day for day in moved | founded if day <= today)]
    found = {}
    for code in codes:
        lay = {code, *tree.predecessors(code, today)}
        found[code] = {tree.path(one, day) for one in lay for day in days}
    return found
