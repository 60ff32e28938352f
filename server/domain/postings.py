"""Postings put a person in a role at a place; those without a gap between them make one term."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from server.domain.periods import DAY


class Role(StrEnum):
    ENVOY = "envoy"
    DISTRICT_SECRETARY = "district-secretary"
    PAIRED_LEADER = "paired-leader"
    FIRST_SECRETARY = "first-secretary"
    STATIONED_CADRE = "stationed-cadre"
    SECONDED_CADRE = "seconded-cadre"


class LeaveKind(StrEnum):
    ANNUAL = "annual"
    SICK = "sick"
    TRAINING = "training"
    MEETING = "meeting"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Posting:
    """One person in one role at one place from a start day to an end day, both included; no end: open."""

    person: str
    role: str
    place: str
    start: date
    end: date | None = None
    office_weekday: int | None = None  # 1 Monday … 5 Friday

    def in_force(self, day: date) -> bool:
        """Whether the posting holds on the local day."""
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Leave:
    """Approved days away, both included; several leaves of a person add up."""

    person: str
    start: date
    end: date
    kind: str = "other"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """Postings of one person in one role at one place that follow each other without a gap, oldest first."""

    postings: tuple[Posting, ...]

    @property
    def person(self) -> str:
        return self.postings[0].person

    @property
    def role(self) -> str:
        return self.postings[0].role

    @property
    def place(self) -> str:
        return self.postings[0].place

    @property
    def start(self) -> date:
        return self.postings[0].start

    @property
    def end(self) -> date | None:
        return self.postings[-1].end

    def in_force(self, day: date) -> bool:
        """Whether the term holds on the local day."""
        end = self.postings[-1].end
        return self.postings[0].start <= day and (end is None or day <= end)

    def office_weekday(self, monday: date) -> int | None:
        """The office weekday of the week that begins on `monday` (duties.md, Postings).

        It is that of the posting in force on the Monday, or else of the first one in force in that week.
        """
        for posting in self.postings:
            if posting.end is None or posting.end >= monday:
                return posting.office_weekday
        return None


def terms(postings: Iterable[Posting]) -> list[Term]:
    """Joins postings into terms, ordered by role, place and start, whatever order they come in."""
    by_key: dict[tuple[str, str, str], list[Posting]] = defaultdict(list)
    for posting in postings:
        by_key[(posting.person, posting.role, posting.place)].append(posting)
    found: list[Term] = []
    for key in sorted(by_key):
        row: list[Posting] = []
        for posting in sorted(by_key[key], key=lambda p: p.start):
            if row and (row[-1].end is None or posting.start - row[-1].end != DAY):
                found.append(Term(tuple(row)))
                row = []
            row.append(posting)
        found.append(Term(tuple(row)))
    return found


def overlapping(postings: Sequence[Posting]) -> list[tuple[Posting, Posting]]:
    """Pairs of one person's postings in one role at one place that share a day."""
    by_key: dict[tuple[str, str, str], list[Posting]] = defaultdict(list)
    for posting in postings:
        by_key[(posting.person, posting.role, posting.place)].append(posting)
    pairs: list[tuple[Posting, Posting]] = []
    for group in by_key.values():
        group.sort(key=lambda p: p.start)
        longest = group[0]
        for later in group[1:]:
            if longest.end is None or later.start <= longest.end:
                pairs.append((longest, later))
            if longest.end is not None and (later.end is None or later.end > longest.end):
                longest = later
    return pairs


def gaps(start: date, end: date | None, held: Iterable[Posting]) -> list[tuple[date, date | None]]:
    """The stretches from a first to a last day (none: open) on which none of these postings is in force."""
    found: list[tuple[date, date | None]] = []
    at = start
    for posting in sorted(held, key=lambda each: each.start):
        if posting.end is not None and posting.end < at:
            continue
        if end is not None and posting.start > end:
            break
        if posting.start > at:
            found.append((at, posting.start - DAY))
        if posting.end is None:
            return found
        at = posting.end + DAY
    if end is None or at <= end:
        found.append((at, end))
    return found
