"""Looking at postings: one's own, and those inside one's area."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from server.domain.access import Caller
from server.domain.places import Tree
from server.domain.problems import invalid
from server.services.areas import area_of
from server.services.deployment import Deployment
from server.storage import people, postings
from server.storage.database import Connection
from server.storage.postings import Held, Sought


@dataclass(frozen=True, slots=True)
class Named:
    """A posting with the names that people know it by."""

    id: int
    person: str
    person_name: str
    role: str
    place: str
    place_name: str
    township: str | None
    township_name: str | None
    start: date
    end: date | None
    office_weekday: int | None


def page(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    *,
    after: tuple[str, int] | None = None,
    limit: int = 50,
    person: str | None = None,
    place: str | None = None,
    role: str | None = None,
    on: date | None = None,
) -> list[Named]:
    """At most `limit` postings the caller may see, in order of person; with `place` at it or inside it today.

    Raises Problem INVALID for a place that is unknown or outside.
    """
    with deployment.database.read() as connection:
        area = area_of(deployment, connection, caller, now)
        places: Collection[str] | None = None if area.reader.whole else area.inside(area.reader)
        own: str | None = caller.person
        if place is not None:
            if place not in area.tree or not area.reader.covers(area.path(place)):
                raise invalid("/place", "not-exist")
            path = area.path(place)
            places = [code for code in area.tree.places if area.path(code).startswith(path)]
            own = None
        sought = Sought(places, own, person, role, on)
        return named(connection, postings.page(connection, sought, after, limit), area.tree, area.today)


def named(connection: Connection, found: Iterable[Held], tree: Tree, day: date) -> list[Named]:
    """Postings with the names of their people, and of their places and townships as they stand on a day."""
    listed = list(found)
    persons = people.named(connection, {held.posting.person for held in listed})
    shown = []
    for held in listed:
        posting = held.posting
        township = tree.township_of(posting.place, day)
        shown.append(
            Named(
                held.id,
                posting.person,
                persons[posting.person].name,
                posting.role,
                posting.place,
                tree[posting.place].name,
                township.code if township else None,
                township.name if township else None,
                posting.start,
                posting.end,
                posting.office_weekday,
            )
        )
    return shown
