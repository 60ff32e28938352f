"""What is wrong with a chain is found and named, be it a line, a seal or a block; with a whole one nothing is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.chain import GENESIS, Block, Check, Fault, Field, Sealed, head_of, line_hash

SIZES = (2, 3, 1)  # lines in each block: 1 and 2, 3 to 5, 6
LINES = sum(SIZES)
ID = 10  # a line's id is so much more than its number
OTHER = b"\xff" * 32


@dataclass
class Record:
    """Seals and blocks by their numbers, and what can happen to them."""

    seals: dict[int, Sealed] = field(default_factory=dict)
    blocks: dict[int, Block] = field(default_factory=dict)
    last: int = 0

    def seal(self, number: int, **changed: Any) -> None:
        self.seals[number] = replace(self.seals[number], **changed)

    def line(self, number: int, *fields: Field) -> None:
        self.seal(number, fields=fields)

    def block(self, number: int, **changed: Any) -> None:
        self.blocks[number] = replace(self.blocks[number], **changed)

    def without_seals(self, *numbers: int) -> None:
        for number in numbers:
            del self.seals[number]

    def without_blocks(self, *numbers: int) -> None:
        for number in numbers:
            del self.blocks[number]

    def stray(self, number: int) -> None:
        self.seals[number] = Sealed(number, ID + number, OTHER, (b"stray",))

    def faults(self) -> list[Fault]:
        seals = (self.seals[number] for number in sorted(self.seals))
        blocks = (self.blocks[number] for number in sorted(self.blocks))
        return list(Check(seals, self.last).faults(blocks))


def record(*sizes: int) -> Record:
    made, before, number = Record(last=sum(sizes)), GENESIS, 0
    for of, size in enumerate(sizes, 1):
        first = number + 1
        for number in range(first, first + size):
            fields = (b"%d" % (ID + number), "确认".encode(), None)
            before = line_hash(before, fields)
            made.seals[number] = Sealed(number, ID + number, before, fields)
        block = Block(of, first, number, ID + number, b"2018-11-20", b"")
        before = head_of(before, block)
        made.blocks[of] = replace(block, head=before)
    return made


def at(kind: str, number: int) -> Fault:
    return Fault(kind, number=number, line=ID + number)


def missing(first: int, last: int) -> Fault:
    return Fault("seal-missing", number=first, until=last)


def of_block(kind: str, block: int) -> Fault:
    return Fault(kind, block=block)


def told(*changes: Callable[[Record], None]) -> list[Fault]:
    changed = record(*SIZES)
    for change in changes:
        change(changed)
    return changed.faults()


def test_a_line_is_hashed_after_the_hash_before_it_field_by_field() -> None:
    assert line_hash(GENESIS, (b"ab", b"", None)) == sha256(bytes(32) + b"2:ab,0:,-,").digest()


def test_a_head_is_over_the_last_line_and_the_whole_row_of_its_block() -> None:
    block = Block(2, 3, 14, 20, b"now", b"whatever")
    assert head_of(OTHER, block) == sha256(OTHER + b"1:2,1:3,2:14,2:20,3:now,").digest()


def test_a_head_is_called_by_its_number_and_its_hash() -> None:
    assert Block(7, 1, 2, 2, b"", b"\x0a\xff").name == "7:0aff"


@pytest.mark.parametrize(
    ("one", "other"),
    [((b"ab", b"c"), (b"a", b"bc")), ((b"",), (None,)), ((b"-,",), (None,)), ((b"1:a,",), (b"a",)), ((), (None,))],
    ids=["a byte moved over", "empty and nothing", "what nothing is written as", "a net in a net", "a field fewer"],
)
def test_different_lines_are_never_hashed_alike(one: tuple[Field, ...], other: tuple[Field, ...]) -> None:
    assert line_hash(GENESIS, one) != line_hash(GENESIS, other)


@given(st.lists(st.integers(1, 5), max_size=5))
def test_with_a_whole_record_nothing_is_wrong(sizes: list[int]) -> None:
    assert record(*sizes).faults() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([lambda r: r.line(1, b"x")], [at("line-changed", 1)]),
        ([lambda r: r.line(4, b"x")], [at("line-changed", 4)]),
        ([lambda r: r.line(2, b"x")], [at("line-changed", 2)]),
        ([lambda r: r.line(3, b"x"), lambda r: r.line(4, b"x")], [at("line-changed", 3), at("line-changed", 4)]),
        ([lambda r: r.line(6, b"x")], [at("line-changed", 6)]),
        ([lambda r: r.seal(4, fields=None)], [at("line-gone", 4)]),
        ([lambda r: r.seal(6, fields=None)], [at("line-gone", 6)]),
        ([lambda r: r.line(3, b"x"), lambda r: r.seal(4, fields=None)], [at("line-changed", 3), at("line-gone", 4)]),
    ],
    ids=[
        "the first is changed",
        "one within a block is changed",
        "the last of a block is changed",
        "two in a row are changed",
        "the very last is changed",
        "one is gone",
        "the very last is gone",
        "one is changed and the next is gone",
    ],
)
def test_a_line_that_was_tampered_with_is_named(changes: list[Callable[[Record], None]], expected: list[Fault]) -> None:
    assert told(*changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([lambda r: r.seal(1, hash=OTHER)], [at("seal-changed", 1)]),
        ([lambda r: r.seal(4, hash=OTHER)], [at("seal-changed", 4)]),
        ([lambda r: r.seal(5, hash=OTHER)], [at("seal-changed", 5)]),
        ([lambda r: r.without_seals(4)], [missing(4, 4)]),
        ([lambda r: r.without_seals(3, 4)], [missing(3, 4)]),
        ([lambda r: r.without_seals(4, 5)], [missing(4, 5)]),
        ([lambda r: r.without_seals(2, 3)], [missing(2, 2), missing(3, 3)]),
        ([lambda r: r.without_seals(*range(1, LINES + 1))], [missing(1, 2), missing(3, 5), missing(6, 6)]),
        ([lambda r: r.line(3, b"x"), lambda r: r.without_seals(4)], [at("line-changed", 3), missing(4, 4)]),
        ([lambda r: r.stray(0)], [at("seal-stray", 0)]),
        ([lambda r: r.stray(7), lambda r: r.stray(9)], [at("seal-stray", 7), at("seal-stray", 9)]),
    ],
    ids=[
        "the first is changed",
        "one within a block is changed",
        "the last of a block is changed",
        "one is missing",
        "the first of a block are missing",
        "the last of a block are missing",
        "those about a head are missing",
        "all are missing",
        "a line is changed and the seal after it is missing",
        "one before all blocks",
        "two after all blocks",
    ],
)
def test_a_seal_that_was_tampered_with_is_named(changes: list[Callable[[Record], None]], expected: list[Fault]) -> None:
    assert told(*changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([lambda r: r.block(2, head=OTHER)], [of_block("block-changed", 2)]),
        ([lambda r: r.block(2, settled=99)], [of_block("block-changed", 2)]),
        ([lambda r: r.block(2, sealed_at=b"later")], [of_block("block-changed", 2)]),
        ([lambda r: r.block(2, first=4)], [of_block("block-changed", 2)]),
        ([lambda r: r.block(2, last=4)], [of_block("block-changed", 2)]),
        ([lambda r: r.block(2, last=6)], [of_block("block-changed", 2)]),
        ([lambda r: r.block(2, last=0)], [of_block("block-changed", 2)]),
        ([lambda r: r.block(3, last=9)], [of_block("block-changed", 3)]),
        ([lambda r: r.block(3, head=OTHER)], [of_block("block-changed", 3)]),
        ([lambda r: r.without_blocks(1)], [of_block("block-missing", 1)]),
        ([lambda r: r.without_blocks(2)], [of_block("block-missing", 2)]),
        ([lambda r: r.without_blocks(3)], [at("seal-stray", 6)]),
        ([lambda r: r.without_blocks(1, 2, 3)], [at("seal-stray", number) for number in range(1, LINES + 1)]),
        (
            [lambda r: r.without_blocks(2), lambda r: r.line(4, b"x")],
            [of_block("block-missing", 2), at("line-changed", 4)],
        ),
        (
            [lambda r: r.without_blocks(2), lambda r: r.without_seals(3, 4, 5)],
            [of_block("block-missing", 2), missing(3, 5)],
        ),
    ],
    ids=[
        "its head is changed",
        "up to which line all were settled is changed",
        "its time is changed",
        "it begins later",
        "it ends sooner",
        "it ends later",
        "it ends before it begins",
        "the very last ends later",
        "the very last has another head",
        "the first is missing",
        "one between others is missing",
        "the very last is missing",
        "all are missing",
        "one is missing and a line of it is changed",
        "one is missing with all its seals",
    ],
)
def test_a_block_that_was_tampered_with_is_named(
    changes: list[Callable[[Record], None]], expected: list[Fault]
) -> None:
    assert told(*changes) == expected


def test_of_several_blocks_missing_in_a_row_the_first_is_named_and_no_line_is_accused() -> None:
    assert told(lambda r: r.without_blocks(1, 2)) == [of_block("block-missing", 1)]


lines = st.integers(1, LINES)
changes = st.one_of(
    st.tuples(st.just("line"), lines),
    st.tuples(st.just("hash"), lines),
    st.tuples(st.just("head"), st.integers(1, len(SIZES))),
)


def changed(*rows: tuple[str, int]) -> list[Fault]:
    def change(r: Record) -> None:
        for kind, number in rows:
            if kind == "line":
                r.line(number, b"x")
            elif kind == "hash":
                r.seal(number, hash=OTHER)
            else:
                r.block(number, head=OTHER)

    return told(change)


@given(changes)
def test_one_thing_changed_is_one_fault_and_names_it(row: tuple[str, int]) -> None:
    kind, number = row
    named = {"line": at("line-changed", number), "hash": at("seal-changed", number)}
    assert changed(row) == [named.get(kind, of_block("block-changed", number))]


@given(st.sets(changes, min_size=1))
def test_however_much_is_changed_something_is_found(rows: set[tuple[str, int]]) -> None:
    assert changed(*sorted(rows)) != []
