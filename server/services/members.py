"""Who of the people of the register exists for a caller: those posted in their area; for all of it, also the others."""

from datetime import date

from server.domain import problems
from server.domain.accounts import Reach, standing_places
from server.domain.places import Tree
from server.domain.problems import Problem, invalid
from server.services.areas import Area
from server.storage import accounts, people, register
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


def require_kept(connection: Connection, area: Area, person: str) -> None:
    """As `require`, and the person must hold no grant outside: a telephone number is what they sign in with."""
    if person == area.caller.person and not belongs(connection, area, area.admin, person):
        raise Problem(problems.FORBIDDEN)
    require(connection, area, person)
    held = accounts.grants_of(connection, [person]).get(person, [])
    if not all(area.admin.covers(area.path(grant.place)) for grant in held):
        raise Problem(problems.FORBIDDEN)


def owes_around(connection: Connection, person: str, tree: Tree, place: str, since: date, below: bool = True) -> bool:
    """Whether a posting that owes something, on a day or later, lies at or above the place, or `below` it."""
    owing = {str(duty.role) for duty in register.duties(connection) if duty.active}
    paths = tree.paths(place)
    return any(
        any(f"/{posting.place}/" in path for path in paths)
        or (below and any(f"/{place}/" in path for path in tree.paths(posting.place)))
        for posting in people.postings_of(connection, [person]).get(person, [])
        if posting.role in owing and (posting.end is None or posting.end >= since)
    )
