"""Stored verdicts: a cache of what the duty engine says, kept so that a county's month is one indexed query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.engine import Obligation, Reason, Verdict
from server.storage import tables as t
from server.storage.people import chunks
from server.storage.prepared import Prepared

Key = tuple[str, str, str, str, int]
_FIELDS = [field.name for field in fields(Obligation)]
COLUMNS = [t.obligation.c[name] for name in _FIELDS]
_KEY = ("person", "window", "duty", "place", "turn")
_BODY = [name for name in _FIELDS if name not in _KEY]


_stored = select(*COLUMNS).where(
    t.obligation.c.person.in_(bindparam("people", expanding=True)),
    t.obligation.c.window.in_(bindparam("windows", expanding=True)),
)
_this_one = [t.obligation.c[name] == bindparam(f"k_{name}") for name in _KEY]
_drop = delete(t.obligation).where(*_this_one)
_change = update(t.obligation).where(*_this_one).values({name: bindparam(f"v_{name}") for name in _BODY})
_change_one = Prepared(_change)
_stored_of = Prepared(
    select(*COLUMNS).where(
        t.obligation.c.person == bindparam("person"),
        or_(t.obligation.c.window == bindparam("one"), t.obligation.c.window == bindparam("other")),
    )
)
_CHANGE_NAMES = {name: f"k_{name}" for name in _KEY} | {name: f"v_{name}" for name in _BODY}
_ADD_NAMES = {name: name for name in _FIELDS}
FEW = 4  # a visit seldom counts for more


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
    found = (from_row(row) for row in connection.execute(_stored, {"people": people, "windows": windows}))
    return {key(obligation): obligation for obligation in found}


def stored_of(connection: Connection, person: str, windows: Sequence[str]) -> dict[Key, Obligation]:
    """The stored obligations of one person in at most two windows: those a visit falls in."""
    if not windows:
        return {}
    asked = {"person": person, "one": windows[0], "other": windows[-1]}
    return {key(obligation): obligation for obligation in map(from_row, _stored_of.rows(connection, asked))}


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
    if gone:
        connection.execute(_drop, [{f"k_{name}": part for name, part in zip(_KEY, k, strict=True)} for k in gone])
    if len(changed) <= FEW:
        for one in changed:
            _change_one.run(connection, _row(one, _CHANGE_NAMES))
    else:
        connection.execute(_change, [_row(o, _CHANGE_NAMES) for o in changed])
    for chunk in chunks(added, 2000):
        connection.execute(_add[connection.dialect.name], [_row(o, _ADD_NAMES) for o in chunk])


def _adding(new: sqlite.Insert | postgresql.Insert) -> Insert:
    return new.on_conflict_do_update(
        index_elements=[t.obligation.c[name] for name in _KEY], set_={name: new.excluded[name] for name in _BODY}
    )


_add = {"sqlite": _adding(sqlite.insert(t.obligation)), "postgresql": _adding(postgresql.insert(t.obligation))}


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
