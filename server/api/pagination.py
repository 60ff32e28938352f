"""Lists come in pages: `{"items": [...], "next": cursor-or-null}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Row = TypeVar("Row")


def page(rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[str, ...]]) -> dict[str, Any]:
    """A page of at most `limit` rows, of which one more was asked for, to see whether there is a next one.

    `key` gives the sort key of a row in the forms of the query's `Cursor`.
    """
    items = list(rows[:limit])
    more = len(rows) > limit
    return {"items": items, "next": key(items[-1]) if more else None}
