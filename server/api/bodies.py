"""Keeps those who send their bodies slowly from taking every thread of a worker."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from flask import Flask, g

from server.api import auth
from server.domain import problems
from server.domain.problems import Problem

# Bodies that a worker waits for at a time, in all and by whom. Each holds one of its 256 threads
# (`granian_server.WAITING`) for as long as its sender likes, up to some minutes, and others must still get in.
MOST: Final = 224
OF_THE_UNKNOWN: Final = 96
OF_ADDRESS: Final = 32  # of one address, from whoever is not known
OF_PERSON: Final = 16
_RETRY_S: Final = 5


def install(app: Flask) -> None:
    """Refuses with 503 a body that comes while too many others are under way."""
    app.extensions["daocun.bodies"] = Waiting().one


class Waiting:
    """The bodies that this worker is waiting for."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._counts: dict[str, int] = {}

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Waits for the present request's body in the block; raises Problem UNAVAILABLE if there are too many."""
        limits = {"": MOST}
        if "caller" in g:
            limits[f"person:{g.caller.person}"] = OF_PERSON
        else:
            limits["unknown"] = OF_THE_UNKNOWN
            limits[f"address:{auth.address()}"] = OF_ADDRESS
        with self._changing:
            if any(self._counts.get(whose, 0) >= most for whose, most in limits.items()):
                raise Problem(problems.UNAVAILABLE, retry_after=_RETRY_S)
            for whose in limits:
                self._counts[whose] = self._counts.get(whose, 0) + 1
        try:
            yield
        finally:
            with self._changing:
                for whose in limits:
                    self._counts[whose] -= 1
                    if not self._counts[whose]:
                        del self._counts[whose]
