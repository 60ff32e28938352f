"""Who is asking: `Authorization: Bearer`, and what each requirement of a view means."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from flask import Flask, current_app, g, request

from server.adapters import clock
from server.api.bridge import PERSON
from server.domain import problems
from server.domain.access import READERS, Caller, GrantKind
from server.domain.problems import Problem
from server.services import record, signing_in
from server.services.deployment import Deployment

ADMIN: Final = "admin"
REVIEWER: Final = "reviewer"
SUPERVISOR: Final = "supervisor"
AUDITOR: Final = "auditor"
READER: Final = "reader"

# What a view can ask for beyond a live token: a grant of one of these kinds, somewhere. Where, and whether it
# reaches what is asked for, is for the services, which know the place.
REQUIREMENTS: Final[Mapping[str, frozenset[GrantKind]]] = {
    ADMIN: frozenset({GrantKind.ADMIN}),
    REVIEWER: frozenset({GrantKind.REVIEWER}),
    SUPERVISOR: frozenset({GrantKind.SUPERVISOR}),
    AUDITOR: frozenset({GrantKind.AUDITOR}),
    READER: READERS,
}
_LONG: Final = timedelta(seconds=1)
_BEARER: Final = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/=-]{1,200})")


def install(app: Flask, deployment: Deployment, now: Callable[[], datetime] = clock.now) -> None:
    """Makes the application know its deployment and its callers; `now` is asked when a request has come in."""
    app.extensions["daocun.deployment"] = deployment
    app.extensions["daocun.clock"] = now
    app.extensions["daocun.authorizer"] = authorize
    app.extensions["daocun.exported"] = exported
    app.extensions["daocun.receiver"] = received


def deployment() -> Deployment:
    """The deployment of the application that is answering."""
    found: Deployment = current_app.extensions["daocun.deployment"]
    return found


def now() -> datetime:
    """The instant at which the request was received whole, the same from then on."""
    if "now" not in g:
        g.now = current_app.extensions["daocun.clock"]()
    found: datetime = g.now
    return found


def received() -> None:
    """Notes that the body is whole now: that is when the request was received.

    Raises Problem as `authorize` did for who was signed out, or lost a grant, while a long body was on its way.
    """
    began: datetime | None = g.pop("now", None)
    if began is not None and "requirement" in g and now() - began > _LONG:
        authorize(g.requirement)


def caller() -> Caller:
    """Who is asking; raises Problem 401 in a view that does not require it and was not told."""
    found: Caller | None = g.get("caller")
    if found is None:
        raise Problem(problems.UNAUTHENTICATED)
    return found


def bearer() -> str | None:
    """The token that was sent, whatever it is worth."""
    match = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return match[1] if match else None


def address() -> str:
    """The network the request comes from: an IPv4 address, or the /64 that an IPv6 subscriber has to themself."""
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found.packed, 64), strict=False))
    return str(found)


def exported(name: str, count: int) -> None:
    """Notes in the log that so many rows of a list were taken away as a file."""
    record.note_export(deployment(), caller(), name, request.args, count, now())


def authorize(requirement: str) -> None:
    """Sets the caller; raises Problem 401 without a live token, 403 without the right, also if it is unknown.

    Who came by an address that stands for a person acts as that person, without a token.
    """
    found: Caller | None = g.get("acting")
    if found is None and (token := bearer()):
        found = signing_in.authenticate(deployment(), token, now())
    if found is None:
        raise Problem(problems.UNAUTHENTICATED)
    g.caller, g.requirement = found, requirement
    if requirement == PERSON:
        return
    kinds = REQUIREMENTS.get(requirement, frozenset())
    if not any(grant.kind in kinds for grant in found.grants):
        raise Problem(problems.FORBIDDEN)
