"""A person's obligations for the calendar on their phone, under a secret address that can be revoked."""

from datetime import datetime, timedelta

from server.adapters import secrets
from server.domain import problems
from server.domain.access import Caller, Scope
from server.domain.periods import DAY, Moment, month_of
from server.domain.problems import Problem
from server.services import judging, reports
from server.services.deployment import Deployment
from server.services.record import home
from server.services.reports import Listed
from server.storage import accounts, links, logbook
from server.storage import reports as rows

BACK = timedelta(days=35)
MOST = 2000  # of one person, in three months


def new_address(deployment: Deployment, caller: Caller, now: datetime) -> str:
    """A new secret for the caller's calendar, shown this once; the one before is no longer good."""
    secret = secrets.new_token()
    with deployment.database.write() as connection:
        accounts.lock(connection, caller.person)
        links.put_feed(connection, secrets.token_digest(secret), caller.person, now)
        path = home(connection, deployment, caller.person, now)
        logbook.write(connection, now, [logbook.Line(caller.person, "open", "calendar", caller.person, path=path)])
    return secret


def revoke(deployment: Deployment, caller: Caller, now: datetime) -> None:
    """Ends the address of the caller's calendar, if there is one."""
    with deployment.database.write() as connection:
        if links.end_feeds(connection, caller.person, now):
            path = home(connection, deployment, caller.person, now)
            logbook.write(connection, now, [logbook.Line(caller.person, "end", "calendar", caller.person, path=path)])


def calendar(deployment: Deployment, secret: str, now: datetime) -> tuple[Caller, list[Listed]]:
    """Whose calendar it is, and what they owe from 35 days back to the end of next month.

    Raises Problem NOT_FOUND for an address that was revoked or replaced, or whose person has no account any more.
    """
    moment = Moment.of(now, deployment.zone)
    with deployment.database.read() as connection:
        person = links.feed_of(connection, secrets.token_digest(secret))
        caller = links.caller(connection, person) if person is not None else None
    if caller is None:
        raise Problem(problems.NOT_FOUND)
    first, last = moment.today - BACK, month_of(month_of(moment.today).last + DAY).last
    judging.ensure_judged(deployment, first, last, only=caller.person)
    asked = rows.Asked(first, last, scope=Scope(caller.person, ()))
    with deployment.database.read() as connection:
        found = rows.page(connection, asked, moment, None, MOST)
        return caller, reports.named(connection, found, deployment.world(connection).tree)
