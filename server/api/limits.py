"""Blunts floods: how many requests a minute one address and one token may send.

Counted in each worker's memory, so it is a blunt edge and no lock: sign-in is counted in the database (`signing_in`).
The defaults let a thousand phones behind one carrier's address through, and one phone with 200 queued check-ins.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from flask import Flask

from server.api import auth
from server.domain import problems
from server.domain.problems import Problem
from server.settings import Settings

WINDOW_S: Final = 60
KEYS: Final = 50_000  # counted at a time; the memory of a flood of invented tokens ends at some ten megabytes


def install(app: Flask, settings: Settings) -> None:
    """Refuses what goes over the limits with 429 and `Retry-After`; a limit of 0 is none."""
    for most, key in ((settings.rate_address_per_minute, auth.address), (settings.rate_person_per_minute, _token)):
        if most:
            app.before_request(_checked(Counter(most), key))


def _checked(counter: Counter, key: Callable[[], str]) -> Callable[[], None]:
    def check() -> None:
        wait = counter.count(key(), time.monotonic())
        if wait:
            raise Problem(problems.TOO_MANY_REQUESTS, retry_after=wait)

    return check


class Counter:
    """Counts requests by key in windows of a minute, the same windows for all keys.

    Of more than `keys` keys in one window those that came first are forgotten.
    """

    def __init__(self, most: int, keys: int = KEYS) -> None:
        self._most = most
        self._keys = keys
        self._begun = -math.inf
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, key: str, now: float) -> int:
        """Counts a request at `now`, in seconds of any clock; 0 if it may pass, else the whole seconds to wait."""
        with self._lock:
            if now - self._begun >= WINDOW_S:
                self._begun = now
                self._counts.clear()
            before = self._counts.get(key, 0)
            if before >= self._most:
                return max(1, math.ceil(self._begun + WINDOW_S - now))
            self._counts[key] = before + 1
            if len(self._counts) > self._keys:
                self._counts.popitem(last=False)
            return 0


def _token() -> str:
    # Without a token the address alone is counted.
    return auth.bearer() or auth.address()
