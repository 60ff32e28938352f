"""Blunts floods: how many requests a minute one address and one token may send.

Counted in each worker's memory, so it is a blunt edge and no lock: sign-in is counted in the database (`signing_in`).
The defaults let a thousand phones behind one carrier's address through, and one phone with 200 queued check-ins.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask_limiter import ApplicationLimit, Limiter

from server.api import auth
from server.domain import problems
from server.domain.problems import Problem
from server.settings import Settings

_WINDOW_S = 60


def install(app: Flask, settings: Settings) -> None:
    """Refuses what goes over the limits with 429 and `Retry-After`; a limit of 0 is none."""
    limits: list[str | Callable[[], str] | ApplicationLimit] = [
        ApplicationLimit(f"{most} per minute", key_function=key, scope=key.__name__)
        for most, key in (
            (settings.rate_address_per_minute, auth.address),
            (settings.rate_person_per_minute, _token),
        )
        if most
    ]
    if limits:
        Limiter(_nobody, app=app, application_limits=limits, storage_uri="memory://", on_breach=_refuse)


def _nobody() -> str:
    return ""


def _token() -> str:
    # Without a token the address alone is counted.
    return auth.bearer() or auth.address()


def _refuse(_: object) -> None:
    raise Problem(problems.TOO_MANY_REQUESTS, retry_after=_WINDOW_S)
