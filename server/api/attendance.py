"""`/attendance`: how many obligations were met, by place, duty, person, week or month."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.attendance import AttendanceOut, AttendanceQuery
from server.api import files
from server.api.auth import caller, deployment, now
from server.api.bridge import PERSON, View, answers, asks, or_a_file, refuses, who
from server.api.pagination import page
from server.domain import problems
from server.domain.engine import Status
from server.services import reports
from server.services.reports import By, Counted

ns = Namespace("attendance", path="/attendance", description="How many obligations were met")
_COLUMNS = ("code", "name", "township", "township_name", "total", *(s.value for s in Status))


@ns.route("")
class AttendanceView(View):
    @who(PERSON)
    @asks(AttendanceQuery)
    @answers(200, AttendanceOut)
    @or_a_file(files.CSV, files.XLSX)
    @refuses(problems.FORBIDDEN)
    def get(self, query: dict[str, Any]) -> Any:
        """Counts and rates of one's area, by place one level below; without a grant, of what one owes oneself."""
        by = By(query["by"]) if "by" in query else None
        found = reports.counts(
            deployment(), caller(), now(), query.get("from_"), query.get("to"), query.get("place"), by
        )
        if query["format"] != "json":
            return _file(query["format"], [_out(counted) for counted in found])
        if "cursor" in query:
            found = [counted for counted in found if counted.code > query["cursor"][0]]
        return page([_out(c) for c in found[: query["limit"] + 1]], query["limit"], lambda row: (row["code"],))


def _out(counted: Counted) -> dict[str, Any]:
    return {
        "code": counted.code,
        "name": counted.name,
        "township": counted.township,
        "township_name": counted.township_name,
        "total": counted.total,
        **{status.value: number for status, number in counted.by_status.items()},
        "reasons": {reason.value: number for reason, number in counted.by_reason.items()},
        "rate": counted.rate,
    }


def _file(form: str, rows: list[dict[str, Any]]) -> Any:
    reasons = list(rows[0]["reasons"]) if rows else []
    columns = [*_COLUMNS, *reasons, "rate"]
    return files.table(
        form,
        "counts",
        columns,
        ([row["reasons"][name] if name in reasons else row[name] for name in columns] for row in rows),
    )
