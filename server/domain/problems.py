"""Every refusal the service makes: its stable code and its HTTP status.

The sentences live in the message catalogues under `problem.<code>` and `field.<code>`; nothing that a
client sent is ever part of a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Scalar = str | int | float | bool | None  # what a placeholder may hold


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of refusal: its code, which clients may rely on, and its HTTP status."""

    code: str
    status: int


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that does not fit, at a JSON pointer (RFC 6901) into what was sent.

    `pointer` is "" for the whole body, `/position/latitude` for a member, `/limit` for a query parameter.
    """

    pointer: str
    code: str
    params: Mapping[str, Scalar] = field(default_factory=dict)


class Problem(Exception):
    """A refusal; raised anywhere, rendered once by the API or the command line.

    `params` fill the placeholders of the sentence; `members` are said beside it (RFC 9457, extension members), as the
    schema of problems writes them; `retry_after` is in seconds.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        errors: Iterable[FieldError] = (),
        params: Mapping[str, Scalar] | None = None,
        members: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.errors = tuple(errors)
        self.params: dict[str, Scalar] = dict(params or {})
        self.members: dict[str, Any] = dict(members or {})
        self.retry_after = retry_after


def invalid(pointer: str, code: str, **params: Scalar) -> Problem:
    """The usual refusal of one field: 422 with a single error at `pointer`."""
    return Problem(INVALID, errors=[FieldError(pointer, code, params)])


def all_kinds() -> tuple[Kind, ...]:
    """Every kind in this catalogue, by code."""
    kinds = [value for value in globals().values() if isinstance(value, Kind)]
    return tuple(sorted(kinds, key=lambda kind: kind.code))


# The request itself
BAD_REQUEST = Kind("bad-request", 400)
MALFORMED_BODY = Kind("malformed-body", 400)
MALFORMED_MULTIPART = Kind("malformed-multipart", 400)
BODY_CUT = Kind("body-cut", 400)
UNAUTHENTICATED = Kind("unauthenticated", 401)
SIGN_IN_FAILED = Kind("sign-in-failed", 401)
ACTIVATION_FAILED = Kind("activation-failed", 401)
FORBIDDEN = Kind("forbidden", 403)
NOT_FOUND = Kind("not-found", 404)
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405)
NOT_ACCEPTABLE = Kind("not-acceptable", 406)
LENGTH_REQUIRED = Kind("length-required", 411)
STALE = Kind("stale", 412)
TOO_LARGE = Kind("too-large", 413)
URI_TOO_LONG = Kind("uri-too-long", 414)
UNSUPPORTED_TYPE = Kind("unsupported-type", 415)
INVALID = Kind("invalid", 422)
TOO_MANY_REQUESTS = Kind("too-many-requests", 429)
UNEXPECTED = Kind("unexpected", 500)
UNAVAILABLE = Kind("unavailable", 503)

# Check-ins and what follows them
VISIT_DIFFERS = Kind("visit-differs", 409)
VISIT_NOT_OPEN = Kind("visit-not-open", 409)
ALREADY_DECIDED = Kind("already-decided", 409)
ALREADY_APPEALED = Kind("already-appealed", 409)
NOT_REJECTED = Kind("not-rejected", 409)
APPEAL_TOO_LATE = Kind("appeal-too-late", 409)
OWN_VISIT = Kind("own-visit", 403)
OWN_ENTRY = Kind("own-entry", 403)  # a second person decides on what one has entered
OWN_DECISION = Kind("own-decision", 403)  # somebody else decides on an appeal
NO_POSITION_TO_TAKE = Kind("no-position-to-take", 409)
PAPER_CAP = Kind("paper-cap", 409)

# What was owed and not done
OBLIGATION_NOT_OPEN = Kind("obligation-not-open", 409)
ALREADY_EXCUSED = Kind("already-excused", 409)
EXCUSE_CAP = Kind("excuse-cap", 409)
OWN_EXCUSE = Kind("own-excuse", 403)

# Photos; the renderer fills in the settings' `limit_mb` and `limit_mp`
PHOTO_NOT_ANNOUNCED = Kind("photo-not-announced", 404)
PHOTO_TOO_LARGE = Kind("photo-too-large", 413)
PHOTO_DIGEST = Kind("photo-digest", 422)
PHOTO_LENGTH = Kind("photo-length", 422)
PHOTO_TYPE = Kind("photo-type", 422)
PHOTO_UNREADABLE = Kind("photo-unreadable", 422)
PHOTO_TRUNCATED = Kind("photo-truncated", 422)
PHOTO_TOO_MANY_PIXELS = Kind("photo-too-many-pixels", 422)
PHOTO_TOO_MANY_SCANS = Kind("photo-too-many-scans", 422)
PHOTO_HEIC = Kind("photo-heic", 422)

# Registers and accounts
CONFLICT = Kind("conflict", 409)
OVERLAP = Kind("overlap", 409)
MONTH_NOT_OVER = Kind("month-not-over", 409)
ALREADY_CLOSED = Kind("already-closed", 409)
CLOSED_AROUND = Kind("closed-around", 409)
NOT_CLOSED = Kind("not-closed", 409)
OWN_GRANT = Kind("own-grant", 403)
NEEDS_SECOND_PERSON = Kind("needs-second-person", 409)
TOO_MANY_TOUCHED = Kind("too-many-touched", 422)

# Files
EXPORT_TOO_LARGE = Kind("export-too-large", 422)
IMPORT_FILE = Kind("import-file", 422)
IMPORT_REFUSED = Kind("import-refused", 422)
