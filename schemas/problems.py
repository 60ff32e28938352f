"""What a refusal looks like: RFC 9457 `application/problem+json`."""

from __future__ import annotations

from schemas.base import Base, Integer, Items, Part, Text
from schemas.decisions import DecisionOut


class FieldErrorOut(Base):
    """One thing that does not fit: where (a JSON pointer, RFC 6901), its stable code, and a sentence."""

    pointer = Text(0, 500, required=True)
    code = Text(1, 60, required=True)
    detail = Text(0, 1000, required=True)


class ProblemOut(Base):
    """A refusal; `id` is that of an unexpected error in the server's log, `decision` what was decided before."""

    type = Text(1, 100, required=True)
    title = Text(1, 100, required=True)
    status = Integer(400, 599, required=True)
    code = Text(1, 60, required=True)
    detail = Text(0, 1000, required=True)
    errors = Items(Part(FieldErrorOut), 1, 100)
    decision = Part(DecisionOut)
    id = Text(1, 64)
