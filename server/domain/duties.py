"""Duties: the rules as data. A new duty is a row, a changed one a new version from a day on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from server.domain.periods import Every, Window
from server.domain.places import BEGINNING
from server.domain.postings import Role


class Activity(StrEnum):
    VISIT = "visit"
    STUDY = "study"
    OFFICE = "office"
    OTHER = "other"


class Target(StrEnum):
    """Where a duty is owed, seen from the posting."""

    POSTING = "posting"  # the posting's own place
    CENTRAL_VILLAGE = "central-village"  # the central village of the posting's district
    EACH_VILLAGE = "each-village"  # every village inside the posting's place, one obligation each


class DayOff(StrEnum):
    """What a day off does to a duty (duties.md, Day-off policy)."""

    SKIP = "skip"
    SHIFT = "shift"
    KEEP = "keep"


class Fixed(StrEnum):
    """What kind of day a duty is fixed on."""

    ANY = "any"
    MONTH_DAY = "month-day"
    WEEKDAY = "weekday"
    OFFICE_WEEKDAY = "office-weekday"


@dataclass(frozen=True, slots=True)
class Duty:
    """Which role owes what, where and how often, from the first window that begins on or after `since`."""

    code: str
    role: str
    activities: frozenset[str]
    target: Target
    every: Every
    fixed: Fixed = Fixed.ANY
    number: int | None = None  # the day of the month, or the weekday from 1 Monday to 7 Sunday
    day_off: DayOff = DayOff.SKIP
    times: int = 1  # different days
    min_photos: int = 0
    since: date = BEGINNING
    active: bool = True  # a version that is not ends the duty


def faults(duty: Duty) -> list[tuple[str, str]]:
    """What makes no sense about a duty, as (field, code) pairs; empty when it can be saved."""
    found: list[tuple[str, str]] = []
    if duty.fixed is Fixed.ANY and duty.day_off is DayOff.SHIFT:
        found.append(("day_off", "shift-any-day"))
    if duty.fixed is not Fixed.ANY and duty.times > 1:
        found.append(("times", "times-fixed-day"))
    if duty.fixed is Fixed.MONTH_DAY and duty.every != "month":
        found.append(("every", "month-day-every-month"))
    if duty.fixed in (Fixed.WEEKDAY, Fixed.OFFICE_WEEKDAY) and duty.every != "week":
        found.append(("every", "weekday-every-week"))
    if duty.fixed is Fixed.OFFICE_WEEKDAY and duty.role != Role.DISTRICT_SECRETARY:
        found.append(("role", "office-weekday-role"))
    limit = {Fixed.MONTH_DAY: 31, Fixed.WEEKDAY: 7}.get(duty.fixed)
    if limit is None and duty.number is not None:
        found.append(("number", "number-without-fixed-day"))
    if limit is not None and (duty.number is None or not 1 <= duty.number <= limit):
        found.append(("number", "number-range"))
    if not duty.activities:
        found.append(("activities", "activities-empty"))
    if not 1 <= duty.times <= 31:
        found.append(("times", "times-range"))
    if not 0 <= duty.min_photos <= 20:
        found.append(("min_photos", "min-photos-range"))
    return found


class DutyBook:
    """All versions of all duties; each window is judged by one version of each."""

    def __init__(self, versions: Iterable[Duty]) -> None:
        self.versions = sorted(versions, key=lambda d: (d.code, d.since))
        self._in_force: dict[Window, dict[str, list[Duty]]] = {}

    def owed_in(self, window: Window, role: str) -> list[Duty]:
        """The duties of a role that are judged by this window, in order of code."""
        by_role = self._in_force.get(window)
        if by_role is None:
            latest: dict[str, Duty] = {}
            for duty in self.versions:
                if duty.since <= window.first:
                    latest[duty.code] = duty
            by_role = {}
            for duty in latest.values():
                if duty.active and duty.every == window.every:
                    by_role.setdefault(duty.role, []).append(duty)
            self._in_force[window] = by_role
        return by_role.get(role, [])


SHIPPED: tuple[Duty, ...] = (
    Duty(
        code="envoy-weekly-visit",
        role=Role.ENVOY,
        activities=frozenset({Activity.VISIT, Activity.STUDY}),
        target=Target.POSTING,
        every="week",
    ),
    Duty(
        code="envoy-study-day",
        role=Role.ENVOY,
        activities=frozenset({Activity.STUDY}),
        target=Target.POSTING,
        every="month",
        fixed=Fixed.MONTH_DAY,
        number=15,
        day_off=DayOff.KEEP,
    ),
    Duty(
        code="secretary-office-day",
        role=Role.DISTRICT_SECRETARY,
        activities=frozenset({Activity.OFFICE}),
        target=Target.CENTRAL_VILLAGE,
        every="week",
        fixed=Fixed.OFFICE_WEEKDAY,
        day_off=DayOff.SHIFT,
    ),
    Duty(
        code="secretary-monthly-round",
        role=Role.DISTRICT_SECRETARY,
        activities=frozenset({Activity.VISIT, Activity.OFFICE, Activity.STUDY}),
        target=Target.EACH_VILLAGE,
        every="month",
    ),
    Duty(
        code="leader-monthly-day",
        role=Role.PAIRED_LEADER,
        activities=frozenset({Activity.OFFICE, Activity.VISIT}),
        target=Target.POSTING,
        every="month",
    ),
)


def ended(duty: Duty, since: date) -> Duty:
    """The version that ends a duty from the first window that begins on or after the day."""
    return replace(duty, since=since, active=False)
