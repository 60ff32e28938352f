"""Signing in and out: passwords, one-time codes, tokens."""

from datetime import datetime

from server.adapters import secrets
from server.domain.access import Caller
from server.services.deployment import Deployment
from server.storage import accounts


def authenticate(deployment: Deployment, token: str, now: datetime) -> Caller | None:
    """The person whose live token this is; none if it is unknown, expired or revoked, or their account is."""
    with deployment.database.read() as connection:
        return accounts.caller(connection, secrets.token_digest(token), now)
