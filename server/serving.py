"""The production server: the service under granian, its jobs in a process of their own, both ended together."""

import contextlib
import gc
import ipaddress
import multiprocessing
import os
import signal
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final

import click
import structlog

from server import granian_server, logs
from server.adapters import clock, processes, sockets
from server.adapters.messages import both
from server.api.files import ASIDE
from server.settings import Settings
from server.storage import readiness
from server.storage.database import open_database
from server.terminal import Refused, say

THREADS: Final = 4  # requests worked on at a time in one worker; more only wait for Python's lock, or for the database
IDLE_S: Final = 75.0
REQUEST_S: Final = 300.0  # for a whole request, photos and all
REST_S: Final = 5.0  # between two looks for work; a near copy of a picture is to be found within a minute
_HOUR_S: Final = 3600.0

_log = structlog.get_logger(__name__)


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    workers: int | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    behind_proxy: bool = False,
    jobs: bool = True,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT, then ends what is under way; a process has one server, in its main thread.

    `port` 0 takes a free one. `started` is called with the address once connections are taken; without it the address
    is printed. Raises UsageError, Refused; SystemExit 1 if workers die as soon as they are started.
    """
    logs.configure(settings)
    check_options(host, tls_cert, tls_key, behind_proxy)
    check_database(settings)
    if behind_proxy and not settings.trusted_proxies:
        say(both("cli.serve-trusts-no-proxy"))
    workers = workers or default_workers(settings)
    try:
        listening = sockets.listen_for(host, port, workers)
    except OSError as error:
        raise Refused("serve-address", host=host, port=port, error=os.strerror(error.errno or 0)) from error
    port = listening[0].getsockname()[1]
    address = f"{'https' if tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    processes.allow_many_connections()
    multiprocessing.set_start_method("fork", force=True)  # so that workers have the sockets, and share what is imported
    _share_imports()
    helper = _Jobs(settings) if jobs else None
    tell = partial(started or _say_address, address)
    server = granian_server.make(listening, tell, host, port, tls_cert, tls_key)
    if helper:
        server.on_startup(helper.start)
    # granian would log each start and stop of each worker; what goes wrong still shows.
    try:
        server.serve(target_loader=partial(_worker, _load, settings, os.getpid()), wrap_loader=False)
    finally:
        if helper:
            helper.stop()
        for one in listening:
            one.close()


def check_options(host: str, tls_cert: Path | None, tls_key: Path | None, behind_proxy: bool) -> None:
    """Raises UsageError for options that do not go together, Refused for a certificate that cannot be used.

    Browsers give no position, no service worker and no WebCrypto on plain http, except from the machine itself.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError(both("cli.serve-half-tls"))
    if tls_cert is None and not behind_proxy and not is_loopback(host):
        raise click.UsageError(both("cli.serve-needs-tls", host=host))
    if tls_cert and tls_key:
        for file in (tls_cert, tls_key):
            if not os.access(file, os.R_OK):
                raise Refused("serve-tls-unreadable", file=file)
        try:
            # An empty password instead of a question that nobody answers
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls_cert, tls_key, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            raise Refused("serve-tls-unusable", cert=tls_cert, private=tls_key) from error


def check_database(settings: Settings) -> None:
    """Raises Refused unless the database is there and has the tables that this version expects."""
    if readiness.file_is_missing(settings.database_url):
        raise Refused("database-empty")
    database = open_database(settings.database_url)
    try:
        state = readiness.readiness(database)
    finally:
        database.close()  # nothing of it may be carried into the workers
    if state is not readiness.Readiness.READY:
        raise Refused(f"database-{state.value}")


def is_loopback(host: str) -> bool:
    """Whether an address, or all that a name stands for, is only reached from this machine."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host or "0.0.0.0", None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(str(one).partition("%")[0]).is_loopback for one in found)


def default_workers(settings: Settings) -> int:
    """How many workers serve: two write to SQLite in turns as fast as more; PostgreSQL keeps every core busy."""
    if settings.database_url.startswith("sqlite"):
        return 2
    return min(8, max(2, os.cpu_count() or 2))


class Places:
    """So many places, given out in the order of asking.

    A semaphore lets whoever comes along just then go before those who wait, and these begin to wait anew: of thirty
    phones the unluckiest then waits five times as long as most.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._changing = threading.Lock()
        self._queue: deque[threading.Lock] = deque()
        self._returning: deque[threading.Lock] = deque()

    def take(self, *, again: bool = False) -> None:
        """Waits for a place; who had one before and gave it up for a while comes before those who never had one."""
        with self._changing:
            if self._free:
                self._free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            (self._returning if again else self._queue).append(mine)
        mine.acquire()

    def give(self) -> None:
        """Gives the place to who has waited longest."""
        with self._changing:
            if self._returning:
                self._returning.popleft().release()
            elif self._queue:
                self._queue.popleft().release()
            else:
                self._free += 1


