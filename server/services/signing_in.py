"""Signing in and out: passwords, one-time codes, tokens."""

import hashlib
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.adapters import secrets
from server.domain import problems
from server.domain.access import Caller
from server.domain.accounts import (
    CODE_TRIES,
    SHARERS,
    Limits,
    check_password,
    own_subjects,
    subjects,
    typed_code,
)
from server.domain.cells import phone_digits
from server.domain.problems import Kind, Problem
from server.services.deployment import Deployment
from server.services.record import home
from server.storage import accounts, links, logbook
from server.storage.accounts import Credential
from server.storage.logbook import Line
from server.storage.people import Person

# Each takes 19 MiB and a core while it works; whoever waits here is counted before their turn comes
_turns: Final = threading.BoundedSemaphore(4)


@dataclass(frozen=True, slots=True)
class Session:
    """A new token, shown this once, and whose it is."""

    token: str
    expires_at: datetime
    person: Person


def authenticate(deployment: Deployment, token: str, now: datetime) -> Caller | None:
    """The person whose live token this is; none if it is unknown, expired or revoked, or their account is."""
    with deployment.database.read() as connection:
        return accounts.caller(connection, secrets.token_digest(token), now)


def sign_in(
    deployment: Deployment, name: str, password: str, address: str, now: datetime, device: str | None = None
) -> Session:
    """A session for whoever has this phone number, or code, and password; `device` is a token it had before, if any.

    When several people share the number, it is the one whose password it is, and nobody if it is that of several.
    Raises Problem: SIGN_IN_FAILED whichever was wrong, TOO_MANY_REQUESTS after too many failures.
    """
    name = name.strip()
    found = _candidates(deployment, name)
    known = _known_device(deployment, found, device)
    counted = _counted(name, found, address, known)
    with _turns:
        _hold_back(deployment, counted, now)
        # Unknown names cost as much as known ones
        tried = [(one, secrets.password_fits(one.password, password)) for one in found]
        if not found:
            secrets.password_fits(None, password)
        fitting = [one for one, fits in tried if fits]
        if len(fitting) != 1:
            raise _failed(deployment, counted, now, problems.SIGN_IN_FAILED)
    person, stored = fitting[0].person, fitting[0].password
    renewed = secrets.hash_password(password) if stored and secrets.is_outdated(stored) else None
    path = _home(deployment, person, now)
    with deployment.database.write() as connection:
        held = accounts.lock(connection, person)
        if held is None or held.password != stored:
            raise Problem(problems.SIGN_IN_FAILED)
        if renewed:
            accounts.set_password(connection, person, renewed)
        # Not those of others with the same number: one's own password says nothing of the guesses at theirs.
        accounts.clear_failures(connection, [f"device:{known}"] if known else own_subjects(person, address))
        token, expires_at = secrets.new_token(), now + timedelta(days=deployment.settings.token_days)
        accounts.add_token(connection, secrets.token_digest(token), person, now, expires_at)
        logbook.write(connection, now, [Line(person, "sign-in", "account", person, path=path)])
    return _session(held, token, expires_at.astimezone(deployment.zone))


def activate(deployment: Deployment, name: str, code: str, password: str, address: str, now: datetime) -> Session:
    """Sets the password by a one-time code, ends all earlier sessions, and signs in.

    Raises Problem: ACTIVATION_FAILED whichever was wrong, INVALID for a password that will not do (the code stays
    good), TOO_MANY_REQUESTS after too many failures from the address.
    """
    name = name.strip()
    check_password(password, (name, code))
    found = {one.person: one for one in _candidates(deployment, name)}
    counted = subjects((), address, None)
    with _turns:
        _hold_back(deployment, counted, now)
        digests = {person: secrets.code_digest(typed_code(code), person) for person in found or ("",)}
        with deployment.database.read() as connection:
            live = accounts.live_codes(connection, found, now)
        fitting = [one for one in live if secrets.same(one.hash, digests[one.person])]
        if not fitting:
            raise _failed(deployment, counted, now, problems.ACTIVATION_FAILED, codes=[one.id for one in live])
        whose = found[fitting[0].person]
        check_password(password, (whose.person, whose.phone))
        hashed = secrets.hash_password(password)
    path = _home(deployment, whose.person, now)
    with deployment.database.write() as connection:
        held = accounts.lock(connection, whose.person)
        if held is None or not accounts.use_code(connection, fitting[0].id, now):
            raise Problem(problems.ACTIVATION_FAILED)
        accounts.set_password(connection, held.person, hashed)
        accounts.end_tokens(connection, held.person, now)
        token, expires_at = secrets.new_token(), now + timedelta(days=deployment.settings.token_days)
        accounts.add_token(connection, secrets.token_digest(token), held.person, now, expires_at)
        logbook.write(connection, now, [Line(held.person, "activate", "account", held.person, path=path)])
    return _session(held, token, expires_at.astimezone(deployment.zone))


