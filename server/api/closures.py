"""`/closures`: months that are closed, and what has become of them since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_restx import Namespace

from schemas.closures import (
    ClosureIn,
    ClosureOut,
    ClosuresOut,
    ClosuresQuery,
    DifferencesOut,
    DifferencesQuery,
    ReopeningIn,
)
from server.api import files
from server.api.auth import READER, SUPERVISOR, caller, deployment, now
from server.api.bridge import View, answers, asks, or_a_file, refuses, takes, who
from server.api.pagination import page
from server.domain import problems, words
from server.services import closures
from server.services.closures import Difference, Shown
from server.storage.closures import Line

ns = Namespace("closures", path="/closures", description="Closed months")
_COLUMNS = ("id", "month", "place", "place_name", "township", "township_name", "rows", "by", "by_name", "at",
            "reopened_by", "reopened_by_name", "reopened_at", "reason")  # fmt: skip
_DIFFERENCE = ("duty", "person", "person_name", "place", "place_name", "window", "printed_due_on", "printed_status",
               "printed_reason", "due_on", "status", "reason")  # fmt: skip
_WORDS = {"printed_status": words.STATUSES, "status": words.STATUSES, "printed_reason": words.REASONS,
          "reason": words.REASONS}  # fmt: skip


@ns.route("")
class ClosuresView(View):
    @who(READER)
    @asks(ClosuresQuery)
    @answers(200, ClosuresOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Months closed in one's area, latest first, also those reopened since."""
        sought = (query.get("month"), query.get("place"))
        if query["format"] != "json":
            found = map(_out, closures.listed(deployment(), caller(), now(), *sought))
            return files.table(
                query["format"], "closures", _COLUMNS, ([row[name] for name in _COLUMNS] for row in found)
            )
        after = int(query["cursor"][0]) if "cursor" in query else None
        shown = closures.listed(deployment(), caller(), now(), *sought, after, query["limit"] + 1)
        return page([_out(one) for one in shown], query["limit"], lambda row: (str(row["id"]),))

    @who(SUPERVISOR)
    @takes(ClosureIn)
    @answers(201, ClosureOut)
    @refuses(problems.MONTH_NOT_OVER, problems.ALREADY_CLOSED, problems.NEEDS_SECOND_PERSON)
    def post(self, body: dict[str, Any]) -> Any:
        """Closes a month of a place: reports print it as it is now, whatever becomes of the facts."""
        return _out(closures.close(deployment(), caller(), body["place"], body["month"], now()))


@ns.route("/<int(max=2147483647):closure>/reopen")
class ReopeningView(View):
    @who(READER)
    @takes(ReopeningIn)
    @answers(200, ClosureOut)
    @refuses(problems.NOT_CLOSED, problems.CLOSED_AROUND, problems.NEEDS_SECOND_PERSON)
    def post(self, closure: int, body: dict[str, Any]) -> Any:
        """Opens a closed month again, with a reason."""
        return _out(closures.reopen(deployment(), caller(), closure, body["reason"], now()))


@ns.route("/<int(max=2147483647):closure>/differences")
class DifferencesView(View):
    @who(READER)
    @asks(DifferencesQuery)
    @answers(200, DifferencesOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, closure: int, query: dict[str, Any]) -> Any:
        """What is owed and done in a closed month as the facts are now, where it is not as it is printed."""
        found = closures.differences(deployment(), caller(), closure, now())
        if query["format"] != "json":
            rows = map(_row, closures.with_names(deployment(), found))
            return files.table(query["format"], "differences", _DIFFERENCE, rows, vocabularies=_WORDS)
        if "cursor" in query:
            duty, person, place, window, turn = query["cursor"]
            after = (duty, person, place, window, f"{int(turn):04d}")
            found = [difference for difference in found if difference.order > after]
        paged = page(found[: query["limit"] + 1], query["limit"], lambda one: one.order)
        named = closures.with_names(deployment(), paged["items"])
        return {"items": [_difference(*one) for one in named], "next": paged["next"]}


def _out(shown: Shown) -> dict[str, Any]:
    one, zone = shown.closure, deployment().zone
    return {
        "id": one.id,
        "place": one.place,
        "place_name": shown.place.name,
        "township": shown.place.township,
        "township_name": shown.place.township_name,
        "month": one.month,
        "by": one.by,
        "by_name": shown.by_name,
        "at": one.at.astimezone(zone),
        "rows": one.rows,
        "reopened_by": one.reopened_by,
        "reopened_by_name": shown.reopened_by_name,
        "reopened_at": one.reopened_at.astimezone(zone) if one.reopened_at else None,
        "reason": one.reason,
    }


def _difference(one: Difference, person_name: str, place_name: str) -> dict[str, Any]:
    person, window, duty, place, _ = one.key
    return {
        "duty": duty,
        "person": person,
        "person_name": person_name,
        "place": place,
        "place_name": place_name,
        "window": window,
        "printed": _line(one.printed),
        "now": _line(one.now),
    }


def _line(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {"opens_on": line.opens_on, "due_on": line.due_on, "status": line.status, "reason": line.reason}


def _row(named: tuple[Difference, str, str]) -> list[Any]:
    row = _difference(*named)
    printed: Mapping[str, Any] = row["printed"] or {}
    now_said: Mapping[str, Any] = row["now"] or {}
    cells = [printed.get(name) for name in ("due_on", "status", "reason")]
    return [*(row[name] for name in _DIFFERENCE[:6]), *cells, *(now_said.get(n) for n in _DIFFERENCE[9:])]
