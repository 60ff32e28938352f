"""Duties as data: those we ship, and those a county adds, changes or ends from a day on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from server.domain import cells, problems
from server.domain.cells import BadCell
from server.domain.duties import SHIPPED, Activity, DayOff, Duty, Fixed, Target, ended, faults
from server.domain.places import BEGINNING
from server.domain.postings import Role
from server.domain.problems import FieldError, Problem, invalid
from server.services.deployment import Deployment
from server.services.imports_base import FOREVER, judged_span, mark_spans
from server.storage import imports as rows
from server.storage import logbook, people, register
from server.storage.database import Connection

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "role": tuple(Role),
    "target": tuple(Target),
    "every": ("week", "month"),
    "fixed": tuple(Fixed),
    "day_off": tuple(DayOff),
}
_NUMBERS = ("number", "times", "min_photos")
_NEEDED = ("code", "role", "activities", "target", "every")


def ensure_shipped(deployment: Deployment, actor: str, now: datetime) -> list[str]:
    """Stores the duties we ship, from the beginning, unless the county has a version of them; which were new."""
    with deployment.database.write() as connection:
        state = register.state(connection, lock=True)
        known = {duty.code for duty in register.duties(connection)}
        missing = [duty for duty in SHIPPED if duty.code not in known]
        for duty in missing:
            _put(connection, duty, None, judged_span(state), actor, now)
    return [duty.code for duty in missing]


def listed(deployment: Deployment) -> list[Duty]:
    """Every version of every duty, in order of code and day."""
    with deployment.database.read() as connection:
        return register.duties(connection)


def save(deployment: Deployment, given: Sequence[Duty], actor: str, now: datetime) -> int:
    """Stores versions of duties, each of which holds from the first window that begins on or after its day.

    How many were new or changed. Raises Problem INVALID with everything that makes no sense about them; then none is
    stored.
    """
    wrong = [FieldError(f"/{duty.code}/{field}", code) for duty in given for field, code in faults(duty)]
    if wrong:
        raise Problem(problems.INVALID, errors=wrong)
    with deployment.database.write() as connection:
        state = register.state(connection, lock=True)
        stored = register.duties(connection)
        by_key = {(duty.code, duty.since): duty for duty in stored}
        new = [duty for duty in given if by_key.get((duty.code, duty.since)) != duty]
        for duty in new:
            before = by_key.get((duty.code, duty.since))
            _put(connection, duty, before, judged_span(state), actor, now, _roles(stored, duty.code))
    return len(new)


def end(deployment: Deployment, code: str, since: date, actor: str, now: datetime) -> bool:
    """Ends a duty from the first window that begins on or after the day; false if it had ended by then.

    Raises Problem INVALID at `/code` for a duty that does not exist.
    """
    versions = [duty for duty in listed(deployment) if duty.code == code]
    if not versions:
        raise invalid("/code", "not-exist")
    present = [duty for duty in versions if duty.since <= since]
    if not present or not present[-1].active:
        return False
    return save(deployment, [ended(present[-1], since)], actor, now) > 0


def parse(values: Mapping[str, Any], since: date | None = None) -> Duty:
    """A duty from a JSON object with the members of `shown`; `since` holds over the object's own.

    Raises Problem INVALID with every member that does not fit.
    """
    wrong: list[FieldError] = []
    taken: dict[str, Any] = {}
    for name, value in values.items():
        try:
            taken[name] = _member(name, value)
        except Problem as problem:
            wrong += problem.errors
    wrong += [FieldError(f"/{name}", "required") for name in _NEEDED if name not in values]
    if wrong:
        raise Problem(problems.INVALID, errors=wrong)
    duty = Duty(**taken)
    return replace(duty, since=since) if since else duty


def shown(duty: Duty) -> dict[str, Any]:
    """A duty as a JSON object, which `parse` takes back; a version without `since` holds from the beginning."""
    return {
        "code": duty.code,
        "role": str(duty.role),
        "activities": sorted(map(str, duty.activities)),
        "target": duty.target.value,
        "every": duty.every,
        "fixed": duty.fixed.value,
        "number": duty.number,
        "day_off": duty.day_off.value,
        "times": duty.times,
        "min_photos": duty.min_photos,
        "since": None if duty.since == BEGINNING else duty.since.isoformat(),
        "active": duty.active,
    }


def _member(name: str, value: Any) -> Any:
    pointer = f"/{name}"
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise invalid(pointer, "choice", choices=", ".join(_CHOICES[name]))
        return {"target": Target, "fixed": Fixed, "day_off": DayOff}.get(name, str)(value)
    if name == "activities":
        known = tuple(Activity)
        if not isinstance(value, list) or not all(item in known for item in value):
            raise invalid(pointer, "choice", choices=", ".join(known))
        return frozenset(map(Activity, value))
    if name in _NUMBERS:
        if value is None and name == "number":
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(pointer, "type", expected="integer")
        return value
    if name == "active":
        if not isinstance(value, bool):
            raise invalid(pointer, "type", expected="boolean")
        return value
    if name == "since":
        return BEGINNING if value is None else _read(pointer, value, cells.day, "day")
    if name == "code":
        return _read(pointer, value, cells.code, "code")
    raise invalid(pointer, "unknown")


def _read(pointer: str, value: Any, read: cells.Reader, expected: str) -> Any:
    try:
        if isinstance(value, str):
            return read(value)
    except BadCell:
        pass
    raise invalid(pointer, "format", expected=expected)


def _roles(stored: Iterable[Duty], code: str) -> set[str]:
    return {str(duty.role) for duty in stored if duty.code == code}


def _put(
    connection: Connection,
    duty: Duty,
    before: Duty | None,
    judged: tuple[date, date] | None,
    actor: str,
    now: datetime,
    roles: Iterable[str] = (),
) -> None:
    rows.hold_people(connection)
    register.bump(connection)
    register.put_duty(connection, duty)
    # Those who owed it in another role until now, too.
    concerned = {person for role in {str(duty.role), *roles} for person in people.posted_as(connection, role)}
    mark_spans(connection, judged, ((person, duty.since, FOREVER) for person in concerned))
    detail = {"before": shown(before) if before else None, "after": shown(duty)}
    logbook.write(connection, now, [logbook.Line(actor, "saved", "duty", f"{duty.code} {duty.since}", detail)])
