"""Postings, terms and what overlaps."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.periods import DAY
from server.domain.postings import Posting, overlapping, terms
from tests.domain.county import d, envoy, leader, secretary
from tests.domain.effort import effort


def spans(*postings: Posting) -> list[tuple[str, str, int]]:
    """Each term as its place, its first day and the number of its postings."""
    return [(term.place, term.start.isoformat()[5:], len(term.postings)) for term in terms(postings)]


@pytest.mark.parametrize(
    ("day", "holds"),
    [("11-12", False), ("11-13", True), ("11-20", True), ("11-27", True), ("11-28", False)],
)
def test_a_posting_holds_from_its_start_to_its_end_both_included(day: str, holds: bool) -> None:
    posting = envoy(start="11-13", end="11-27")
    assert posting.in_force(d(day)) is holds
    assert terms([posting])[0].in_force(d(day)) is holds


def test_a_posting_without_an_end_stays_in_force() -> None:
    posting = envoy(start="11-13")
    assert posting.in_force(d("2099-01-01"))
    assert terms([posting])[0].in_force(d("2099-01-01"))
    assert not terms([posting])[0].in_force(d("11-12"))


@pytest.mark.parametrize(
    ("postings", "expected"),
    [
        pytest.param(
            [secretary(3, "09-01", "11-18"), secretary(5, "11-19")], [("D", "09-01", 2)], id="one follows the other"
        ),
        pytest.param(
            [secretary(5, "11-19"), secretary(3, "09-01", "11-18")], [("D", "09-01", 2)], id="whatever the order"
        ),
        pytest.param(
            [envoy("d1", "09-01", "11-17"), envoy("d1", "11-19")],
            [("d1", "09-01", 1), ("d1", "11-19", 1)],
            id="a day between makes two terms",
        ),
        pytest.param(
            [envoy("d1", "09-01", "11-18"), envoy("d2", "11-19")],
            [("d1", "09-01", 1), ("d2", "11-19", 1)],
            id="another place is another term",
        ),
        pytest.param(
            [envoy("D", "09-01", "11-18"), secretary(3, "11-19")],
            [("D", "11-19", 1), ("D", "09-01", 1)],
            id="another role is another term",
        ),
        pytest.param(
            [envoy("d1", "09-01"), envoy("d1", "11-19")],
            [("d1", "09-01", 1), ("d1", "11-19", 1)],
            id="nothing follows one without an end",
        ),
        pytest.param(
            [envoy("d1", "09-01", "09-30"), envoy("d1", "10-01", "10-01"), envoy("d1", "10-02", "12-31")],
            [("d1", "09-01", 3)],
            id="a chain of three, one of them a day long",
        ),
        pytest.param([], [], id="none"),
    ],
)
def test_postings_without_a_gap_make_one_term(postings: list[Posting], expected: list[tuple[str, str, int]]) -> None:
    assert spans(*postings) == expected


def test_the_postings_of_two_people_never_join() -> None:
    mine = envoy("d1", "09-01", "11-18")
    assert len(terms([mine, Posting("q", "envoy", "d1", d("11-19"))])) == 2


def test_an_end_in_the_last_year_there_is_is_an_end() -> None:
    forever = Posting("p", "envoy", "d1", d("09-01"), date.max)
    assert len(terms([forever, envoy("d1", "11-19")])) == 2


def test_a_term_is_that_of_its_postings() -> None:
    (term,) = terms([leader("T", "09-01", "10-31"), leader("T", "11-01", "11-30")])
    assert (term.person, term.role, term.place) == ("p", "paired-leader", "T")
    assert (term.start, term.end) == (d("09-01"), d("11-30"))


@pytest.mark.parametrize(
    ("postings", "monday", "weekday"),
    [
        pytest.param([secretary(3, "09-01", "11-18"), secretary(5, "11-19")], "11-12", 3, id="the week before"),
        pytest.param([secretary(3, "09-01", "11-18"), secretary(5, "11-19")], "11-19", 5, id="the week it begins"),
        pytest.param([secretary(3, "09-01", "11-19"), secretary(5, "11-20")], "11-19", 3, id="the posting of Monday"),
        pytest.param([secretary(3, "09-01", "11-19"), secretary(5, "11-20")], "11-26", 5, id="changed for the next"),
        pytest.param([secretary(4, "11-14", "11-15"), secretary(5, "11-16")], "11-12", 4, id="else the first in force"),
        pytest.param([secretary(None, "09-01", "11-18"), secretary(5, "11-19")], "11-12", None, id="none is none"),
        pytest.param([secretary(3, "09-01", "11-11")], "11-12", None, id="the term is over"),
    ],
)
def test_the_office_weekday_of_a_week_is_that_of_mondays_posting(
    postings: list[Posting], monday: str, weekday: int | None
) -> None:
    (term,) = terms(postings)
    assert term.office_weekday(d(monday)) == weekday


@pytest.mark.parametrize(
    ("postings", "pairs"),
    [
        pytest.param([envoy("d1", "09-01", "11-18"), envoy("d1", "11-19")], [], id="one follows the other"),
        pytest.param([envoy("d1", "09-01", "11-19"), envoy("d1", "11-19")], [(0, 1)], id="they share a day"),
        pytest.param([envoy("d1", "11-19"), envoy("d1", "09-01", "11-19")], [(1, 0)], id="whatever the order"),
        pytest.param([envoy("d1", "09-01"), envoy("d2", "09-01")], [], id="in two villages"),
        pytest.param([secretary(3, "09-01"), leader("D", "09-01")], [], id="in two roles"),
        pytest.param([envoy("d1", "09-01"), Posting("q", "envoy", "d1", d("09-01"))], [], id="of two people"),
        pytest.param([envoy("d1", "09-01"), envoy("d1", "12-01", "12-31")], [(0, 1)], id="the first is open"),
        pytest.param(
            [envoy("d1", "01-01", "12-31"), envoy("d1", "02-01", "02-28"), envoy("d1", "06-01", "06-30")],
            [(0, 1), (0, 2)],
            id="a long one over two short ones",
        ),
        pytest.param(
            [envoy("d1", "01-01", "03-31"), envoy("d1", "03-01", "06-30"), envoy("d1", "06-30")],
            [(0, 1), (1, 2)],
            id="each over the next",
        ),
    ],
)
def test_postings_that_share_a_day_are_named_in_pairs(postings: list[Posting], pairs: list[tuple[int, int]]) -> None:
    assert overlapping(postings) == [(postings[a], postings[b]) for a, b in pairs]


@st.composite
def some_postings(draw: st.DrawFn) -> list[Posting]:
    """Postings of a few days each, often end to end."""
    found = []
    for _ in range(draw(st.integers(0, 6))):
        start = d("11-01") + draw(st.integers(0, 20)) * DAY
        length = draw(st.one_of(st.none(), st.integers(0, 8)))
        end = None if length is None else start + length * DAY
        found.append(Posting("p", "envoy", draw(st.sampled_from(["d1", "d2"])), start, end))
    return found


@effort(100)
@given(some_postings())
def test_a_day_is_in_a_term_exactly_when_it_is_in_one_of_its_postings(postings: list[Posting]) -> None:
    if overlapping(postings):
        return
    found = terms(postings)
    assert sorted((p for term in found for p in term.postings), key=repr) == sorted(postings, key=repr)
    for ahead in range(60):
        day = d("10-25") + timedelta(days=ahead)
        for place in ("d1", "d2"):
            held = [term for term in found if term.place == place and term.in_force(day)]
            assert len(held) == any(p.in_force(day) for p in postings if p.place == place)
            next_day = [term for term in found if term.place == place and term.in_force(day + DAY)]
            if held and next_day:
                assert held == next_day, "a term goes on for as long as there is no gap"


@effort(100)
@given(some_postings())
def test_every_posting_that_shares_a_day_with_an_earlier_one_is_named(postings: list[Posting]) -> None:
    def share(a: Posting, b: Posting) -> bool:
        return any(a.in_force(d("11-01") + n * DAY) and b.in_force(d("11-01") + n * DAY) for n in range(60))

    pairs = overlapping(postings)
    assert all(a.place == b.place and share(a, b) for a, b in pairs)
    clashes = [(a, b) for i, a in enumerate(postings) for b in postings[:i] if a.place == b.place and share(a, b)]
    assert bool(pairs) == bool(clashes)
    for a, b in clashes:
        later = a if a.start > b.start else b
        assert later.start == min(a.start, b.start) or later in [pair[1] for pair in pairs]
