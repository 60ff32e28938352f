"""`/proposals`: changes that touch what their author owes, and wait for a second person."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.changes import ApprovalIn, DecidedProposalOut, ProposalOut, ProposalsOut, ProposalsQuery
from server.adapters.messages import text
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, refuses, takes, who
from server.api.changes import changed_out, proposal_out
from server.api.pagination import every, page
from server.domain import problems, words
from server.domain.cells import Cell
from server.services import proposals
from server.services.proposals import Seen

ns = Namespace("proposals", path="/proposals", description="Changes that wait for a second person")

_COLUMNS = ("id", "kind", "by", "by_name", "at", "status", "decided_by", "decided_at", "reason")


@ns.route("")
class Proposals(View):
    @who(PERSON)
    @asks(ProposalsQuery)
    @answers(200, ProposalsOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists the proposals the caller made or may decide, latest first."""
        after = int(query["cursor"][0]) if "cursor" in query else None
        deployment, caller, now = auth.deployment(), auth.caller(), auth.now()

        def ask(after: int | None, limit: int) -> list[Seen]:
            return proposals.page(deployment, caller, query.get("status"), now, after, limit)

        if query["format"] != "json":
            titles = {n: text(f"column.proposal_{n}", files.asked_language()) for n in ("by", "by_name", "at")}
            rows = map(_cells, every(ask, None, lambda seen: seen.proposal.id))
            said = {"kind": words.PROPOSAL_KINDS, "status": words.PROPOSAL_STATUSES}
            return files.table(query["format"], "proposals", _COLUMNS, rows, titles=titles, vocabularies=said)
        found = ask(after, query["limit"] + 1)
        paged = page(found, query["limit"], lambda seen: (str(seen.proposal.id),))
        return {"items": [_out(seen) for seen in paged["items"]], "next": paged["next"]}


@ns.route("/<int(max=2147483647):proposal>")
class OneProposal(View):
    @who(PERSON)
    @answers(200, ProposalOut)
    def get(self, proposal: int) -> Any:
        """Shows a proposal."""
        return _out(proposals.see(auth.deployment(), auth.caller(), proposal, auth.now()))

    @who(PERSON)
    @answers(204)
    @refuses(problems.CONFLICT)
    def delete(self, proposal: int) -> Any:
        """Takes back a proposal of one's own."""
        proposals.withdraw(auth.deployment(), auth.caller(), proposal, auth.now())


@ns.route("/<int(max=2147483647):proposal>/decisions")
class ProposalDecisions(View):
    @who(PERSON)
    @takes(ApprovalIn)
    @answers(200, DecidedProposalOut)
    @refuses(problems.CONFLICT, problems.NEEDS_SECOND_PERSON)
    def post(self, proposal: int, body: dict[str, Any]) -> Any:
        """Approves a proposal of somebody else's, which does it, or refuses it."""
        decide = proposals.approve if body["decision"] == "approve" else proposals.refuse
        decided = decide(auth.deployment(), auth.caller(), proposal, body["reason"], auth.now())
        return {
            "proposal": _out(decided.proposal),
            "changed": changed_out(decided.changed) if decided.changed else None,
        }


def _cells(seen: Seen) -> list[Cell]:
    made, zone = seen.proposal, auth.deployment().zone
    decided_at = made.decided_at.astimezone(zone) if made.decided_at else None
    said = [made.status, made.decided_by, decided_at, made.reason]
    return [made.id, made.kind, made.by, seen.by_name, made.at.astimezone(zone), *said]


def _out(seen: Seen) -> dict[str, Any]:
    return proposal_out(seen.proposal, seen.by_name)
