"""`/days`: days off, worked and closed; and `/days/moves`: fixed days that fall on another day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask_restx import Namespace

from schemas.days import (
    ChangedDayMoveOut,
    ChangedDayOut,
    DayMarkIn,
    DayMoveIn,
    DayMovesOut,
    DayMovesQuery,
    DaysOut,
    DaysQuery,
)
from server.adapters.messages import text
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, takes, who
from server.api.changes import answer, changes, is_trial
from server.api.pagination import page
from server.domain.calendar import DayMark
from server.services import days
from server.services.changing import Changed
from server.services.days import Sought
from server.storage.days import Move

ns = Namespace("days", path="/days", description="Days off, worked and closed, and fixed days that fall on another day")
_MOVE = ("duty", "window", "place", "day", "reason", "by")


@ns.route("")
class Days(View):
    @who(auth.READER)
    @asks(DaysQuery)
    @answers(200, DaysOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists the marks that hold in one's area; the files have the columns that an import takes."""
        sought = Sought(query.get("from_"), query.get("to"), query.get("place"), query.get("kind"))
        found = days.listed(auth.deployment(), auth.caller(), sought, auth.now())
        if query["format"] != "json":
            rows = ({"date": mark.day, "kind": mark.kind.value, "place": mark.place or None} for mark in found)
            return files.for_import(query["format"], "days", rows)
        if "cursor" in query:
            found = [mark for mark in found if _key(mark) > query["cursor"]]
        paged = page(found[: query["limit"] + 1], query["limit"], _key)
        return {"items": [_out(mark) for mark in paged["items"]], "next": paged["next"]}

    @who(auth.ADMIN)
    @takes(DayMarkIn)
    @changes(ChangedDayOut)
    def put(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Marks a day, or takes its marks away."""
        changed = days.put(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query))
        shown = None if changed.result is None else [_out(mark) for mark in changed.result]
        return answer(replace(changed, result=shown))


@ns.route("/moves")
class Moves(View):
    @who(auth.READER)
    @asks(DayMovesQuery)
    @answers(200, DayMovesOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists the moved days that hold in one's area."""
        sought = Sought(query.get("from_"), query.get("to"), query.get("place"))
        found = days.moves(auth.deployment(), auth.caller(), sought, auth.now())
        if query["format"] != "json":
            rows = ([getattr(move, name) for name in _MOVE] for move in found)
            titles = {"by": text("column.moved_by", files.asked_language())}
            return files.table(query["format"], "moved-days", _MOVE, rows, titles=titles)
        if "cursor" in query:
            found = [move for move in found if _place_of(move) > query["cursor"]]
        return page(found[: query["limit"] + 1], query["limit"], _place_of)

    @who(auth.SUPERVISOR)
    @takes(DayMoveIn)
    @changes(ChangedDayMoveOut)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Has a duty's fixed day fall on another day of its week or month at a place and everywhere inside."""
        return answer(days.move(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)))


@ns.route("/moves/<code:duty>/<code:window>/<code:place>")
class OneMove(View):
    @who(PERSON)
    @changes(ChangedDayMoveOut)
    def delete(self, duty: str, window: str, place: str, query: dict[str, Any]) -> Any:
        """Has it fall on its own day again."""
        return answer(_unmoved(duty, window, place, is_trial(query)))


def _unmoved(duty: str, window: str, place: str, dry_run: bool) -> Changed:
    return days.unmove(auth.deployment(), auth.caller(), duty, window, place, auth.now(), dry_run)


def _out(mark: DayMark) -> dict[str, Any]:
    return {"day": mark.day, "kind": mark.kind, "place": mark.place or None}


def _key(mark: DayMark) -> tuple[str, str, str]:
    return (mark.day.isoformat(), mark.place, mark.kind.value)


def _place_of(move: Move) -> tuple[str, str, str, str]:
    return (move.day.isoformat(), move.duty, move.window, move.place)
