"""Explanations and excuses of what was owed and not done."""

from schemas.base import Base, Code, Instant, Matching, Part, Text
from schemas.changes import ChangedOut
from schemas.decisions import REASON
from schemas.obligations import WINDOW, ExcuseOut


class ExplanationIn(Base):
    """What the person says of something they owe; `window` is a week like 2018-W47, or a month like 2018-11."""

    duty = Code(required=True)
    place = Code(required=True)
    window = Matching(WINDOW, "code", required=True)
    text = Text(1, 2000, lines=True, visible=True, required=True)


class ExplanationOut(Base):
    """What was said, and when."""

    text = Text(0, 2000)
    at = Instant()


class ExcuseIn(Base):
    """Somebody's obligation that is excused, and why."""

    person = Code(required=True)
    duty = Code(required=True)
    place = Code(required=True)
    window = Matching(WINDOW, "code", required=True)
    reason = Text(1, REASON, lines=True, visible=True, required=True)


class EndIn(Base):
    """Why an excuse is taken back."""

    reason = Text(1, REASON, lines=True, visible=True, required=True)


class ExcusedOut(ExcuseOut):
    """An excuse and what it is for."""

    person = Code()
    duty = Code()
    place = Code()
    window = Text(0, 8)


class ChangedExcuseOut(ChangedOut):
    """The excuse, and the obligations that change with it."""

    result = Part(ExcusedOut, allow_none=True)
