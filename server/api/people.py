"""`/people`: who there is, with postings, leave and grants, and what the log tells of them."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.people import (
    ChangedPersonOut,
    HistoryOut,
    HistoryQuery,
    OnePersonOut,
    PeopleOut,
    PeopleQuery,
    PersonChangeIn,
    PersonIn,
)
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, refuses, takes, who
from server.api.changes import answer, changes, is_trial
from server.api.leave import leave_out
from server.api.pagination import every, page
from server.domain import imports, problems
from server.services import persons
from server.storage.people import Person

ns = Namespace("people", path="/people", description="The people of the register")


@ns.route("")
class People(View):
    @who(auth.READER)
    @asks(PeopleQuery)
    @answers(200, PeopleOut)
    @or_a_file(files.CSV, files.XLSX)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists the people who belong to one's area; the files have the columns that an import takes."""
        deployment, caller, now = auth.deployment(), auth.caller(), auth.now()

        def ask(after: str, limit: int) -> list[Person]:
            wanted = {"q": query.get("q"), "place": query.get("place")}
            return persons.page(deployment, caller, now, after=after, limit=limit, **wanted)

        if query["format"] != "json":
            rows = every(ask, "", lambda person: person.code)
            return files.for_import(
                query["format"], "people", ({n: getattr(row, n) for n in imports.columns("people")} for row in rows)
            )
        found = ask(query.get("cursor", ("",))[0], query["limit"] + 1)
        return page(found, query["limit"], lambda person: (person.code,))

    @who(auth.ADMIN)
    @takes(PersonIn)
    @changes(ChangedPersonOut, 201)
    @refuses(problems.OVERLAP)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Enters a person."""
        return answer(persons.add(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)), 201)


@ns.route("/<code:person>")
class OnePerson(View):
    @who(PERSON)
    @answers(200, OnePersonOut)
    def get(self, person: str) -> Any:
        """Shows a person with postings, past ones too, leave and grants."""
        found = persons.show(auth.deployment(), auth.caller(), person, auth.now())
        known = {name: getattr(found.person, name) for name in type(found.person).__slots__}
        return known | {
            "postings": found.postings,
            "leave": [leave_out(leave) for leave in found.leave],
            "grants": found.grants,
        }

    @who(PERSON)
    @takes(PersonChangeIn)
    @changes(ChangedPersonOut)
    def patch(self, person: str, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Corrects a person's name, telephone number, unit or language."""
        return answer(persons.amend(auth.deployment(), auth.caller(), person, body, auth.now(), is_trial(query)))


@ns.route("/<code:person>/history")
class History(View):
    @who(PERSON)
    @asks(HistoryQuery)
    @answers(200, HistoryOut)
    def get(self, person: str, query: dict[str, Any]) -> Any:
        """Lists what the log tells of a person's entry, postings, leave and grants, latest first."""
        before = int(query["cursor"][0]) if "cursor" in query else None
        found = persons.history(auth.deployment(), auth.caller(), person, auth.now(), before, query["limit"] + 1)
        return page(found, query["limit"], lambda told: (str(told.id),))
