"""`/postings`: who is in which role where, from when to when."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.postings import (
    ChangedMoveOut,
    ChangedPostingOut,
    MoveIn,
    PostingChangeIn,
    PostingIn,
    PostingsOut,
    PostingsQuery,
)
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, refuses, takes, who
from server.api.changes import answer, changes, is_trial
from server.api.pagination import every, page
from server.domain import imports, problems
from server.services import posting_reading, postings
from server.services.posting_reading import Named

ns = Namespace("postings", path="/postings", description="Who is in which role where, from when to when")


@ns.route("")
class Postings(View):
    @who(PERSON)
    @asks(PostingsQuery)
    @answers(200, PostingsOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists postings of one's own and inside one's area; the files have the columns that an import takes."""
        after = (query["cursor"][0], int(query["cursor"][1])) if "cursor" in query else None
        sought = {name: query[name] for name in ("person", "place", "role", "on") if name in query}
        deployment, caller, now = auth.deployment(), auth.caller(), auth.now()

        def ask(after: tuple[str, int] | None, limit: int) -> list[Named]:
            return posting_reading.page(deployment, caller, now, after=after, limit=limit, **sought)

        if query["format"] != "json":
            rows = every(ask, None, lambda named: (named.person, named.id))
            return files.for_import(
                query["format"], "postings", ({n: getattr(row, n) for n in imports.columns("postings")} for row in rows)
            )
        found = ask(after, query["limit"] + 1)
        return page(found, query["limit"], lambda named: (named.person, str(named.id)))

    @who(auth.ADMIN)
    @takes(PostingIn)
    @changes(ChangedPostingOut, 201)
    @refuses(problems.OVERLAP)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Posts a person."""
        return answer(postings.add(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)), 201)


@ns.route("/<int(max=2147483647):posting>")
class OnePosting(View):
    @who(PERSON)
    @takes(PostingChangeIn)
    @changes(ChangedPostingOut)
    @refuses(problems.OVERLAP)
    def patch(self, posting: int, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Changes the last day or the office weekday, wholly or from a day on."""
        return answer(postings.amend(auth.deployment(), auth.caller(), posting, body, auth.now(), is_trial(query)))

    @who(PERSON)
    @changes(ChangedPostingOut)
    def delete(self, posting: int, query: dict[str, Any]) -> Any:
        """Takes a posting away that was typed by mistake; a true one ends instead."""
        return answer(postings.remove(auth.deployment(), auth.caller(), posting, auth.now(), is_trial(query)))


@ns.route("/move")
class Move(View):
    @who(auth.ADMIN)
    @takes(MoveIn)
    @changes(ChangedMoveOut)
    @refuses(problems.OVERLAP)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Moves a person: ends one posting and begins the next."""
        return answer(postings.move(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)))
