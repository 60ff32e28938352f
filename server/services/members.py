"""Who of the people of the register exists for a caller: those posted in their area; for all of it, also the others."""

from server.domain import problems
from server.domain.accounts import Reach, standing_places
from server.domain.problems import Problem, invalid
from server.services.areas import Area
from server.storage import people
from server.storage.database import Connection


def belongs(connection: Connection, area: Area, reach: Reach, person: str) -> bool:
    """Whether somebody of the register belongs to what a reach covers; posted nowhere: to the whole deployment."""
    if reach.whole:
        return people.find(connection, person) is not None
    postings = people.postings_of(connection, [person]).get(person, [])
    return any(reach.covers(area.path(place)) for place in standing_places(postings, area.today))


def require(connection: Connection, area: Area, person: str, pointer: str | None = None) -> None:
    """Raises Problem unless the caller administers where the person belongs.

    Outside what the caller may read: NOT_FOUND, or INVALID at `pointer` for one that stood in a body; inside it without
    the right: FORBIDDEN.
    """
    if belongs(connection, area, area.admin, person):
        return
    if belongs(connection, area, area.reader, person):
        raise Problem(problems.FORBIDDEN)
    raise Problem(problems.NOT_FOUND) if pointer is None else invalid(pointer, "not-exist")
