"""Duties as data: those we ship, and those a county adds, changes or ends from a day on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from server.domain import cells, problems
from server.domain.access import Caller
from server.domain.cells import BadCell
from server.domain.duties import SHIPPED, Activity, DayOff, Duty, Fixed, Target, ended, faults
from server.domain.periods import DAY
from server.domain.places import BEGINNING
from server.domain.postings import Role
from server.domain.problems import FieldError, Problem, invalid
from server.services.changing import Changed, Done, Ground, change
from server.services.deployment import Deployment
from server.services.imports_base import FOREVER, judged_span, mark_spans
from server.services.placing import touched
from server.storage import imports as rows
from server.storage import logbook, posted, register
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
        rows.hold_people(connection)
        for duty in missing:
            _put(connection, duty, (), judged_span(state), actor, now)
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
        rows.hold_people(connection)
        return _save(connection, given, judged_span(state), actor, now)


def _save(
    connection: Connection, given: Sequence[Duty], judged: tuple[date, date] | None, actor: str, now: datetime
) -> int:
    stored = register.duties(connection)
    by_key = {(duty.code, duty.since): duty for duty in stored}
    new = [duty for duty in given if by_key.get((duty.code, duty.since)) != duty]
    for duty in new:
        _put(connection, duty, stored, judged, actor, now)
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


def add(deployment: Deployment, caller: Caller, body: Mapping[str, Any], now: datetime, dry_run: bool) -> Changed:
    """A version of a duty from a day on; raises Problem: FORBIDDEN, INVALID for every member that does not fit."""
    return change(deployment, caller, "duty-version", body, apply_version, now, dry_run)


def finish(
    deployment: Deployment, caller: Caller, code: str, body: Mapping[str, Any], now: datetime, dry_run: bool
) -> Changed:
    """Ends a duty from a day on; raises Problem: FORBIDDEN, NOT_FOUND if there is none, CONFLICT if it had ended."""
    return change(deployment, caller, "duty-end", {**body, "code": code}, apply_end, now, dry_run)


def apply_version(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """A version that holds from the first window that begins on or after its day."""
    _require_whole(ground)
    duty = parse(body)
    wrong = [FieldError(f"/{field}", code) for field, code in faults(duty)]
    if wrong:
        raise Problem(problems.INVALID, errors=wrong)
    _save(connection, [duty], ground.context.judged, ground.caller.person, ground.context.now)
    return Done(duty)


def apply_end(connection: Connection, ground: Ground, body: Mapping[str, Any]) -> Done:
    """The version that ends it."""
    _require_whole(ground)
    since = date.fromisoformat(body["from"])
    versions = [duty for duty in register.duties(connection) if duty.code == body["code"]]
    if not versions:
        raise Problem(problems.NOT_FOUND)
    present = [duty for duty in versions if duty.since <= since]
    if not present or not present[-1].active:
        raise Problem(problems.CONFLICT)
    duty = ended(present[-1], since)
    _save(connection, [duty], ground.context.judged, ground.caller.person, ground.context.now)
    return Done(duty)


def _require_whole(ground: Ground) -> None:
    # A duty holds for everyone, wherever they are posted.
    if not ground.area.admin.whole:
        raise Problem(problems.FORBIDDEN)


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


def _put(
    connection: Connection,
    duty: Duty,
    stored: Sequence[Duty],
    judged: tuple[date, date] | None,
    actor: str,
    now: datetime,
) -> None:
    register.bump(connection)
    register.put_duty(connection, duty)
    others = [other for other in stored if other.code == duty.code]
    before = next((other for other in others if other.since == duty.since), None)
    # Those who owed it in another role until now, too; the next version holds from its own day on.
    roles = {str(duty.role), *(str(other.role) for other in others)}
    until = min((other.since - DAY for other in others if other.since > duty.since), default=FOREVER)
    spans = (span for posting in posted.in_roles(connection, roles) for span in touched(posting, duty.since, until))
    mark_spans(connection, judged, spans)
    detail = {"before": shown(before) if before else None, "after": shown(duty)}
    logbook.write(connection, now, [logbook.Line(actor, "saved", "duty", f"{duty.code} {duty.since}", detail)])
