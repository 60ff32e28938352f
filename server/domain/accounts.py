"""Accounts as values: one-time codes, passwords, and how far an administrator reaches."""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from server.domain.places import Tree
from server.domain.postings import Posting
from server.domain.problems import invalid

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 O 1 I, which look alike on paper
CODE_LENGTH = 10
CODE_TRIES = 5  # wrong ones, after which a code is dead
PASSWORD_LEAST, PASSWORD_MOST = 8, 128
SHARERS = 5  # people tried for one phone number; if more share it, they sign in with their own codes


def typed_code(text: str) -> str:
    """A one-time code as it was printed, from what was typed: spaces, dashes, case and full-width forms are dropped."""
    wide = unicodedata.normalize("NFKC", text).upper()
    return "".join(char for char in wide if not char.isspace() and unicodedata.category(char) != "Pd")


def printed_code(code: str) -> str:
    """A one-time code in two groups, easier to copy by hand."""
    middle = CODE_LENGTH // 2
    return f"{code[:middle]}-{code[middle:]}"


def activation_link(address: str, person: str, code: str) -> str:
    """The link that activates an account; the code stands in the fragment, which no server gets to see."""
    return f"{address}/#activate={code}&person={person}"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One slip of a printed sheet: a person posted inside, their first posting there, and their code."""

    person: str
    name: str
    phone: str
    role: str
    place: str
    place_name: str
    township_name: str
    code: str
    expires_at: datetime  # in the county's zone


def check_password(password: str, known: Iterable[str]) -> None:
    """Raises Problem INVALID for a password of a wrong length, or one that repeats what others know of the account."""
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise invalid("/password", "length", min=PASSWORD_LEAST, max=PASSWORD_MOST)
    plain = typed_code(password)
    if any(plain == typed_code(text) for text in known):
        raise invalid("/password", "password-known")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many wrong passwords are taken within `window`, by who is counted."""

    tries: int
    window: timedelta

    def of(self, subject: str) -> int:
        """The most failures of one subject; a thousand phones may share one carrier's address."""
        return self.tries * {"account": 5, "address": 100}.get(subject.partition(":")[0], 1)


def subjects(accounts: Iterable[str], address: str, device: str | None) -> list[str]:
    """What a failed attempt is counted for.

    A device that was signed in to the account before is counted for itself, so that others who guess at the account
    cannot keep its owner out. Anybody else is counted for the account from this address, and for the account. The
    address is counted always.
    """
    own = [subject for account in accounts for subject in own_subjects(account, address)]
    return [*(own if device is None else [f"device:{device}"]), f"address:{address}"]


def own_subjects(account: str, address: str) -> list[str]:
    """Those of one account, whose failures its owner's success makes good: the address may be many people's."""
    return [f"pair:{account}@{address}", f"account:{account}"]


def standing_places(postings: Collection[Posting], today: date) -> set[str]:
    """Where a person belongs: the places of postings in force or to come, or else of the one that ended last."""
    present = {p.place for p in postings if p.end is None or p.end >= today}
    if present or not postings:
        return present
    ended = max(p.end for p in postings if p.end is not None)
    return {p.place for p in postings if p.end == ended}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one administrator's grants go today: the paths of the areas, and whether they are all there is."""

    areas: tuple[str, ...]
    whole: bool

    def covers(self, path: str) -> bool:
        """Whether what lies at a path is inside."""
        return any(path.startswith(area) for area in self.areas)


def reach(areas: tuple[str, ...], tree: Tree, today: date) -> Reach:
    """How far these areas go; whole if they hold every place that lies in no other."""
    tops = {tree.path(code, today) for code in tree.places if len(tree.chain(code, today)) == 1}
    return Reach(areas, bool(tops) and all(any(top.startswith(area) for area in areas) for top in tops))


@dataclass(frozen=True, slots=True)
class Footing:
    """Where an account's person stands: the paths of their places, and of the places they hold grants for."""

    posted: frozenset[str]
    granted: frozenset[str]


def may_see(reach: Reach, footing: Footing) -> bool:
    """Whether the account exists at all for an administrator who reaches so far."""
    return reach.whole or any(reach.covers(path) for path in footing.posted | footing.granted)


def may_keep(reach: Reach, footing: Footing) -> bool:
    """Whether the administrator may open, reset and revoke the account.

    The person must belong inside (whoever is posted nowhere belongs to the whole county), and hold no grant outside:
    who can give somebody a new password could sign in as them.
    """
    belongs = reach.whole or any(reach.covers(path) for path in footing.posted)
    return belongs and all(reach.covers(path) for path in footing.granted)
