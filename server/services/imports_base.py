"""What the imports of all kinds share: what they are told, what they plan, and which days to judge again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from server.domain.differences import FOREVER as FOREVER
from server.domain.differences import NEAR as NEAR
from server.domain.imports import CellError, ImportRefused, Parsed
from server.domain.problems import Scalar
from server.services.deployment import Deployment
from server.storage import logbook, people, register
from server.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Context:
    """What an import is told besides its rows."""

    deployment: Deployment
    actor: str
    now: datetime
    today: date
    since: date  # the first day on which what the file says of places holds
    crs: str
    judged: tuple[date, date] | None  # the span whose verdicts are stored


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to tell the person who imports: a key of the catalogues and its placeholders."""

    key: str
    params: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Where:
    """Where a log line belongs, whom it is about, and which of its values are personal."""

    path: str = ""
    about: str | None = None
    personal: tuple[str, ...] = ()


NOWHERE = Where()


class Overtaken(Exception):
    """What a plan rests on was decided otherwise before it could be carried out."""


def _nothing(_: Connection) -> None:
    """Writes nothing."""


@dataclass(slots=True)
class Plan:
    """What an import is going to do; deciding on it writes nothing.

    `store` writes what nobody can have looked at yet; `follow` what check-ins may rest on, while none is being written.
    """

    created: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    lines: list[logbook.Line] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    store: Callable[[Connection], None] = _nothing
    follow: Callable[[Connection], None] = _nothing

    def count(self, kind: str, actor: str, subject: str, before: Any, after: Any, where: Where = NOWHERE) -> bool:
        """Counts one row and notes its log line; whether anything is to be done.

        `before` and `after` are its values as a mapping; no `before`: it is new; no `after`: it goes.
        """
        if before == after:
            self.unchanged += 1
            return False
        if before is None:
            self.created += 1
            self._note(actor, "created", kind, subject, {"after": after}, where)
        elif after is None:
            self.removed += 1
            self._note(actor, "removed", kind, subject, {"before": before}, where)
        else:
            self.updated += 1
            changed = [name for name in after if after[name] != before.get(name)]
            detail = {"before": {n: before.get(n) for n in changed}, "after": {n: after[n] for n in changed}}
            self._note(actor, "changed", kind, subject, detail, where)
        return True

    def _note(
        self, actor: str, verb: str, kind: str, subject: str, told: Mapping[str, Mapping[str, Any]], where: Where
    ) -> None:
        personal = {when: {n: values[n] for n in where.personal if n in values} for when, values in told.items()}
        detail = {when: {n: values[n] for n in values if n not in where.personal} for when, values in told.items()}
        private = personal if any(personal.values()) else {}
        self.lines.append(logbook.Line(actor, verb, kind, subject, detail, where.path, where.about, private))


def refuse(errors: Iterable[CellError]) -> None:
    """Raises ImportRefused if there are any errors."""
    found = list(errors)
    if found:
        raise ImportRefused(found)


def unknown(
    parsed: Parsed[Any], column: str, code: str, known: Iterable[str], empty: str | None = None
) -> Iterator[CellError]:
    """A bad cell for each row whose `column` names something that does not exist."""
    there = set(known)
    for row in parsed.rows:
        value = getattr(row, column)
        if value != empty and value not in there:
            yield parsed.error(row.row, column, code, value=value)


def mark_people(connection: Connection, context: Context, spans: Iterable[tuple[str, date, date]]) -> None:
    """Marks what these people owe on these days to be judged again, as far as verdicts of those days are stored."""
    mark_spans(connection, context.judged, spans)


def mark_spans(
    connection: Connection, judged: tuple[date, date] | None, spans: Iterable[tuple[str, date, date]]
) -> None:
    """As `mark_people`, for a stored span of days."""
    if judged is None:
        return
    first, last = judged[0] - NEAR, judged[1] + NEAR
    clipped = {(person, max(begin, first), min(end, last)) for person, begin, end in spans}
    people.mark_stale(connection, sorted(span for span in clipped if span[1] <= span[2]))


def judged_span(state: register.State) -> tuple[date, date] | None:
    """The span of days for whose windows verdicts are stored, if any are."""
    if state.judged_from is None or state.judged_to is None:
        return None
    return state.judged_from, state.judged_to


def text_of(day: date | None) -> str | None:
    """A day as the log keeps it."""
    return day.isoformat() if day else None