def sign_out(deployment: Deployment, token: str, now: datetime) -> None:
    """Ends one session; nothing happens if it has ended already."""
    digest = secrets.token_digest(token)
    with deployment.database.read() as connection:
        owner = accounts.token_owner(connection, digest)
        path = home(connection, deployment, owner, now) if owner else ""
    with deployment.database.write() as connection:
        person = accounts.end_token(connection, digest, now)
        if person is not None:
            logbook.write(connection, now, [Line(person, "sign-out", "account", person, path=path)])


def tidy(deployment: Deployment, now: datetime) -> int:
    """Deletes failures that no longer count, long expired tokens and addresses: how many; a job for every hour."""
    with deployment.database.write() as connection:
        gone = accounts.forget_failures(connection, now - _limits(deployment).window)
        gone += links.forget_downloads(connection, now)
        # An expired token still shows that a phone was signed in before, see `subjects`
        return gone + accounts.forget_tokens(connection, now - timedelta(days=deployment.settings.token_days))


def _candidates(deployment: Deployment, name: str) -> list[Credential]:
    with deployment.database.read() as connection:
        return accounts.credentials(connection, name, phone_digits(name), SHARERS)


def _home(deployment: Deployment, person: str, now: datetime) -> str:
    with deployment.database.read() as connection:
        return home(connection, deployment, person, now)


def _limits(deployment: Deployment) -> Limits:
    return Limits(deployment.settings.sign_in_tries, timedelta(seconds=deployment.settings.sign_in_window_s))


def _known_device(deployment: Deployment, found: Sequence[Credential], device: str | None) -> str | None:
    """What a phone that was signed in before is counted as; none if it was not, or if several people are meant."""
    if device is None or len(found) != 1:
        return None
    digest = secrets.token_digest(device)
    with deployment.database.read() as connection:
        return digest.hex()[:32] if accounts.token_owner(connection, digest) == found[0].person else None


def _counted(name: str, found: Sequence[Credential], address: str, device: str | None) -> list[str]:
    # What nobody is called is counted like a name, so that a refusal does not tell which names there are
    unknown = hashlib.sha256((phone_digits(name) or name).encode()).hexdigest()[:32]
    return subjects([one.person for one in found] or [unknown], address, device)


def _hold_back(deployment: Deployment, counted: Sequence[str], now: datetime) -> None:
    limits = _limits(deployment)
    with deployment.database.read() as connection:
        failed = accounts.failures(connection, counted, now - limits.window)
    waits = [first + limits.window - now for subject, (number, first) in failed.items() if number >= limits.of(subject)]
    if waits:
        seconds = max(1, math.ceil(max(waits).total_seconds()))
        raise Problem(problems.TOO_MANY_REQUESTS, retry_after=seconds)


def _failed(
    deployment: Deployment, counted: Sequence[str], now: datetime, kind: Kind, codes: Sequence[int] = ()
) -> Problem:
    with deployment.database.write() as connection:
        accounts.add_failures(connection, counted, now)
        if codes:
            tries = min(deployment.settings.activation_tries, CODE_TRIES)
            accounts.count_wrong(connection, codes, now, tries)
    return Problem(kind)


def _session(held: Credential, token: str, expires_at: datetime) -> Session:
    return Session(token, expires_at, Person(held.person, held.name, held.phone, held.unit, held.language))
