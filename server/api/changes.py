"""What all changes of the registers have in common at the door: `dry_run`, what they answer, and 202 for a proposal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.changes import ChangedOut, DryRunQuery, ProposalOut
from server.adapters.messages import text
from server.api import auth
from server.api.bridge import View_, answers, asks, refuses
from server.api.errors import language
from server.domain import problems
from server.services.changing import Changed
from server.services.comparing import Compared
from server.services.imports_base import Remark
from server.storage.proposals import Proposal


def changes(schema: type[ChangedOut], status: int = 200) -> Callable[[View_], View_]:
    """The view makes a change: it takes `dry_run` in its query, and answers `status`, 200 when tried out, or 202.

    Its value is what `answer` makes of the service's.
    """

    def note(view: View_) -> View_:
        for decorate in (
            asks(DryRunQuery),
            answers(202, ProposalOut),
            answers(200, schema),
            answers(status, schema),
            refuses(problems.CONFLICT, problems.TOO_MANY_TOUCHED),
        ):
            view = decorate(view)
        return view

    return note


def is_trial(query: dict[str, Any]) -> bool:
    """Whether the change is only to be tried out."""
    return bool(query["dry_run"] == "1")


def answer(changed: Changed, status: int = 200) -> Any:
    """The answer to a change that the view's schema writes, `status` if it was done."""
    if changed.proposal is not None:
        return proposal_out(changed.proposal, auth.caller().name), 202
    shown = {
        "dry_run": changed.dry_run,
        "second_person": changed.own,
        "changed": changed_out(changed),
        "remarks": [_sentence(remark) for remark in changed.remarks],
        "result": changed.result,
    }
    return shown, 200 if changed.dry_run else status


def changed_out(changed: Changed) -> dict[str, Any]:
    """What changed, as the schema `ChangesOut` writes it."""
    return compared_out(changed.compared, changed.waiting)


def compared_out(compared: Compared, waiting: int = 0) -> dict[str, Any]:
    """What differs between two states, in the same way."""
    return {
        "obligations": compared.obligations,
        "total": compared.total,
        "visits": compared.visits,
        "visits_total": compared.visits_total,
        "waiting": waiting,
    }


def proposal_out(proposal: Proposal, by_name: str = "") -> dict[str, Any]:
    """A proposal as the schema `ProposalOut` writes it."""
    return {name: getattr(proposal, name) for name in Proposal.__slots__} | {"by_name": by_name}


def _sentence(remark: Remark) -> str:
    return text(f"changed.{remark.key.removeprefix('import.')}", language(), **remark.params)
