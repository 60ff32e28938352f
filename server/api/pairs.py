"""`/pairs`: who checks in together again and again."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_restx import Namespace

from schemas.pairs import PairsOut, PairsQuery
from server.adapters.messages import text
from server.api.auth import REVIEWER, caller, deployment, now
from server.api.bridge import View, answers, asks, who
from server.api.errors import language
from server.api.pagination import page
from server.domain.pairs import Meeting
from server.domain.places import Tree
from server.services import pairing, record
from server.services.pairing import Together

ns = Namespace("pairs", path="/pairs", description="Who checks in together again and again")
_SHOWN = 20


@ns.route("")
class PairsView(View):
    @who(REVIEWER)
    @asks(PairsQuery)
    @answers(200, PairsOut)
    def get(self, query: dict[str, Any]) -> Any:
        """Two people who check in at one time and place again and again: for reviewers' eyes, never a verdict."""
        report = pairing.report(deployment(), caller(), now(), query.get("from_"), query.get("to"), query.get("place"))
        found = report.found
        if "cursor" in query:
            times, *codes = query["cursor"]
            found = [one for one in found if one.order > (-int(times), *codes)]
        paged = page(found[: query["limit"] + 1], query["limit"], _key)
        record.note_report(deployment(), caller(), "pairs", request.args, len(paged["items"]), now())
        return {
            "first": report.first,
            "last": report.last,
            "within_s": report.limits.seconds,
            "within_m": report.limits.metres,
            "complete": report.complete,
            "note": text("pairs.note", language()),
            "items": [_pair_out(one, report.tree) for one in paged["items"]],
            "next": paged["next"],
        }


def _key(one: Together) -> tuple[str, ...]:
    return (str(len(one.meetings)), one.members[0].person, one.members[1].person)


def _pair_out(one: Together, tree: Tree) -> dict[str, Any]:
    return {
        "people": [
            {
                "person": member.person,
                "person_name": member.name,
                "township": member.township,
                "township_name": member.township_name,
            }
            for member in one.members
        ],
        "times": len(one.meetings),
        "meetings": [_meeting_out(meeting, tree) for meeting in one.meetings[-_SHOWN:]],
    }


def _meeting_out(meeting: Meeting, tree: Tree) -> dict[str, Any]:
    where = meeting.one
    township = tree.township_of(where.place, where.day)
    return {
        "visits": [meeting.one.visit, meeting.other.visit],
        "place": where.place,
        "place_name": tree[where.place].name,
        "township": township.code if township else None,
        "township_name": township.name if township else None,
        "day": where.day,
        "at": where.occurred_at.astimezone(deployment().zone),
        "apart_s": round(meeting.apart_s, 1),
        "apart_m": round(meeting.apart_m, 1),
    }
