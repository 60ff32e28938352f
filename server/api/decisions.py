"""Decisions of reviewers on visits, and appeals of their persons."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import request
from flask_restx import Namespace

from schemas.changes import DryRunQuery
from schemas.deciding import DecidedOut, DecisionsIn, DecisionsOut
from schemas.decisions import AppealIn, DecisionIn
from schemas.visits import VisitOut
from server.api import reading, visits
from server.api.auth import REVIEWER, caller, deployment, now
from server.api.bridge import PERSON, View, answers, asks, refuses, takes, who
from server.api.changes import compared_out, is_trial
from server.api.errors import body_of, language
from server.api.visits import etag, shown
from server.domain import problems
from server.domain.problems import Problem
from server.services import deciding, record
from server.services.deciding import Said

ns = Namespace("decisions", path="/decisions", description="What people decide on visits")


@visits.ns.route("/<uuid:visit>/decisions")
class DecisionsView(View):
    @who(PERSON)
    @asks(DryRunQuery)
    @takes(DecisionIn)
    @answers(200, DecidedOut)
    @refuses(
        problems.OWN_VISIT, problems.OWN_ENTRY, problems.OWN_DECISION, problems.ALREADY_DECIDED, problems.STALE,
        problems.NO_POSITION_TO_TAKE, problems.NEEDS_SECOND_PERSON,
    )  # fmt: skip
    def post(self, visit: str, query: dict[str, Any], body: dict[str, Any]) -> Any:
        """Confirm, reject or return; over another's decision only with `If-Match` of the visit's `ETag`."""
        trial, said = is_trial(query), _said(body, reading.if_match(request))
        answer, compared = deciding.compare(deployment(), caller(), visit, said, now(), trial)
        if trial:  # it shows the whole visit, and leaves no other line in the log
            record.note_seen(deployment(), caller(), answer.visit, now())
        told = {**shown(answer), "dry_run": trial, "changed": compared_out(compared)}
        return told, 200, {} if trial else etag(answer)


@ns.route("")
class ManyView(View):
    @who(REVIEWER)
    @takes(DecisionsIn)
    @answers(200, DecisionsOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Several decisions at once, each with its own answer; one that fails keeps no other from being made."""
        return {"items": [_one(item) for item in body["items"]]}


@visits.ns.route("/<uuid:visit>/appeal")
class AppealView(View):
    @who(PERSON)
    @takes(AppealIn)
    @answers(200, VisitOut)
    @refuses(problems.ALREADY_APPEALED, problems.NOT_REJECTED, problems.APPEAL_TOO_LATE)
    def post(self, visit: str, body: dict[str, Any]) -> Any:
        """Appeal against a rejection of one's own visit, once; somebody else decides."""
        answer = deciding.appeal(deployment(), caller(), visit, body["reason"], now())
        return shown(answer), 200, etag(answer)


def _said(body: dict[str, Any], if_match: Collection[int] | None) -> Said:
    return Said(body["decision"], body["reason"], body["take_position"], if_match)


def _one(item: dict[str, Any]) -> dict[str, Any]:
    try:
        seen = None if item["if_match"] is None else [item["if_match"]]
        answer = deciding.decide(deployment(), caller(), item["visit"], _said(item, seen), now())
    except Problem as problem:
        return {"id": item["visit"], "status": problem.kind.status, "problem": body_of(problem, language())}
    return {"id": item["visit"], "status": 200, "visit": shown(answer)}
