"""The log: who did what to what and when. Lines are only ever added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select

from server.storage import keys
from server.storage import tables as t
from server.storage.prepared import Prepared
from server.storage.scoping import inside

SYSTEM = "system"
COMMAND_LINE = "command-line"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the actor is a person's code, `system` or `command-line`.

    `path` is of the place it belongs to; none: to the whole deployment. Names, numbers, positions, notes and reasons
    stand in `personal`, which is read only with the key of the person it is `about`, and never in `detail`.
    """

    actor: str
    verb: str
    kind: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    about: str | None = None
    personal: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError for something personal that is about nobody."""
        if self.personal and self.about is None:
            raise ValueError("whom is it about?")


_FEW = 4  # a check-in writes one or two
_COLUMNS = ("at", "actor", "verb", "kind", "subject", "detail", "path", "about", "personal")
_one = Prepared(insert(t.log).inline(), _COLUMNS)


def write(connection: Connection, at: datetime, lines: Iterable[Line]) -> None:
    """Adds lines in the transaction of what they tell of."""
    listed = list(lines)
    private = [line for line in listed if line.personal]
    sealed = iter(keys.seal(connection, ((line.about or "", line.personal) for line in private), at) if private else ())
    rows = [
        {
            "at": at,
            "actor": x.actor,
            "verb": x.verb,
            "kind": x.kind,
            "subject": x.subject,
            "detail": dict(x.detail),
            "path": x.path,
            "about": x.about,
            "personal": next(sealed) if x.personal else None,
        }
        for x in listed
    ]
    if len(rows) <= _FEW:
        for row in rows:
            _one.run(connection, row)
    else:
        connection.execute(insert(t.log), rows)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines to find: from an instant on and before another, and with an id before the one given.

    With `areas`, the paths of places, only lines of those places and of what lies inside.
    """

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    verb: str | None = None
    kind: str | None = None
    subject: str | None = None
    before: int | None = None
    areas: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A line as it is stored, with its number and hash once it is sealed."""

    id: int
    at: datetime
    actor: str
    verb: str
    kind: str
    subject: str
    detail: Mapping[str, Any]
    path: str
    about: str | None
    personal: bytes | None
    number: int | None
    hash: bytes | None


def find(connection: Connection, sought: Sought, limit: int) -> list[Found]:
    """At most `limit` lines, latest first."""
    c = t.log.c
    columns: list[ColumnElement[Any]] = [c.id, *(c[name] for name in _COLUMNS), t.log_seal.c.number, t.log_seal.c.hash]
    query = select(*columns).join_from(t.log, t.log_seal, t.log_seal.c.line == c.id, isouter=True)
    for name in ("actor", "verb", "kind", "subject"):
        value = getattr(sought, name)
        if value is not None:
            query = query.where(c[name] == value)
    if sought.since is not None:
        query = query.where(c.at >= sought.since)
    if sought.until is not None:
        query = query.where(c.at < sought.until)
    if sought.before is not None:
        query = query.where(c.id < sought.before)
    if sought.areas is not None:
        query = query.where(or_(*(inside(c.path, area) for area in sought.areas)))
    return [Found(*row) for row in connection.execute(query.order_by(c.id.desc()).limit(limit))]
