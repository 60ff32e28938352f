"""`/tokens` and `/activations`: signing in and out."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.tokens import ActivationIn, TokenIn, TokenOut
from server.api import auth
from server.api.bridge import ANONYMOUS, PERSON, View, answers, refuses, takes, who
from server.domain import problems
from server.services import signing_in

tokens = Namespace("tokens", path="/tokens", description="Signing in and out")
activations = Namespace("activations", path="/activations", description="First sign-in by a one-time code")


@tokens.route("")
class Tokens(View):
    @who(ANONYMOUS)
    @takes(TokenIn)
    @answers(201, TokenOut)
    @refuses(problems.SIGN_IN_FAILED)
    def post(self, body: dict[str, Any]) -> Any:
        """Signs in. A phone that was signed in before sends its old token along, and is not held back for others."""
        return signing_in.sign_in(
            auth.deployment(), body["phone"], body["password"], auth.address(), auth.now(), auth.bearer()
        )


@tokens.route("/current")
class CurrentToken(View):
    @who(PERSON)
    @answers(204)
    def delete(self) -> Any:
        """Signs out."""
        signing_in.sign_out(auth.deployment(), auth.bearer() or "", auth.now())


@activations.route("")
class Activations(View):
    @who(ANONYMOUS)
    @takes(ActivationIn)
    @answers(201, TokenOut)
    @refuses(problems.ACTIVATION_FAILED)
    def post(self, body: dict[str, Any]) -> Any:
        """Sets a password by a one-time code, ends all earlier sessions, and signs in."""
        return signing_in.activate(
            auth.deployment(), body["phone"], body["code"], body["password"], auth.address(), auth.now()
        )
