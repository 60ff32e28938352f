"""The queue of a phone that could not send, handed in as a file by a reviewer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask_restx import Namespace

from schemas.base import UUID
from schemas.handed_in import HandedInIn, HandedInOut, RecordIn
from server.api import reading
from server.api.auth import REVIEWER, caller, deployment, now
from server.api.bridge import View, answers, refuses, takes, who
from server.api.errors import body_of, language
from server.api.visits import shown
from server.domain import problems
from server.domain.access import Caller, Grant, GrantKind
from server.domain.places import Level
from server.domain.problems import FieldError, Problem, invalid
from server.services import handing_in
from server.services.deployment import Deployment
from server.services.handing_in import Handed, Outcome
from server.services.visits import Answer, Picture

ns = Namespace("handed-in", path="/handed-in", description="Check-ins that a phone could not send, brought as a file")

_record: Final = RecordIn()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one record: its visit and the outcome, or why it was refused; its id if it had one."""

    id: str | None
    answer: Answer | None = None
    outcome: Outcome | None = None
    problem: Problem | None = None


@ns.route("")
class HandedInView(View):
    @who(REVIEWER)
    @takes(HandedInIn, most="multipart_max_bytes")
    @answers(200, HandedInOut)
    @refuses(problems.OWN_VISIT)
    def post(self, body: dict[str, Any]) -> Any:
        """Hand in the file that a phone saved its queue to; each visit waits for a second person's decision."""
        taken = list(take(deployment(), caller(), body, now()))
        refused = sum(one.problem is not None for one in taken)
        return {"person": body["person"], "refused": refused, "items": [_shown(one) for one in taken]}


def office(deployment: Deployment, actor: str) -> Caller:
    """Who hands in on the command line: a reviewer of every county."""
    with deployment.database.read() as connection:
        places = deployment.world(connection).tree.places.values()
    grants = tuple(Grant(GrantKind.REVIEWER, place.code) for place in places if place.level is Level.COUNTY)
    return Caller(actor, actor, grants=grants)


def take(deployment: Deployment, caller: Caller, body: dict[str, Any], now: datetime) -> Iterator[Taken]:
    """Takes each record of a file, or says why not; one that is refused keeps no other from being taken."""
    if body["person"] == caller.person:
        raise Problem(problems.OWN_VISIT)
    for value in body["records"]:
        named = value.get("id")
        number = named if isinstance(named, str) and re.fullmatch(UUID, named) else None
        try:
            handed = _handed(deployment, reading.load(_record, value))
            answer, outcome = handing_in.hand_in(deployment, caller, body["person"], handed, now)
        except Problem as problem:
            yield Taken(number, problem=problem)
        else:
            yield Taken(number, answer, outcome)


def _handed(deployment: Deployment, record: dict[str, Any]) -> Handed:
    """The check-in and its photos, all checked before anything is kept."""
    sent = replace(record["body"], id=record["id"])
    limits = deployment.settings
    pictures: list[Picture] = []
    for number, photo in enumerate(record["photos"]):
        at = f"/photos/{number}"
        if photo["sha256"] not in sent.photos:
            raise invalid(f"{at}/sha256", "not-announced")
        if any(picture.digest == photo["sha256"] for picture in pictures):
            raise invalid(f"{at}/sha256", "duplicate")
        try:
            received = deployment.photos.check(
                photo["data"],
                photo["sha256"],
                media_type=photo["type"],
                limit=limits.photo_max_bytes,
                max_pixels=limits.photo_max_pixels,
            )
        except Problem as problem:
            raise Problem(problem.kind, params=problem.params, errors=[FieldError(at, "inconsistent")]) from None
        pictures.append(Picture(received, photo["data"]))
    return Handed(sent, pictures)


def _shown(taken: Taken) -> dict[str, Any]:
    if taken.answer is not None:
        return {"id": taken.id, "outcome": taken.outcome, "visit": shown(taken.answer)}
    assert taken.problem is not None
    return {"id": taken.id, "outcome": "refused", "problem": body_of(taken.problem, language())}
