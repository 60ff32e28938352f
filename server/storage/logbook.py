"""The log: who did what to what and when. Lines are only ever added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from server.storage import keys
from server.storage import tables as t
from server.storage.prepared import Prepared

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
