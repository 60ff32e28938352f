"""The log: who did what to what and when. Lines are only ever added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from server.storage import tables as t

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


_write = insert(t.log).inline()  # nobody asks for the number of a line


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
    if rows:
        connection.execute(_write, rows if len(rows) > 1 else rows[0])
