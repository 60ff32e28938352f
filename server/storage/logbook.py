"""The log: who did what to what and when. Lines are only ever added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from server.storage import tables as t
from server.storage.prepared import Prepared

SYSTEM = "system"
COMMAND_LINE = "command-line"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the actor is a person's code, `system` or `command-line`."""

    actor: str
    verb: str
    kind: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)


_FEW = 4  # a check-in writes one or two
_one = Prepared(insert(t.log).inline(), ("at", "actor", "verb", "kind", "subject", "detail"))


def write(connection: Connection, at: datetime, lines: Iterable[Line]) -> None:
    """Adds lines in the transaction of what they tell of."""
    rows = [
        {
            "at": at,
            "actor": x.actor,
            "verb": x.verb,
            "kind": x.kind,
            "subject": x.subject,
            "detail": dict(x.detail),
        }
        for x in lines
    ]
    if len(rows) <= _FEW:
        for row in rows:
            _one.run(connection, row)
    else:
        connection.execute(insert(t.log), rows)
