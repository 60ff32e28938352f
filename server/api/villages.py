"""`/villages`: those nobody has been to for longest."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_restx import Namespace

from schemas.attendance import VillagesOut, VillagesQuery
from server.api import files
from server.api.auth import READER, caller, deployment, now
from server.api.bridge import View, answers, asks, or_a_file, who
from server.api.pagination import page
from server.services import villages
from server.services.villages import Village

ns = Namespace("villages", path="/villages", description="Villages and their last visit")
_COLUMNS = ("code", "name", "township", "township_name", "last_visit", "days", "has_envoy")
_NEVER = "never"


@ns.route("")
class VillagesView(View):
    @who(READER)
    @asks(VillagesQuery)
    @answers(200, VillagesOut)
    @or_a_file(files.CSV, files.XLSX, files.GEOJSON)
    def get(self, query: dict[str, Any]) -> Any:
        """Villages of one's area with the day of their last confirmed visit, longest unvisited first."""
        found = villages.villages(deployment(), caller(), now(), query.get("unvisited_since"))
        if query["format"] == "geojson":
            return files.points("villages", ((v.point, _plain(v)) for v in found))
        if query["format"] != "json":
            return files.table(
                query["format"], "villages", _COLUMNS, ([getattr(v, name) for name in _COLUMNS] for v in found)
            )
        if "cursor" in query:
            day, code = query["cursor"]
            after = (date.min if day == _NEVER else date.fromisoformat(day), code)
            found = [village for village in found if village.order > after]
        return page(found[: query["limit"] + 1], query["limit"], _key)


def _key(village: Village) -> tuple[str, ...]:
    return (village.last_visit.isoformat() if village.last_visit else _NEVER, village.code)


def _plain(village: Village) -> dict[str, Any]:
    row = {name: getattr(village, name) for name in _COLUMNS}
    return row | {"last_visit": village.last_visit.isoformat() if village.last_visit else None}
