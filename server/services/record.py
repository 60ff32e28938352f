"""What a line of the log needs to know beside what happened: where it belongs."""

from collections.abc import Collection
from datetime import datetime

from server.domain.accounts import standing_places
from server.domain.periods import local_day
from server.domain.places import shared_area
from server.services.deployment import Deployment
from server.storage import accounts, people
from server.storage.database import Connection


def homes(connection: Connection, deployment: Deployment, persons: Collection[str], now: datetime) -> dict[str, str]:
    """The path of the smallest area that holds everything each of these people belongs to today.

    By their postings or, for who has none, by their grants; empty, the whole deployment, for who has neither.
    """
    tree = deployment.world(connection).tree
    today = local_day(now, deployment.zone)
    found: dict[str, str] = {}
    for chunk in people.chunks(sorted(set(persons))):
        postings = people.postings_of(connection, chunk)
        places = {person: standing_places(postings.get(person, ()), today) for person in chunk}
        without = [person for person in chunk if not places[person]]
        if without:
            held = accounts.grants_of(connection, without)
            places |= {person: {grant.place for grant in held.get(person, ())} for person in without}
        for person, its in places.items():
            found[person] = shared_area(tree.path(place, today) for place in its)
    return found


def home(connection: Connection, deployment: Deployment, person: str, now: datetime) -> str:
    """As `homes`, of one person."""
    return homes(connection, deployment, [person], now)[person]
