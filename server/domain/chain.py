"""The log's chain: each line is hashed with the hash before it, and so is each block of lines (docs/record.md).

What is hashed is what the database holds, byte by byte, not what it means: whatever is changed there shows.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

GENESIS = bytes(32)  # before the first line

Field = bytes | None


@dataclass(frozen=True, slots=True)
class Block:
    """Lines sealed together: the numbers of the first and the last, and the head over the last line and this row.

    Every line with an id up to `settled` was sealed by then, or will never be.
    """

    number: int
    first: int
    last: int
    settled: int
    sealed_at: bytes
    head: bytes

    @property
    def name(self) -> str:
        """How a head is printed and kept elsewhere: `number:hash`."""
        return f"{self.number}:{self.head.hex()}"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A line's place in the chain, with the line as the database holds it; none: it is not there."""

    number: int
    line: int
    hash: bytes
    fields: Sequence[Field] | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the chain: its kind, with the block and the line's number and id as far as they are known.

    `until` is the last number of several lines that are missing.
    """

    kind: str
    block: int | None = None
    number: int | None = None
    until: int | None = None
    line: int | None = None


def line_hash(before: bytes, fields: Sequence[Field]) -> bytes:
    """The hash of a line after the hash before it."""
    return sha256(before + b"".join(map(_net, fields))).digest()


def head_of(before: bytes, block: Block) -> bytes:
    """The head of a block after the hash of its last line."""
    counted = (block.number, block.first, block.last, block.settled)
    return sha256(before + b"".join(_net(b"%d" % value) for value in counted) + _net(block.sealed_at)).digest()


def _net(field: Field) -> bytes:
    """A netstring; `-,` for nothing at all."""
    return b"-," if field is None else b"%d:%b," % (len(field), field)


class Check:
    """Follows a chain link by link, and says what is wrong with it.

    A link that does not fit can be read in two ways: its row was changed, or its hash was. The link after it fits one
    of the two, and so says which.
    """

    def __init__(self, seals: Iterable[Sealed], last: int) -> None:
        """Seals in order of their numbers, each number once; the last number that there is."""
        self._seals = iter(seals)
        self._next = next(self._seals, None)
        self._last = last
        self._before: list[bytes] = [GENESIS]  # what the hash before may have been; none: unknown
        self._doubts: tuple[Fault, ...] = ()  # what is wrong, by which of them it turns out to be
        self._blind = False  # a head may lie between any two lines

    def faults(self, blocks: Iterable[Block]) -> Iterator[Fault]:
        """Everything that is wrong; blocks come in order of their numbers. Nothing is kept, however many they are."""
        number = end = 0
        coming = iter(blocks)
        block = next(coming, None)
        while block is not None:
            following = next(coming, None)
            first = end + 1
            if block.number != number + 1:
                yield Fault("block-missing", block=number + 1)
                self._blind = block.number > number + 2  # where one ended and the next began, nobody can tell
                yield from self._lines(first, block.first - 1)
                self._blind = False
                self._before, self._doubts, first = [], (), max(first, block.first)
            end = yield from self._block(block, first, following.first - 1 if following else self._last)
            number, block = block.number, following
        while (seal := self._take()) is not None:
            yield Fault("seal-stray", number=seal.number, line=seal.line)

    def _block(self, block: Block, first: int, reach: int) -> Generator[Fault, None, int]:
        """The lines of a block and its head; the number of its last line.

        Where the block ends it says itself, and the one after it; the head says which of them is right.
        """
        end = first - 1
        for candidate in sorted({c for c in (block.last, reach) if c >= first}):
            yield from self._lines(end + 1, candidate)
            end = candidate
            if self._ends(block, first, end) or (not self._before and end == block.last):
                break
        right = replace(block, first=first, last=end)
        known, readings = bool(self._before), [head_of(before, right) for before in self._before]
        yield from self._settled(readings, block.head)
        if block != right or (known and block.head not in readings):
            yield Fault("block-changed", block=block.number)
        self._before = [block.head] if block.head in readings else [block.head, *readings[:1]]
        return end

    def _ends(self, block: Block, first: int, last: int) -> bool:
        return any(head_of(before, replace(block, first=first, last=last)) == block.head for before in self._before)

    def _lines(self, first: int, last: int) -> Iterator[Fault]:
        expected = first
        while self._next is not None and self._next.number <= last:
            seal = self._next
            self._take()
            if seal.number < expected:
                yield Fault("seal-stray", number=seal.number, line=seal.line)
                continue
            if seal.number > expected:
                yield from self._gap(expected, seal.number - 1)
            yield from self._line(seal)
            expected = seal.number + 1
        if expected <= last:
            yield from self._gap(expected, last)

    def _gap(self, first: int, last: int) -> Iterator[Fault]:
        yield from self._settled((), b"")
        yield Fault("seal-missing", number=first, until=last)
        self._before = []

    def _line(self, seal: Sealed) -> Iterator[Fault]:
        if seal.fields is None:
            yield from self._settled((), b"")
            yield Fault("line-gone", number=seal.number, line=seal.line)
            self._before = [seal.hash]
            return
        readings = [line_hash(before, seal.fields) for before in self._before]
        yield from self._settled(readings, seal.hash)
        if not readings or seal.hash in readings or self._blind:
            self._before = [seal.hash]
            return
        self._before = [seal.hash, readings[0]]
        self._doubts = tuple(
            Fault(kind, number=seal.number, line=seal.line) for kind in ("line-changed", "seal-changed")
        )

    def _settled(self, readings: Sequence[bytes], found: bytes) -> Iterator[Fault]:
        """What was in doubt, now that the link after it is known."""
        if self._doubts:
            yield self._doubts[readings.index(found) if found in readings else 0]
        self._doubts = ()

    def _take(self) -> Sealed | None:
        taken, self._next = self._next, next(self._seals, None)
        return taken
