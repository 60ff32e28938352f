"""What a process asks of the system for itself."""

import contextlib
import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_FILES = 65_536


def end_with_parent(parent: int) -> None:
    """Has the system end this process when the one that started it is gone, however that came about.

    `parent` is the process id of the one that started this one: if it is gone already, this one ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


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
