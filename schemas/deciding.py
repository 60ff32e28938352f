"""Several decisions in one call."""

from schemas.base import Base, Flag, Integer, Items, Part, UuidText
from schemas.changes import ChangesOut
from schemas.decisions import DecisionIn
from schemas.problems import ProblemOut
from schemas.visits import VisitOut

MOST_AT_ONCE = 100


class ItemIn(DecisionIn):
    """One of several decisions; `if_match` is the version of the visit that the reviewer has seen."""

    visit = UuidText(required=True)
    if_match = Integer(1, 2**31, allow_none=True, load_default=None)


class DecisionsIn(Base):
    """Several decisions, each made for itself."""

    items = Items(Part(ItemIn), 1, MOST_AT_ONCE, required=True)


class ItemOut(Base):
    """What became of one of them: the status it would have had alone, and the visit or why not."""

    id = UuidText()
    status = Integer(200, 599)
    visit = Part(VisitOut)
    problem = Part(ProblemOut)


class DecidedOut(VisitOut):
    """The visit as it stands now, or would with `dry_run`, and which obligations and other visits change with it."""

    dry_run = Flag()
    changed = Part(ChangesOut)


class DecisionsOut(Base):
    """What became of each, in the order sent."""

    items = Items(Part(ItemOut), most=MOST_AT_ONCE)
