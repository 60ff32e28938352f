"""The people of the demo county: invented names, real rules. Who is posted where, and who is away when."""

import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib import resources
from random import Random
from typing import Any

from server.domain.imports import LeaveRow, PersonRow, PostingRow
from server.domain.periods import DAY
from server.domain.places import Level, Tree
from server.domain.postings import LeaveKind, Role

COUNTY = "371481"
FEW_ENVOYS = "371481200"  # 西段乡: 26 envoys for its 42 villages
ENVOYS_THERE = 26
EXAMPLE_VILLAGE = "371481200268"  # 东赵村: where the first check-in of the documents is made
_LEAVE_KINDS = (LeaveKind.OTHER, LeaveKind.TRAINING, LeaveKind.MEETING, LeaveKind.ANNUAL, LeaveKind.SICK)


@dataclass(slots=True)
class Staff:
    """Everybody of the county, as rows to import."""

    people: list[PersonRow] = field(default_factory=list)
    postings: list[PostingRow] = field(default_factory=list)
    leaves: list[LeaveRow] = field(default_factory=list)

    def add(self, code: str, name: str, unit: str) -> None:
        """Adds a person, with a number that cannot be anybody's: Chinese mobile numbers begin with 13 to 19."""
        number = len(self.people) + 1
        self.people.append(PersonRow(number, code, name, f"100{number:08d}", unit))

    def post(
        self, person: str, role: Role, place: str, start: date, end: date | None = None, day: int | None = None
    ) -> None:
        """Posts a person to a place."""
        self.postings.append(PostingRow(len(self.postings) + 1, person, role, place, start, end, day))

    def send_away(self, person: str, start: date, days: int, kind: LeaveKind, note: str) -> None:
        """Gives a person leave."""
        self.leaves.append(LeaveRow(len(self.leaves) + 1, person, start, start + (days - 1) * DAY, kind, note))


@cache
def words() -> dict[str, Any]:
    """What people in the county are called and have typed."""
    return tomllib.loads(resources.files("server.demo").joinpath("words.toml").read_text(encoding="utf-8"))


def envoy_code(village: str) -> str:
    """The code of the envoy first posted to a village."""
    return f"E{village[6:]}"


def secretary_code(district: str) -> str:
    """The code of a district's secretary."""
    return f"S{district[6:]}"


def leader_code(township: str) -> str:
    """The code of the county leader paired with a township."""
    return f"L{township[6:]}"


def reviewer_code(township: str) -> str:
    """The code of who reviews check-ins at a township's office."""
    return f"R{township[6:]}"


def hire(tree: Tree, first: date, today: date, rng: Random) -> Staff:
    """Everybody, as they stand on `today`, in a county whose service began on `first`."""
    staff = Staff()
    appointed = first - timedelta(days=90)
    townships = sorted(p.code for p in tree.places.values() if p.level is Level.TOWNSHIP)
    for kind in ("admin", "supervisor", "auditor"):
        staff.add(kind, words()["office"][kind], words()["office_unit"])
    for township in townships:
        unit = words()["township_unit"].format(township=tree[township].name)
        staff.add(reviewer_code(township), _name(rng), unit)
        staff.add(leader_code(township), _name(rng), rng.choice(words()["units"]))
        staff.post(leader_code(township), Role.PAIRED_LEADER, township, appointed)
        _secretaries(staff, tree, township, unit, appointed, first, today, rng)
        _envoys(staff, tree, township, appointed, today, rng)
    _leaves(staff, first, today, rng)
    return staff


def _secretaries(
    staff: Staff, tree: Tree, township: str, unit: str, appointed: date, first: date, today: date, rng: Random
) -> None:
    for district in sorted(p.code for p in tree.places.values() if p.level is Level.DISTRICT):
        if not tree.lies_in(district, township, today):
            continue
        code, weekday = secretary_code(district), rng.randint(1, 5)
        staff.add(code, _name(rng), unit)
        if rng.random() < 0.03:
            # Another office day since the middle of the span: one term, two postings.
            change = first + timedelta(days=28)
            staff.post(code, Role.DISTRICT_SECRETARY, district, appointed, change - DAY, weekday)
            staff.post(code, Role.DISTRICT_SECRETARY, district, change, None, weekday % 5 + 1)
        else:
            staff.post(code, Role.DISTRICT_SECRETARY, district, appointed, None, weekday)


def _envoys(staff: Staff, tree: Tree, township: str, appointed: date, today: date, rng: Random) -> None:
    villages = list(tree.villages_in(township, today))
    held = {village: [village] for village in villages}
    if township == FEW_ENVOYS:
        others = [village for village in villages if village != EXAMPLE_VILLAGE]
        extra = others[ENVOYS_THERE - 1 :]
        held = {EXAMPLE_VILLAGE: [EXAMPLE_VILLAGE]}
        held |= {village: [village] for village in others[: ENVOYS_THERE - 1]}
        for village, another in zip(others, extra, strict=False):
            held[village].append(another)
    for village in sorted(held):
        code = envoy_code(village)
        staff.add(code, _name(rng), rng.choice(words()["units"]))
        moved = village != EXAMPLE_VILLAGE and rng.random() < 0.004
        last = today - timedelta(days=10) if moved else None
        for place in held[village]:
            staff.post(code, Role.ENVOY, place, appointed, last)
        if last and rng.random() < 0.6:
            # Somebody else came the week after; where nobody did, the village has no envoy now.
            staff.add(f"{code}b", _name(rng), rng.choice(words()["units"]))
            for place in held[village]:
                staff.post(f"{code}b", Role.ENVOY, place, last + 3 * DAY)


def _leaves(staff: Staff, first: date, today: date, rng: Random) -> None:
    roles = defaultdict(set)
    for posting in staff.postings:
        roles[posting.role].add(posting.person)
    for person in sorted(roles[Role.ENVOY] | roles[Role.DISTRICT_SECRETARY]):
        if person == envoy_code(EXAMPLE_VILLAGE) or rng.random() > 0.08:
            continue
        start = first + timedelta(days=rng.randrange((today - first).days + 7))
        which = rng.randrange(len(_LEAVE_KINDS))
        staff.send_away(
            person, start, rng.choice((1, 2, 3, 5, 7, 10)), _LEAVE_KINDS[which], words()["leave_notes"][which]
        )


def _name(rng: Random) -> str:
    given = rng.choice(words()["given_second"])
    if rng.random() < 0.75:
        given = rng.choice(words()["given_first"]) + given
    return f"{rng.choice(words()['surnames'])}{given}"
