"""Addresses for links, which cannot send a token: good once, for a minute, for one person and path."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from server.adapters import secrets
from server.domain import problems
from server.domain.access import Caller
from server.domain.problems import Problem
from server.services.deployment import Deployment
from server.storage import links

LIFE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Download:
    """A new address's secret, shown this once."""

    secret: str
    expires_at: datetime


def prepare(deployment: Deployment, caller: Caller, target: str, now: datetime) -> Download:
    """Makes an address for the caller and a path with its query."""
    secret, expires_at = secrets.new_token(), now + LIFE
    with deployment.database.write() as connection:
        links.add_download(connection, secrets.token_digest(secret), caller.person, target, expires_at)
    return Download(secret, expires_at)


def use(deployment: Deployment, secret: str, now: datetime) -> tuple[Caller, str]:
    """Uses an address up: for whom, with the grants they hold now, and where it leads.

    Raises Problem NOT_FOUND for one that was used before, or is over, or whose person has no account any more.
    """
    with deployment.database.write() as connection:
        found = links.use_download(connection, secrets.token_digest(secret), now)
    if found is not None:
        person, target = found
        with deployment.database.read() as connection:
            caller = links.caller(connection, person)
        if caller is not None:
            return caller, target
    raise Problem(problems.NOT_FOUND)
