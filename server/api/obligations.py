"""`/obligations`: what is owed, by whom, and what became of it."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.obligations import ObligationsOut, ObligationsQuery
from server.api import files
from server.api.auth import caller, deployment, now
from server.api.bridge import PERSON, View, answers, asks, or_a_file, who
from server.api.pagination import page
from server.domain import words
from server.services import reports
from server.services.reports import Listed, Query

ns = Namespace("obligations", path="/obligations", description="What is owed, and what became of it")


@ns.route("")
class ObligationsView(View):
    @who(PERSON)
    @asks(ObligationsQuery)
    @answers(200, ObligationsOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Obligations of one's own and inside one's area; as a file with the columns of `daocun attendance`."""
        sought = Query(
            query.get("from_"),
            query.get("to"),
            query.get("place"),
            query.get("person"),
            query.get("duty"),
            query.get("status"),
        )
        if query["format"] != "json":
            rows = reports.rows_for(deployment(), caller(), sought, now())
            # The same bytes as the command's, which hold nothing but codes.
            vocabularies = {"status": words.STATUSES, "reason": words.REASONS}
            form = query["format"]
            return files.table(form, "attendance", reports.COLUMNS, rows, vocabularies=vocabularies, guarded=False)
        cursor = query.get("cursor")
        after = (*cursor[:4], int(cursor[4])) if cursor else None
        found = reports.obligations(deployment(), caller(), sought, now(), after, query["limit"] + 1)
        paged = page(found, query["limit"], _key)
        return {"items": [obligation_out(listed) for listed in paged["items"]], "next": paged["next"]}


def obligation_out(listed: Listed) -> dict[str, Any]:
    """An obligation as the schema `ObligationOut` writes it."""
    owed, said, excuse, zone = listed.obligation, listed.explanation, listed.excuse, deployment().zone
    return {
        "duty": owed.duty,
        "person": owed.person,
        "person_name": listed.person_name,
        "place": owed.place,
        "place_name": listed.place_name,
        "township": listed.township,
        "township_name": listed.township_name,
        "window": owed.window,
        "opens_on": owed.opens_on,
        "due_on": owed.due_on,
        "status": listed.status,
        "reason": owed.reason,
        "needed": owed.needed,
        "done": owed.done,
        "visits": owed.visits,
        "awaited": owed.awaited,
        "explanation": said and {"text": said.text, "at": said.at.astimezone(zone)},
        "excuse": excuse
        and {"id": excuse.id, "reason": excuse.reason, "by": excuse.by, "at": excuse.at.astimezone(zone)},
    }


def _key(listed: Listed) -> tuple[str, ...]:
    owed = listed.obligation
    return (owed.duty, owed.person, owed.place, owed.window, str(owed.turn))
