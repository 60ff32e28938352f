"""Lists come in pages: `{"items": [...], "next": cursor-or-null}`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Row = TypeVar("Row")


def every(
    ask: Callable[[Any, int], Sequence[Row]], start: Any, key: Callable[[Row], Any], most: int = 1000
) -> Iterator[Row]:
    """All rows of a list that is read page by page: `ask` gives so many at most after a key, `start` before the first.

    Nothing is held between two pages.
    """
    after, rows = start, ask(start, most)
    while rows:
        yield from rows
        after = key(rows[-1])
        rows = ask(after, most) if len(rows) == most else ()


def page(rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[str, ...]]) -> dict[str, Any]:
    """A page of at most `limit` rows, of which one more was asked for, to see whether there is a next one.

    `key` gives the sort key of a row in the forms of the query's `Cursor`.
    """
    items = list(rows[:limit])
    more = len(rows) > limit
    return {"items": items, "next": key(items[-1]) if more else None}
