"""A decision on a visit, and an appeal."""

from schemas.base import Base, Choice, Code, Flag, Instant, Text
from server.domain.decisions import Ruling

REASON = 1000


class DecisionIn(Base):
    """What a reviewer decides, and why; `take_position` makes the visit's point that of a place without one."""

    decision = Choice(Ruling, required=True)
    reason = Text(1, REASON, lines=True, visible=True, required=True)
    take_position = Flag(load_default=False)


class DecisionOut(Base):
    """What a reviewer decided, why, and when; on a visit that had been appealed or not."""

    decision = Choice(Ruling)
    reason = Text(0, REASON)
    by = Code()
    by_name = Text(0, 100)
    at = Instant()
    on_appeal = Flag()


class AppealIn(Base):
    """What the person says against a rejection."""

    reason = Text(1, REASON, lines=True, visible=True, required=True)


class AppealOut(Base):
    """What the person says against a rejection; without `decided_at` it waits."""

    reason = Text(0, REASON)
    at = Instant()
    decided_at = Instant(allow_none=True)
