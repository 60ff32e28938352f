"""Looking at places: those of one's area, and how one stood and will stand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.domain import problems
from server.domain.access import Caller
from server.domain.places import Level, Standing, Tree
from server.domain.problems import Problem, invalid
from server.services.areas import area_of
from server.services.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Stood:
    """How a place stands from a day on; `until` is the last day before it stands otherwise."""

    since: date | None  # none: from the beginning
    parent: str | None
    points: Sequence[tuple[float, float]]
    radius_m: float | None
    polygon: dict[str, Any] | None
    central_village: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A place as it stands on a day, with the names that people know it by."""

    code: str
    name: str
    level: Level
    township: str | None
    township_name: str | None
    since: date | None
    parent: str | None
    points: Sequence[tuple[float, float]]
    radius_m: float | None
    polygon: dict[str, Any] | None
    central_village: str | None
    service_from: date | None
    ended_on: date | None
    successors: Sequence[str]


@dataclass(frozen=True, slots=True)
class Whole:
    """A place as it stands today, and all it ever stood and will."""

    place: Seen
    standings: Sequence[Stood]


def listed(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    text: str | None = None,
    level: Level | None = None,
    inside: str | None = None,
    on: date | None = None,
) -> list[Seen]:
    """The places of the caller's area that stand on a day, today unless said, in order of code.

    `text` is the beginning of their code, or part of their name. Raises Problem INVALID at `/inside` for a place that
    is unknown or outside.
    """
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
    day, tree = on or area.today, area.tree
    if inside is not None and (inside not in tree or not area.reader.covers(area.path(inside))):
        raise invalid("/inside", "not-exist")
    return [
        seen(tree, code, day)
        for code in sorted(area.inside(area.reader))
        if level is None or tree[code].level is level
        if text is None or code.startswith(text) or text in tree[code].name
        if tree[code].exists_on(day) and tree[code].on(day) is not None
        if inside is None or tree.lies_in(code, inside, day)
    ]


def whole(deployment: Deployment, caller: Caller, code: str, now: datetime) -> Whole:
    """A place with its standings, oldest first; raises Problem NOT_FOUND for one that is unknown or outside."""
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
    if code not in area.tree or not area.reader.covers(area.path(code)):
        raise Problem(problems.NOT_FOUND)
    return Whole(seen(area.tree, code, area.today), [_stood(each) for each in area.tree[code].standings])


def seen(tree: Tree, code: str, day: date) -> Seen:
    """A place as it stands on a day, or will first stand."""
    place = tree[code]
    stood = _stood(place.on(day) or place.standings[0])
    township = tree.township_of(code, day)
    return Seen(
        code,
        place.name,
        place.level,
        township.code if township else None,
        township.name if township else None,
        stood.since,
        stood.parent,
        stood.points,
        stood.radius_m,
        stood.polygon,
        stood.central_village,
        place.service_from,
        place.ended_on,
        place.successors,
    )


def _stood(standing: Standing) -> Stood:
    return Stood(
        None if standing.since == date.min else standing.since,
        standing.parent,
        standing.points,
        standing.radius_m,
        json.loads(standing.polygon) if standing.polygon else None,
        standing.central_village,
    )
