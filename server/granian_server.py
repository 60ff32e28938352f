"""granian as we need it: on sockets that outlive its workers, and ended by a signal however often it comes."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from server.adapters import processes, sockets

# Bodies that come slowly wait in threads of their own; these cost next to nothing while they wait.
WAITING: Final = 256
CONNECTIONS: Final = 4096  # at a time in one worker, also those that nothing is asked on
STOP_S: Final = 30  # for what is under way when the service is told to stop


def make(
    listening: list[socket.socket],
    started: Callable[[], None],
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> Any:
    """A server with a worker for each socket; `started` is called once they are there.

    In a terminal SIGHUP ends it, as when the window is closed; without one it starts the workers anew, one by one.
    """
    from granian._granian import SocketHolder
    from granian.constants import Interfaces, SSLProtocols
    from granian.http import HTTP2Settings
    from granian.log import LogLevels
    from granian.server import MPServer

    with_terminal = processes.ends_with_terminal()

    class Server(MPServer):
        """Serves on sockets that were opened before and outlive the workers.

        granian's own workers each open one on the same port: another server could then take half of the connections
        unnoticed, and one that waits for a worker that ends is lost.
        """

        def _init_shared_socket(self) -> None:
            self._sso = None

        def _spawn_worker(self, idx: int, *given: Any, **more: Any) -> Any:
            shared: Any = SocketHolder  # its published types leave its arguments out
            self._shd = shared(listening[idx].fileno(), False, sockets.BACKLOG)
            return super()._spawn_worker(idx, *given, **more)

        def _spawn_workers(self, *given: Any) -> None:
            with processes.ending_held():
                super()._spawn_workers(*given)  # type: ignore[no-untyped-call]
            started()

        def _respawn_workers(self, *given: Any, **more: Any) -> None:
            with processes.ending_held():
                super()._respawn_workers(*given, **more)

        def signal_handler_interrupt(self, *_given: Any, **_more: Any) -> None:
            # Once: a second one that comes while the first sets the event would wait for it without end.
            if not self.interrupt_signal:
                super().signal_handler_interrupt()  # type: ignore[no-untyped-call]

        def shutdown(self, exit_code: int = 0) -> None:
            try:
                super().shutdown(exit_code)  # type: ignore[no-untyped-call]
            except SystemExit:
                # A worker that was told to end by another than us is no failure, once we were told too.
                if not self.interrupt_signal:
                    raise

        def signal_handler_reload(self, *_given: Any, **_more: Any) -> None:
            if with_terminal:
                self.signal_handler_interrupt()
            else:
                super().signal_handler_reload()  # type: ignore[no-untyped-call]

    return Server(
        "server.app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=len(listening),
        blocking_threads=WAITING,
        backpressure=CONNECTIONS,
        websockets=False,
        http2_settings=HTTP2Settings(max_concurrent_streams=100, max_headers_size=64 * 1024),
        ssl_cert=tls_cert,
        ssl_key=tls_key,
        ssl_protocol_min=SSLProtocols.tls12,  # Android before 10 knows no 1.3
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_S,
        log_level=LogLevels.error,
        log_dictconfig={"handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}},
        log_access=False,
    )


def take_signals() -> None:
    """Has this worker take SIGTERM once; granian's own handler would be called by each signal, and wait for itself."""
    from granian import _signals

    _signals.set_main_signals = _take_once


def _take_once(end: Any, _reload: Any = None) -> None:
    processes.end_once(end)
