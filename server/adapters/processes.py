"""What a process asks of the system for itself."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

_PR_SET_PDEATHSIG = 1
_FILES = 65_536
_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})


def end_with_parent(parent: int) -> None:
    """Has the system end this process when the one that started it is gone, however that came about.

    `parent` is the process id of the one that started this one: if it is gone already, this one ends at once. Signal
    handlers that it left behind are taken away.
    """
    # A terminal sends these to everybody: the parent is told, and tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
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


def end_once(end: Callable[[int, FrameType | None], None]) -> None:
    """Has SIGTERM call `end`, the first time only; only in the main thread.

    systemd tells every process of a service to end, and the parent tells its children too: a handler that is called
    again while it sets a `threading.Event` waits for itself.
    """
    told = False

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if not told:
            told = True
            end(number, frame)

    signal.signal(signal.SIGTERM, once)


def ends_with_terminal() -> bool:
    """Whether this process was started from a terminal and is to end with it: not if `nohup` says otherwise."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


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
