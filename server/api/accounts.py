"""`/accounts`: for the administrators of an area."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.accounts import (
    AccountIn,
    AccountOut,
    AccountsOut,
    AccountsQuery,
    ActivationOut,
    GrantIn,
    GrantOut,
    GrantsOut,
)
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, refuses, takes, who
from server.api.pagination import page
from server.domain import problems, words
from server.domain.access import Grant
from server.domain.cells import Cell
from server.services import accounts
from server.services.accounts import AccountView

ns = Namespace("accounts", path="/accounts", description="Accounts and grants")

_COLUMNS = ("person", "name", "phone", "unit", "state", "created_at", "sessions", "code_expires_at", "grants")

# What a caller may do with one account depends on where its person belongs, so the services decide it; what
# lies outside their area is not found, with or without a grant.


@ns.route("")
class Accounts(View):
    @who(auth.ADMIN)
    @asks(AccountsQuery)
    @answers(200, AccountsOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists the accounts the caller administers."""
        if query["format"] != "json":
            every_one = accounts.every_one(
                auth.deployment(), auth.caller(), auth.now(), query.get("place"), query.get("person")
            )
            vocabularies = {"state": words.ACCOUNT_STATES}
            cells = map(_cells, every_one)
            return files.table(query["format"], "accounts", _COLUMNS, cells, vocabularies=vocabularies)
        found = accounts.page(
            auth.deployment(),
            auth.caller(),
            auth.now(),
            after=query.get("cursor", ("",))[0],
            limit=query["limit"],
            place=query.get("place"),
            person=query.get("person"),
        )
        return page(found, query["limit"], lambda account: (account.person,))

    @who(auth.ADMIN)
    @takes(AccountIn)
    @answers(201, AccountOut)
    @refuses(problems.CONFLICT)
    def post(self, body: dict[str, Any]) -> Any:
        """Gives a person an account, which then needs an activation; or opens a revoked one again."""
        return accounts.open_account(auth.deployment(), auth.caller(), body["person"], auth.now())


@ns.route("/<code:person>")
class Account(View):
    @who(PERSON)
    @answers(200, AccountOut)
    def get(self, person: str) -> Any:
        """Shows an account."""
        return accounts.show(auth.deployment(), auth.caller(), person, auth.now())

    @who(PERSON)
    @answers(204)
    def delete(self, person: str) -> Any:
        """Revokes an account, with its sessions, code and grants."""
        accounts.revoke(auth.deployment(), auth.caller(), person, auth.now())


@ns.route("/<code:person>/activation")
class Activation(View):
    @who(PERSON)
    @answers(201, ActivationOut)
    @refuses(problems.CONFLICT)
    def post(self, person: str) -> Any:
        """Makes a new one-time code, which replaces a forgotten password and ends all sessions."""
        return accounts.new_activation(auth.deployment(), auth.caller(), person, auth.now())


@ns.route("/<code:person>/tokens")
class Sessions(View):
    @who(PERSON)
    @answers(204)
    def delete(self, person: str) -> Any:
        """Ends all sessions of a person, as when a phone is lost."""
        accounts.end_sessions(auth.deployment(), auth.caller(), person, auth.now())


@ns.route("/<code:person>/grants")
class Grants(View):
    @who(PERSON)
    @answers(200, GrantsOut)
    def get(self, person: str) -> Any:
        """Lists the grants of a person inside the caller's own area."""
        return {"items": accounts.grants(auth.deployment(), auth.caller(), person, auth.now()), "next": None}

    @who(PERSON)
    @takes(GrantIn)
    @answers(201, GrantOut)
    @refuses(problems.OWN_GRANT, problems.CONFLICT)
    def post(self, person: str, body: dict[str, Any]) -> Any:
        """Gives a grant, inside one's own area and never to oneself."""
        grant = Grant(body["kind"], body["place"])
        return accounts.add_grant(auth.deployment(), auth.caller(), person, grant, auth.now())


@ns.route("/<code:person>/grants/<int(max=2147483647):grant>")
class OneGrant(View):
    @who(PERSON)
    @answers(204)
    def delete(self, person: str, grant: int) -> Any:
        """Ends a grant."""
        accounts.end_grant(auth.deployment(), auth.caller(), person, grant, auth.now())


def _cells(account: AccountView) -> list[Cell]:
    zone = auth.deployment().zone
    return [
        account.person,
        account.name,
        account.phone,
        account.unit,
        account.state,
        account.created_at.astimezone(zone),
        account.sessions,
        account.code_expires_at.astimezone(zone) if account.code_expires_at else None,
        " ".join(f"{grant.kind}:{grant.place}" for grant in account.grants),
    ]
