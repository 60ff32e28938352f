"""`/duties`: the rules as data, in all their versions."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.duties import ChangedDutyOut, DutiesOut, DutiesQuery, DutyEndIn, DutyIn
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, takes, who
from server.api.changes import answer, changes, is_trial
from server.api.pagination import page
from server.domain import words
from server.domain.duties import Duty
from server.domain.places import BEGINNING
from server.services import duties

ns = Namespace("duties", path="/duties", description="Which role owes what, where and how often")
_COLUMNS = (
    "code", "since", "role", "activities", "target", "every", "fixed", "number", "day_off", "times", "min_photos",
    "active",
)  # fmt: skip
_BEGINNING = "beginning"
_WORDS = {
    "role": words.ROLES, "activities": words.ACTIVITIES, "target": words.TARGETS, "every": words.EVERY,
    "fixed": words.FIXED, "day_off": words.DAYS_OFF,
}  # fmt: skip


@ns.route("")
class Duties(View):
    @who(PERSON)
    @asks(DutiesQuery)
    @answers(200, DutiesOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists every version of every duty."""
        found = [d for d in duties.listed(auth.deployment()) if query.get("code") in (None, d.code)]
        if query["format"] != "json":
            rows = (_row(duty) for duty in found)
            return files.table(query["format"], "duties", _COLUMNS, rows, vocabularies=_WORDS)
        if "cursor" in query:
            found = [duty for duty in found if _key(duty) > _sortable(query["cursor"])]
        paged = page(found[: query["limit"] + 1], query["limit"], _shown_key)
        return {"items": [_out(duty) for duty in paged["items"]], "next": paged["next"]}

    @who(auth.ADMIN)
    @takes(DutyIn)
    @changes(ChangedDutyOut, 201)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Adds a version of a duty, from a day on."""
        return answer(duties.add(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)), 201)


@ns.route("/<code:duty>/end")
class End(View):
    @who(auth.ADMIN)
    @takes(DutyEndIn)
    @changes(ChangedDutyOut)
    def post(self, duty: str, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Ends a duty from a day on; what was owed before stays."""
        return answer(duties.finish(auth.deployment(), auth.caller(), duty, body, auth.now(), is_trial(query)))


def _out(duty: Duty) -> dict[str, Any]:
    found = {name: getattr(duty, name) for name in _COLUMNS}
    return found | {"since": _since(duty), "activities": sorted(duty.activities)}


def _row(duty: Duty) -> list[Any]:
    shown = duties.shown(duty)
    return [" ".join(shown[name]) if name == "activities" else shown[name] for name in _COLUMNS]


def _since(duty: Duty) -> Any:
    return None if duty.since == BEGINNING else duty.since


def _key(duty: Duty) -> tuple[str, str]:
    return (duty.code, duty.since.isoformat())


def _shown_key(duty: Duty) -> tuple[str, str]:
    return (duty.code, _BEGINNING if duty.since == BEGINNING else duty.since.isoformat())


def _sortable(cursor: tuple[str, str]) -> tuple[str, str]:
    return (cursor[0], BEGINNING.isoformat() if cursor[1] == _BEGINNING else cursor[1])