class Gate:
    """Lets a few requests at a time into the application; one that waits for its body stands aside meanwhile.

    Without this a handful of phones with a bad signal would keep everybody else out.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], threads: int = THREADS) -> None:
        self._app = app
        self._places = Places(threads)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"] = _Body(environ["wsgi.input"], self)
        environ[ASIDE] = self.aside
        self._places.take()
        try:
            return self._app(environ, start_response)
        finally:
            self._places.give()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Gives one's place to others for the length of the block."""
        self._places.give()
        try:
            yield
        finally:
            self._places.take(again=True)


class _Body:
    def __init__(self, inner: Any, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate

    def read(self, size: int = -1) -> bytes:
        with self._gate.aside():
            data: bytes = self._inner.read() if size < 0 else self._inner.read(size)
        return data

    def readline(self, size: int = -1) -> bytes:
        with self._gate.aside():
            data: bytes = self._inner.readline() if size < 0 else self._inner.readline(size)
        return data

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")


def _say_address(address: str) -> None:
    say(both("cli.listening", address=address))


def _share_imports() -> None:
    """What is imported before the workers are split off is in memory once."""
    import server.app
    import server.services.digests
    import server.services.jobs
    import server.services.sealing  # noqa: F401

    gc.collect()
    gc.freeze()


def _worker(load: Callable[[Settings], Gate], settings: Settings, parent: int, *_target: object) -> Gate:
    """Makes a worker of a process that was just split off."""
    processes.end_with_parent(parent)
    granian_server.take_signals()
    processes.let_end()
    logs.configure(settings)
    gate = load(settings)
    threading.Thread(target=_tend, args=(parent,), name="tend", daemon=True).start()
    return gate


def _load(settings: Settings) -> Gate:
    from server.app import create_app

    app = create_app(settings)
    photos = app.extensions["daocun.deployment"].photos
    threading.Thread(target=photos.settle, name="photos", daemon=True).start()
    return Gate(app)


def _tend(parent: int) -> None:
    """Ends idle connections, and this worker should it have missed that its parent is gone."""
    while True:
        for _ in range(int(IDLE_S / 5)):
            time.sleep(1)
            if processes.is_orphan(parent):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(granian_server.STOP_S)
                os.kill(os.getpid(), signal.SIGKILL)
        try:
            sockets.close_idle(IDLE_S, REQUEST_S)
        except Exception:
            _log.exception("idle connections could not be closed")


class _Jobs:
    """The process that does the jobs: started again when it dies, ended with the server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._process: multiprocessing.Process | None = None

    def start(self) -> None:
        """Starts it, and a thread that watches over it."""
        self._begin()
        threading.Thread(target=self._watch, name="jobs", daemon=True).start()

    def stop(self) -> None:
        """Lets it finish what it is at, and ends it."""
        self._stopping.set()
        process = self._process
        if process is None:
            return
        process.terminate()
        process.join(granian_server.STOP_S)
        if process.is_alive():
            process.kill()
            process.join()

    def _begin(self) -> None:
        self._process = multiprocessing.Process(
            name="daocun-jobs", target=work, args=(self._settings, os.getpid()), daemon=True
        )
        with processes.ending_held():
            self._process.start()

    def _watch(self) -> None:
        while self._process is not None:
            wait([self._process.sentinel])  # without reaping it: `stop` may be waiting too
            if self._stopping.wait(1.0):
                return
            self._process.join()
            _log.error("the process that does the jobs died and is started again", exit_code=self._process.exitcode)
            self._begin()


def work(settings: Settings, parent: int) -> None:
    """Does the jobs, again and again, until SIGTERM or the end of the process that started this one."""
    from server.services import digests, jobs, sealing
    from server.services.deployment import open_deployment

    # Not taken as they come but between two rounds: a round is never cut short.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    processes.end_with_parent(parent)
    logs.configure(settings)
    deployment = open_deployment(settings)
    stop = threading.Event()
    # Before giving way, which is for this thread alone: a line is sealed within a second.
    sealer = threading.Thread(target=sealing.keep_sealing, args=(deployment, stop), name="seals", daemon=True)
    sealer.start()
    processes.give_way()
    # A hanging mail server holds up no job. Nobody waits for this thread at the end: what it was at is tried again.
    threading.Thread(target=digests.keep_sending, args=(deployment, stop), name="digests", daemon=True).start()
    swept = -_HOUR_S
    rest = 0.0
    while signal.sigtimedwait({signal.SIGTERM}, rest) is None:
        hourly = time.monotonic() - swept >= _HOUR_S
        try:
            done = jobs.tick(deployment, clock.now(), hourly)
        except Exception:
            _log.exception("the jobs could not be done")
            rest = 6 * REST_S
            continue
        if hourly and done:
            swept = time.monotonic()
        rest = 0.0 if done.get("pictures") or done.get("visits") else REST_S
    stop.set()
    sealer.join()
    deployment.database.close()
