"""Codes and passwords as typed, what failures are counted for, and how far an administrator reaches."""

from datetime import date, timedelta

import pytest

from server.domain.accounts import (
    CODE_ALPHABET,
    CODE_LENGTH,
    Footing,
    Limits,
    Reach,
    activation_link,
    check_password,
    may_keep,
    may_see,
    own_subjects,
    printed_code,
    reach,
    standing_places,
    subjects,
    typed_code,
)
from server.domain.places import BEGINNING, Level, Place, Standing, Tree
from server.domain.postings import Posting
from server.domain.problems import Problem

TODAY = date(2018, 11, 20)
CODE = "ABCDE23456"


@pytest.mark.parametrize(
    "typed",
    [CODE, "abcde23456", "ABCDE-23456", " abcde 23456\n", "ABCDE—23456", "ＡＢＣＤＥ２３４５６", "A-B-C-D-E 2 3 4 5 6"],
)
def test_a_code_is_the_same_however_it_is_typed(typed: str) -> None:
    assert typed_code(typed) == CODE


def test_a_printed_code_can_be_typed_again() -> None:
    assert printed_code(CODE) == "ABCDE-23456"
    assert typed_code(printed_code(CODE)) == CODE


def test_codes_are_made_of_what_cannot_be_mixed_up() -> None:
    assert not set(CODE_ALPHABET) & set("0O1I")
    assert CODE_LENGTH == 10
    assert len(CODE_ALPHABET) ** CODE_LENGTH >= 2**50
    assert typed_code(CODE_ALPHABET) == CODE_ALPHABET


def test_the_code_stands_in_the_fragment_of_its_link_and_nowhere_else() -> None:
    link = activation_link("https://daocun.example.cn", "envoy-1", CODE)
    before, _, fragment = link.partition("#")
    assert CODE not in before
    assert fragment == f"activate={CODE}&person=envoy-1"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("1234567", "length"),
        ("12345678", None),
        ("x" * 128, None),
        ("x" * 129, "length"),
        ("密码密码密码密码", None),
        ("13812345678", "password-known"),
        ("138-1234-5678", "password-known"),
        ("１３８１２３４５６７８", "password-known"),
        ("abcde-23456", "password-known"),
        ("13812345678x", None),
    ],
)
def test_a_password_is_long_enough_and_not_what_others_know(password: str, code: str | None) -> None:
    if code is None:
        check_password(password, ("13812345678", CODE))
        return
    with pytest.raises(Problem) as caught:
        check_password(password, ("13812345678", CODE))
    assert [(error.pointer, error.code) for error in caught.value.errors] == [("/password", code)]


def test_failures_are_counted_for_the_pair_the_account_and_the_address() -> None:
    assert subjects(["a", "b"], "10.0.0.1", None) == [
        "pair:a@10.0.0.1", "account:a", "pair:b@10.0.0.1", "account:b", "address:10.0.0.1",
    ]  # fmt: skip  # fmt: skip
    assert subjects(["a"], "10.0.0.1", "x") == ["device:x", "address:10.0.0.1"]


def test_a_success_does_not_make_good_for_others_at_the_address() -> None:
    assert own_subjects("a", "10.0.0.1") == ["pair:a@10.0.0.1", "account:a"]


@pytest.mark.parametrize(
    ("subject", "most"),
    [("pair:a@10.0.0.1", 10), ("device:x", 10), ("account:a", 50), ("address:10.0.0.1", 1000)],
)
def test_the_more_people_a_subject_may_be_the_more_it_takes(subject: str, most: int) -> None:
    assert Limits(10, timedelta(minutes=15)).of(subject) == most


def posting(place: str, start: str, end: str | None = None) -> Posting:
    return Posting("p", "envoy", place, date.fromisoformat(start), date.fromisoformat(end) if end else None)


@pytest.mark.parametrize(
    ("postings", "places"),
    [
        ([], set()),
        ([posting("a", "2018-01-01")], {"a"}),
        ([posting("a", "2018-01-01", "2018-11-20")], {"a"}),
        ([posting("a", "2018-01-01", "2018-11-19")], {"a"}),
        ([posting("a", "2018-01-01", "2018-06-30"), posting("b", "2018-02-01", "2018-07-31")], {"b"}),
        ([posting("a", "2018-01-01", "2018-06-30"), posting("b", "2018-01-01", "2018-06-30")], {"a", "b"}),
        ([posting("a", "2018-01-01", "2018-06-30"), posting("b", "2018-07-01")], {"b"}),
        ([posting("a", "2018-01-01"), posting("b", "2018-12-01")], {"a", "b"}),
        ([posting("a", "2018-01-01", "2018-11-01"), posting("b", "2018-12-01")], {"b"}),
    ],
)
def test_one_belongs_where_one_is_posted_or_will_be_or_was_last(postings: list[Posting], places: set[str]) -> None:
    assert standing_places(postings, TODAY) == places


def tree(*parents: tuple[str, str | None]) -> Tree:
    return Tree(Place(c, c, Level.VILLAGE, (Standing(BEGINNING, parent),)) for c, parent in parents)


COUNTY = tree(("C", None), ("T", "C"), ("U", "C"))
TWO = tree(("C", None), ("E", None), ("T", "C"))


@pytest.mark.parametrize(
    ("world", "areas", "whole"),
    [
        (COUNTY, ("/C/",), True),
        (COUNTY, ("/C/T/", "/C/U/"), False),
        (COUNTY, (), False),
        (TWO, ("/C/",), False),
        (TWO, ("/C/", "/E/"), True),
        (tree(), ("/C/",), False),
    ],
)
def test_an_area_is_the_whole_if_it_holds_every_top(world: Tree, areas: tuple[str, ...], whole: bool) -> None:
    assert reach(areas, world, TODAY).whole is whole


T = Reach(("/C/T/",), False)
C = Reach(("/C/",), True)
NONE = Reach((), False)
INSIDE, OUTSIDE = "/C/T/d/", "/C/U/f/"


@pytest.mark.parametrize(
    ("posted", "granted", "admin", "seen", "kept"),
    [
        ([INSIDE], [], T, True, True),
        ([INSIDE], [INSIDE], T, True, True),
        ([INSIDE], [OUTSIDE], T, True, False),
        ([INSIDE], ["/C/"], T, True, False),
        ([INSIDE, OUTSIDE], [], T, True, True),
        ([OUTSIDE], [], T, False, False),
        ([OUTSIDE], [INSIDE], T, True, False),
        ([], [], T, False, False),
        ([], [INSIDE], T, True, False),
        ([], [], C, True, True),
        ([], ["/C/"], C, True, True),
        ([OUTSIDE], [INSIDE], C, True, True),
        ([INSIDE], [], NONE, False, False),
        (["/C/T2/d/"], [], T, False, False),
    ],
)
def test_an_administrator_sees_and_keeps_so_much(
    posted: list[str], granted: list[str], admin: Reach, seen: bool, kept: bool
) -> None:
    footing = Footing(frozenset(posted), frozenset(granted))
    assert (may_see(admin, footing), may_keep(admin, footing)) == (seen, kept)
