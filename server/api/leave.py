"""`/leave`: asked for by the person, decided on by their office."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from flask_restx import Namespace

from schemas.leave import ChangedLeaveOut, LeaveDecisionIn, LeaveIn, LeaveQuery, LeavesOut
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, refuses, takes, who
from server.api.changes import answer, changes, is_trial
from server.api.pagination import every, page
from server.domain import imports, problems
from server.services import leaves
from server.services.changing import Changed
from server.services.leaves import Named

ns = Namespace("leave", path="/leave", description="Leave, meetings and training")


@ns.route("")
class Leaves(View):
    @who(PERSON)
    @asks(LeaveQuery)
    @answers(200, LeavesOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists leave of one's own and of those posted in one's area, latest first.

        The files have the columns that an import takes, and approved leave unless another `status` is asked for.
        """
        after = (date.fromisoformat(query["cursor"][0]), query["cursor"][1]) if "cursor" in query else None
        sought = {name: query[name] for name in ("person", "status") if name in query}
        deployment, caller, now = auth.deployment(), auth.caller(), auth.now()

        def ask(after: tuple[date, str] | None, limit: int) -> list[Named]:
            return leaves.page(deployment, caller, now, after=after, limit=limit, **sought)

        if query["format"] != "json":
            sought.setdefault("status", "approved")
            rows = every(ask, None, lambda named: (named.entry.start, named.entry.id))
            names = imports.columns("leave")
            return files.for_import(
                query["format"], "leave", ({n: getattr(row.entry, n) for n in names} for row in rows)
            )
        found = ask(after, query["limit"] + 1)
        paged = page(found, query["limit"], lambda named: (named.entry.start.isoformat(), named.entry.id))
        return {"items": [leave_out(named) for named in paged["items"]], "next": paged["next"]}

    @who(PERSON)
    @takes(LeaveIn)
    @changes(ChangedLeaveOut, 201)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Asks for leave of one's own, or enters another's as approved."""
        if body.get("person", auth.caller().person) == auth.caller().person:
            return _answer(leaves.ask(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)), 201)
        return _answer(leaves.enter(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)), 201)


@ns.route("/<code:leave>")
class OneLeave(View):
    @who(PERSON)
    @answers(204)
    @refuses(problems.CONFLICT)
    def delete(self, leave: str) -> Any:
        """Takes back what one has asked for, as long as nobody has decided on it."""
        leaves.withdraw(auth.deployment(), auth.caller(), leave, auth.now())


@ns.route("/<code:leave>/decisions")
class LeaveDecisions(View):
    @who(PERSON)
    @takes(LeaveDecisionIn)
    @changes(ChangedLeaveOut)
    def post(self, leave: str, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Approves or refuses leave that waits, or cancels approved leave."""
        return _answer(leaves.decide(auth.deployment(), auth.caller(), leave, body, auth.now(), is_trial(query)))


def _answer(changed: Changed, status: int = 200) -> Any:
    return answer(replace(changed, result=leave_out(changed.result) if changed.result else None), status)


def leave_out(named: Named) -> dict[str, Any]:
    """Leave as the schema `LeaveOut` writes it."""
    entry = named.entry
    return {name: getattr(entry, name) for name in type(entry).__slots__} | {"person_name": named.person_name}
