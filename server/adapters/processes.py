"""What a process asks of the system for itself."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_FILES = 65_536
_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})


def end_with_parent(parent: int) -> None:
    """Has the system end this process when the one that started it is gone, however that came about.

    `parent` is the process id of the one that started this one: if it is gone already, this one ends at once. Signal
    handlers that it left behind are taken away.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to everybody: the parent is told, and tells us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if is_orphan(parent):
        os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def ending_held() -> Iterator[None]:
    """Keeps SIGTERM and SIGINT waiting for the length of the block, here and in processes started in it.

    One that comes while a process has not found its feet would else be taken by the handlers of its parent, and lost.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_end() -> None:
    """Takes what `ending_held` has kept waiting, in a process started meanwhile."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def is_orphan(parent: int) -> bool:
    """Whether the process that started this one is gone."""
    return os.getppid() != parent


def allow_many_connections() -> None:
    """Raises how many files this process may have open, as far as an ordinary one may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def give_way() -> None:
    """Lets everybody else on the machine go first."""
    with contextlib.suppress(OSError):
        os.nice(10)
