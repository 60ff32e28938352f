"""Stored verdicts: a cache of what the duty engine says, kept so that a county's month is one indexed query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.engine import Obligation, Reason, Verdict
from server.storage import tables as t
from server.storage.people import chunks

Key = tuple[str, str, str, str, int]
_FIELDS = [field.name for field in fields(Obligation)]
COLUMNS = [t.obligation.c[name] for name in _FIELDS]
_KEY = ("person", "window", "duty", "place", "turn")
_BODY = [name for name in _FIELDS if name not in _KEY]


def key(o: Obligation) -> Key:
    """What makes an obligation this one."""
    return (o.person, o.window, o.duty, o.place, o.turn)


def from_row(row: Any) -> Obligation:
    """An obligation from a row of `COLUMNS`."""
    (
        duty,
        person,
        place,
        window,
        turn,
        opens_on,
        due_on,
        verdict,
        reason,
        needed,
        done,
        path,
        visits,
        awaited,
    ) = row
    return Obligation(
        duty, person, place, window, turn, opens_on, due_on, Verdict(verdict), Reason(reason), needed, done, path,
        tuple(visits), tuple(awaited),
    )  # fmt: skip


def stored(connection: Connection, people: Sequence[str], windows: Sequence[str]) -> dict[Key, Obligation]:
    """The stored obligations of these people in these windows."""
    c = t.obligation.c
    query = select(*COLUMNS).where(c.person.in_(people), c.window.in_(windows))
    found = (from_row(row) for row in connection.execute(query))
    return {key(obligation): obligation for obligation in found}


def differences(
    before: Mapping[Key, Obligation], after: Iterable[Obligation]
) -> tuple[list[Obligation], list[Obligation], list[Key]]:
    """What must be added, changed and taken away so that the stored rows are those judged."""
    judged = {key(obligation): obligation for obligation in after}
    added = [o for k, o in judged.items() if k not in before]
    changed = [o for k, o in judged.items() if k in before and before[k] != o]
    gone = [k for k in before if k not in judged]
    return added, changed, gone


def apply(
    connection: Connection, added: Sequence[Obligation], changed: Sequence[Obligation], gone: Sequence[Key]
) -> None:
    """Writes the differences.

    What is added may have been added meanwhile by somebody who judged the same facts: then it is the same, and stays.
    """
    c = t.obligation.c
    if gone:
        where = [c[name] == bindparam(f"k_{name}") for name in _KEY]
        connection.execute(
            delete(t.obligation).where(*where),
            [dict(zip([f"k_{n}" for n in _KEY], k, strict=True)) for k in gone],
        )
    if changed:
        where = [c[name] == bindparam(f"k_{name}") for name in _KEY]
        values: dict[str, Any] = {name: bindparam(f"v_{name}") for name in _BODY}
        connection.execute(
            update(t.obligation).where(*where).values(values),
            [_row(o, {n: f"k_{n}" for n in _KEY} | {n: f"v_{n}" for n in _BODY}) for o in changed],
        )
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    adding = dialect.insert(t.obligation)
    adding = adding.on_conflict_do_update(
        index_elements=[c[name] for name in _KEY], set_={name: adding.excluded[name] for name in _BODY}
    )
    for chunk in chunks(added, 2000):
        connection.execute(adding, [_row(o, {n: n for n in _FIELDS}) for o in chunk])


def forget(connection: Connection, first: date | None = None, last: date | None = None) -> None:
    """Throws stored verdicts away: all of them, or those due in a span."""
    query = delete(t.obligation)
    if first is not None and last is not None:
        query = query.where(t.obligation.c.due_on.between(first, last))
    connection.execute(query)


def _row(o: Obligation, names: Mapping[str, str]) -> dict[str, Any]:
    row = {names[name]: getattr(o, name) for name in _FIELDS}
    row[names["verdict"]] = o.verdict.value
    row[names["reason"]] = o.reason.value
    row[names["visits"]] = list(o.visits)
    row[names["awaited"]] = list(o.awaited)
    return row
