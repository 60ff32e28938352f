"""Takes a file of rows in: all of it or nothing. What follows from it is worked out again after the commit.

Reading, checking and deciding is done by one module a kind; each answers a plan, and only here anything is written.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.adapters import datum
from server.domain import problems
from server.domain.imports import ImportRefused, Kind, Parsed
from server.domain.periods import local_day
from server.domain.problems import Problem
from server.services import judging, visits
from server.services.deployment import Deployment
from server.services.imports_base import Context, Overtaken, Plan, Remark, judged_span
from server.services.imports_people import plan_leave, plan_people, plan_postings
from server.services.imports_places import plan as plan_places
from server.services.imports_records import plan_days, plan_visits
from server.services.judging import Progress, no_progress
from server.storage import imports as rows
from server.storage import logbook, register
from server.storage.database import Connection

TRIES = 8  # an import that a person's decision overtook is planned anew
_PLANS: Mapping[Kind, Callable[[Connection, Context, Parsed[Any]], Plan]] = {
    "places": plan_places,
    "people": plan_people,
    "postings": plan_postings,
    "leave": plan_leave,
    "days": plan_days,
    "visits": plan_visits,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did or, for a dry run, would do: how many rows, which log lines, what to tell the person."""

    created: int
    updated: int
    removed: int
    unchanged: int
    lines: list[logbook.Line]
    remarks: list[Remark]


def import_rows(
    deployment: Deployment,
    kind: Kind,
    parsed: Parsed[Any],
    *,
    since: date | None = None,
    crs: str = datum.WGS84,
    actor: str,
    now: datetime,
    dry_run: bool = False,
) -> Outcome:
    """Takes the rows of a file in, in one transaction; the same rows again change nothing.

    What rows of places say holds from `since` on, today if none is given; positions are in the datum `crs`. Raises
    ImportRefused with every bad cell, and stores nothing then.
    """
    today = local_day(now, deployment.zone)

    def decide(connection: Connection, lock: bool) -> Plan:
        # One import at a time: the register's row is held from before the facts are read.
        state = register.state(connection, lock=lock)
        context = Context(deployment, actor, now, today, since or today, crs, judged_span(state))
        return _planned(connection, kind, context, parsed)

    if dry_run:
        with deployment.database.read() as connection:
            return _outcome(decide(connection, lock=False))
    for _ in range(TRIES):
        with contextlib.suppress(Overtaken), deployment.database.write() as connection:
            plan = decide(connection, lock=True)
            if plan.lines:
                plan.store(connection)
                rows.hold_people(connection)
                plan.follow(connection)
                rows.log(connection, now, plan.lines)
            return _outcome(plan)
    raise Problem(problems.UNAVAILABLE, retry_after=1)


def _outcome(plan: Plan) -> Outcome:
    return Outcome(plan.created, plan.updated, plan.removed, plan.unchanged, plan.lines, plan.remarks)


def _planned(connection: Connection, kind: Kind, context: Context, parsed: Parsed[Any]) -> Plan:
    """What is to be done; raises ImportRefused with all that is wrong, in the rows and with the register."""
    try:
        plan = _PLANS[kind](connection, context, parsed)
    except ImportRefused as refused:
        # What a row was to bring that could not be read is no fault of the rows that name it.
        own = [cell for cell in refused.cells if cell.params.get("value") not in parsed.unread]
        raise ImportRefused([*parsed.errors, *own]) from None
    if parsed.errors:
        raise ImportRefused(parsed.errors)
    return plan


def work_off(deployment: Deployment, now: datetime, progress: Progress = no_progress) -> None:
    """Works out again what an import has marked: first findings, on which verdicts rest, then verdicts."""
    while visits.work_off(deployment, now):
        pass
    judging.work_off(deployment, progress)


def change_rows(outcome: Outcome) -> list[tuple[str, str, str, str, str]]:
    """What an import changed, as rows of text: what was done, to what kind of thing, which one, before, after."""
    return [(line.verb, line.kind, line.subject, _told(line, "before"), _told(line, "after")) for line in outcome.lines]


def _told(line: logbook.Line, when: str) -> str:
    values = line.detail.get(when)
    return "" if values is None else json.dumps({**values, **line.personal.get(when, {})}, ensure_ascii=False)
