"""Looking for copies among the pictures of one person, and of one township within a year (docs/evidence.md).

What it costs has an end, however many pictures there are: so many are compared by their hashes, so few in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

import structlog

from server.adapters import likeness
from server.domain import problems
from server.domain.places import Tree
from server.domain.problems import Problem
from server.services.deployment import Deployment
from server.storage import likenesses as found
from server.storage import visit_photos
from server.storage.database import Connection

PICTURES: Final = 24  # looked at before anything is stored
YEAR: Final = timedelta(days=366)
AMONG: Final = 20_000  # pictures of a scope before the picture's own day, and as many from it on
NEAREST: Final = 8  # of them are compared in full

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Heap:
    """Pictures that are compared by their hashes in one go."""

    digests: Sequence[str]
    prints: bytes


class _Round:
    """What is read in one round: a picture is decoded once, and the pictures of a scope and day are fetched once."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.unreadable: set[str] = set()
        self._greys: dict[str, likeness.Picture | None] = {}
        self._heaps: dict[tuple[found.Scope, datetime], list[_Heap]] = {}

    def grey(self, digest: str) -> likeness.Picture | None:
        """The picture small and grey; none if it is gone from the disk or cannot be decoded."""
        if digest not in self._greys:
            self._greys[digest] = self._decoded(digest)
        return self._greys[digest]

    def _decoded(self, digest: str) -> likeness.Picture | None:
        try:
            path = self._deployment.photos.path(digest)
            if path.is_file():
                return likeness.grey(path)
            _log.error("a picture is missing", digest=digest)
        except Problem as refused:
            if refused.kind is problems.UNAVAILABLE:
                raise
            self.unreadable.add(digest)
            _log.warning("a picture cannot be decoded", digest=digest, problem=refused.kind.code)
        except Exception:
            # Whatever a picture does to the decoder, the next one gets its turn.
            _log.exception("a picture could not be looked at", digest=digest)
        return None

    def prints(self, digest: str) -> bytes | None:
        """The picture's hashes; none if there is nothing in it to compare."""
        picture = self.grey(digest)
        return likeness.prints(picture) if picture else None

    def heaps(self, connection: Connection, scope: found.Scope, at: datetime) -> list[_Heap]:
        """The scope's pictures, those before an instant and those from it on."""
        key = (scope, at)
        if key not in self._heaps:
            parts = found.around(connection, scope, at, AMONG)
            self._heaps[key] = [_Heap(list(part), b"".join(part.values())) for part in parts if part]
        return self._heaps[key]


def look_at_pictures(deployment: Deployment, now: datetime) -> int:
    """Looks at new pictures; how many.

    Marks every visit with a picture of which another in its scope is a copy, and those with one that cannot be decoded.
    """
    if not deployment.photos.root.is_dir():
        return 0  # not mounted, perhaps: then nothing is missing
    with deployment.database.read() as connection:
        waiting = found.unlooked(connection, PICTURES)
        tree = deployment.world(connection).tree if waiting else None
    if tree is None:
        return 0
    this = _Round(deployment)
    prints = [print_ for one in waiting if (print_ := _print(this, one, tree))]
    # Stored before they are compared, so that those of one round meet each other. If nothing comes after this, they
    # are looked at again.
    with deployment.database.write() as connection:
        found.keep_prints(connection, prints)
    with deployment.database.read() as connection:
        alike = {pair for one in prints for pair in _copies(connection, this, one, deployment.limits.near_copy_percent)}
    unreadable = this.unreadable & {one.digest for one in waiting}
    with deployment.database.write() as connection:
        visit_photos.hold_photos(connection, {one.digest for one in waiting}.union(*(pair[:2] for pair in alike)))
        found.keep_looked(connection, [(one.visit, one.digest) for one in waiting], now)
        found.keep_alike(connection, sorted(alike))
        found.mark_holders(connection, {digest for pair in alike for digest in pair[:2]}, "likeness")
        found.keep_unreadable(connection, unreadable)
        found.mark_holders(connection, unreadable, "unreadable")
    return len(waiting)


def _print(this: _Round, one: found.Unlooked, tree: Tree) -> found.Print | None:
    prints = this.prints(one.digest)
    if prints is None:
        return None
    township = tree.township_of(one.place, one.day)
    area = township.code if township else one.place
    return found.Print(one.visit, one.digest, one.person, area, one.occurred_at, prints)


def _copies(connection: Connection, this: _Round, mine: found.Print, least: int) -> list[tuple[str, str, int]]:
    """The pairs of this picture with its copies, or with what it is a copy of, and how well they agree in percent."""
    day = datetime.combine(mine.occurred_at.astimezone(UTC).date(), time(0), UTC)
    scopes = (
        found.Scope(person=mine.person),
        found.Scope(area=mine.area, first=day - YEAR, last=day + YEAR),
    )
    picture, pairs = this.grey(mine.digest), {}
    for heap in (heap for scope in scopes for heap in this.heaps(connection, scope, day)):
        for candidate in likeness.nearest(mine.prints, heap.prints, NEAREST + 1):
            digest = heap.digests[candidate.number]
            pair = (min(mine.digest, digest), max(mine.digest, digest))
            other = None if digest == mine.digest or pair in pairs else this.grey(digest)
            if picture and other:
                pairs[pair] = int(100 * likeness.likeness(picture, other, candidate))
    return [(*pair, percent) for pair, percent in pairs.items() if percent >= least]
