"""Forgetting a person who asks for it, as far as the office's record allows."""

from datetime import datetime

from server.adapters.messages import text
from server.domain.periods import local_day
from server.domain.problems import invalid
from server.services.accounts import close
from server.services.deployment import Deployment
from server.services.record import home
from server.storage import keys, logbook, people, proposals, register
from server.storage.logbook import Line


def erase(deployment: Deployment, person: str, actor: str, now: datetime) -> bool:
    """Destroys the key of what is personal in the log, blanks name, number, unit and words, and closes the account.

    The code stays, with postings, visits and verdicts. False if it was done before. Raises Problem INVALID at `/person`
    for somebody unknown, and for whoever has a posting in force or to come.
    """
    today = local_day(now, deployment.zone)
    with deployment.database.read() as connection:
        path = home(connection, deployment, person, now)
    with deployment.database.write() as connection:
        register.state(connection, lock=True)  # so that nobody is posted meanwhile
        if people.find(connection, person) is None:
            raise invalid("/person", "not-exist")
        postings = people.postings_of(connection, [person]).get(person, [])
        if any(posting.end is None or posting.end >= today for posting in postings):
            raise invalid("/person", "still-posted")
        if not keys.destroy(connection, person, now):
            return False
        people.blank(connection, person, text("erased.name", "zh"))
        people.blank_texts(connection, person)
        proposals.blank_texts(connection, person)
        close(connection, person, path, actor, now)
        logbook.write(connection, now, [Line(actor, "erase", "person", person, {}, path)])
    return True
