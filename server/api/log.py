"""`/log`: who did what to what and when, for auditors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask_restx import Namespace

from schemas.log import LogOut, LogQuery
from server.adapters import messages
from server.api import files
from server.api.auth import AUDITOR, caller, deployment, now
from server.api.bridge import View, answers, asks, or_a_file, who
from server.api.pagination import page
from server.domain.periods import midnight
from server.domain.problems import invalid
from server.services import log_reading
from server.services.log_reading import Shown
from server.storage.logbook import Sought

ns = Namespace("log", path="/log", description="Who did what to what and when")
_COLUMNS = (
    "number", "hash", "at", "actor", "actor_name", "verb", "kind", "subject", "place", "place_name", "township_name",
    "about", "about_name", "detail", "personal",
)  # fmt: skip


@ns.route("")
class LogView(View):
    @who(AUDITOR)
    @asks(LogQuery)
    @answers(200, LogOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lines of the log inside the areas one audits, latest first."""
        if "from_" in query and "to" in query and query["from_"] > query["to"]:
            raise invalid("/to", "order")
        zone = deployment().zone
        sought = Sought(
            since=midnight(query["from_"], zone) if "from_" in query else None,
            until=midnight(query["to"] + timedelta(days=1), zone) if "to" in query else None,
            before=int(query["cursor"][0]) if "cursor" in query else None,
            **{name: query[name] for name in ("actor", "verb", "kind", "subject") if name in query},
        )
        if query["format"] != "json":
            lines = log_reading.every(deployment(), caller(), sought, now())
            titles = {name: messages.text(f"log-column.{name}", files.asked_language()) for name in _COLUMNS}
            return files.table(query["format"], "log", _COLUMNS, (_row(_line(shown)) for shown in lines), titles=titles)
        found = log_reading.page(deployment(), caller(), sought, query["limit"], now())
        paged = page(found, query["limit"], lambda shown: (str(shown.line.id),))
        return {"items": [_line(shown) for shown in paged["items"]], "next": paged["next"]}


def _line(shown: Shown) -> dict[str, Any]:
    line, place, township = shown.line, shown.place, shown.township
    return {
        "id": line.id,
        "number": line.number,
        "hash": line.hash.hex() if line.hash else None,
        "at": line.at.astimezone(deployment().zone),
        "actor": line.actor,
        "actor_name": shown.actor_name,
        "verb": line.verb,
        "kind": line.kind,
        "subject": line.subject,
        "place": place.code if place else None,
        "place_name": place.name if place else None,
        "township": township.code if township else None,
        "township_name": township.name if township else None,
        "about": line.about,
        "about_name": shown.about_name,
        "detail": line.detail,
        "personal": shown.personal,
        "erased": shown.erased,
    }


def _row(line: Mapping[str, Any]) -> list[Any]:
    return [_cell(line[name]) for name in _COLUMNS]


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return value
