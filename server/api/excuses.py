"""`/obligations/explanations` and `/obligations/excuses`: what was owed and not done."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.excuses import ChangedExcuseOut, EndIn, ExcuseIn, ExplanationIn, ExplanationOut
from server.api import auth
from server.api.bridge import PERSON, View, answers, refuses, takes, who
from server.api.changes import answer, changes, is_trial
from server.domain import problems
from server.services import excuses

ns = Namespace("excuses", path="/obligations", description="What was owed and not done")


@ns.route("/explanations")
class Explanations(View):
    @who(PERSON)
    @takes(ExplanationIn)
    @answers(200, ExplanationOut)
    @refuses(problems.OBLIGATION_NOT_OPEN)
    def post(self, body: dict[str, Any]) -> Any:
        """Say something of an obligation of one's own that is due or missed; the last word counts."""
        return excuses.explain(auth.deployment(), auth.caller(), body, auth.now())


@ns.route("/excuses")
class Excuses(View):
    @who(auth.SUPERVISOR)
    @takes(ExcuseIn)
    @changes(ChangedExcuseOut, 201)
    @refuses(problems.OWN_EXCUSE, problems.OBLIGATION_NOT_OPEN, problems.ALREADY_EXCUSED, problems.EXCUSE_CAP)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Excuse somebody from one obligation."""
        return answer(excuses.excuse(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)), 201)


@ns.route("/excuses/<int(max=2147483647):excuse>/end")
class ExcuseEnd(View):
    @who(auth.SUPERVISOR)
    @takes(EndIn)
    @changes(ChangedExcuseOut)
    @refuses(problems.OWN_EXCUSE)
    def post(self, excuse: int, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Take an excuse back."""
        return answer(excuses.take_back(auth.deployment(), auth.caller(), excuse, body, auth.now(), is_trial(query)))
