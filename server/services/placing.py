"""What rests on where and how places stand: marked whenever the register's places change, whatever changed them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from server.domain.differences import FOREVER, NEAR, Difference, concerned, differences
from server.domain.periods import DAY
from server.domain.places import BEGINNING, Tree
from server.domain.postings import Posting
from server.services.imports_base import mark_spans
from server.storage import imports as rows
from server.storage import places, posted, register
from server.storage.database import Connection

CAUSE = "place"
_MANY = 500  # places around, beyond which who may be concerned is not narrowed down


def store_new(connection: Connection, old: Tree, new: Tree) -> None:
    """Stores the places that were not there before."""
    places.put(connection, ((None, place) for code, place in new.places.items() if code not in old))


def follow(
    connection: Connection, old: Tree, new: Tree, judged: tuple[date, date] | None, service_from: date | None
) -> None:
    """Stores the places that are otherwise than before, and marks what rests on them.

    `judged` is the span whose verdicts are stored, `service_from` the whole deployment's first day of service. To be
    called in the transaction of the change, while nobody writes a check-in (`storage.imports.hold_people`).
    """
    register.bump(connection)
    known = ((old[code], place) for code, place in new.places.items() if code in old)
    places.put(connection, ((before, place) for before, place in known if before != place))
    found = differences(old, new)
    if judged is not None:
        stretches = concerned(found, old, new, service_from)
        mark_spans(connection, judged, _spans(connection, stretches))
    if found and rows.any_visits(connection):
        _mark_visits(connection, found, old, new)


def _spans(
    connection: Connection, stretches: Mapping[str, Sequence[tuple[date, date]]]
) -> Iterator[tuple[str, date, date]]:
    """Everybody with a posting at one of the places that shares a window with one of its stretches."""
    for posting in posted.at(connection, stretches):
        for stretch in stretches[posting.place]:
            yield from touched(posting, *stretch)


def touched(posting: Posting, first: date, last: date) -> Iterator[tuple[str, date, date]]:
    """The posting's person with those of the days that share a window with one on which it is in force, if any do."""
    begins = max(first, max(posting.start, BEGINNING + NEAR) - NEAR)
    ends = min(last, min(posting.end or FOREVER, FOREVER - NEAR) + NEAR)
    if begins <= ends:
        yield posting.person, begins, ends


def _mark_visits(connection: Connection, found: Sequence[Difference], old: Tree, new: Tree) -> None:
    """Visits keep the path of their place; those whose place or findings may be others are marked."""
    moved = (one for one in found if one.before != one.after and one.place in old)
    rows.move_visits(connection, ((one.before, one.after, one.first, _after(one.last)) for one in moved))
    places.mark_visits_at(connection, _stays(found, new), CAUSE)
    places.mark_visits_at(connection, _strays(found, old, new), CAUSE, decided=True)
    around: set[str] = set()
    stretches: list[tuple[date, date]] = []
    for one in found:
        if one.lies or one.stands or one.points:
            stretches.append((one.first, one.last))
            for tree in (old, new):
                around.update(tree.chain(one.place, one.first) if one.place in tree else ())
    if stretches:
        posted_at = around if len(around) <= _MANY else None
        places.mark_visits_without_place(connection, stretches, posted_at, CAUSE)


def _after(day: date) -> date:
    return day if day == FOREVER else day + DAY


def _stays(found: Sequence[Difference], new: Tree) -> Iterator[tuple[str, date, date]]:
    """Where visits lie whose findings may now be others."""
    for one in found:
        if one.lies or one.measures:
            yield one.after, one.first, one.last
        if one.centre is not None and one.centre[0] is not None:  # where those lie that named the district
            for other in {one.centre[0]} | heirs(one.centre[0], new):
                yield new.path(other, one.first), one.first, one.last
        if one.points:  # may now be the nearest of those that took the stead of another
            for other in _rivals(one.place, new):
                yield new.path(other, one.first), one.first, one.last


def _rivals(code: str, tree: Tree) -> Iterator[str]:
    for place in tree.places.values():
        if code in place.successors:
            yield from place.successors


def _strays(found: Sequence[Difference], old: Tree, new: Tree) -> Iterator[tuple[str, date, date]]:
    """Where visits lie that belong to another place, now that theirs has ended or stands again."""
    for one in found:
        if one.stands:
            yield one.after, one.first, one.last
            for other in heirs(one.place, old) | heirs(one.place, new):
                yield new.path(other, one.first), one.first, one.last


def heirs(code: str, tree: Tree) -> set[str]:
    """Everything that may have taken the place's stead, also that of what took it."""
    found: set[str] = set()
    waiting = [code]
    while waiting:
        place = tree.places.get(waiting.pop())
        new = [other for other in (place.successors if place else ()) if other not in found]
        found.update(new)
        waiting += new
    return found
