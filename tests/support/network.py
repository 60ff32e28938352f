"""The network between a phone and the service, which a test can take away, cut in the middle, or hand to a portal."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 44\r\nConnection: close\r\n\r\n"
    b"<html><body>please sign in here</body></html>"[:44].ljust(44)
)
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets


@dataclass
class Network:
    """One address that stays while what is behind it changes."""

    port: int
    upstream: int
    mode: str = "open"  # open, gone or portal
    cuts: int = 0
    requests: list[str] = field(default_factory=list)
    _cut_after: int | None = None
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        """Where the phone finds the service."""
        return f"http://127.0.0.1:{self.port}"

    def become(self, mode: str) -> None:
        """Changes for everybody, also on connections that are open."""
        self.mode = mode
        with self._lock:
            for one in list(self._open):
                _reset(one)

    def cut_next_photo(self, after: int) -> None:
        """Cuts the connection on which the next photo is sent: after so many bytes of it, or before its answer."""
        self._cut_after = after

    def handle(self, phone: socket.socket) -> None:
        """Serves one connection to its end."""
        with contextlib.suppress(OSError), phone:
            if self.mode == "gone":
                _reset(phone)
            elif self.mode == "portal":
                phone.recv(65536)
                phone.sendall(PORTAL)
            else:
                with socket.create_connection(("127.0.0.1", self.upstream)) as service:
                    self._carry(phone, service)

    def _carry(self, phone: socket.socket, service: socket.socket) -> None:
        with self._lock:
            self._open |= {phone, service}
        cut = _Cut()
        back = threading.Thread(target=self._back, args=(phone, service, cut), daemon=True)
        back.start()
        try:
            while data := phone.recv(4096):
                if data.startswith((b"GET ", b"PUT ", b"POST ", b"DELETE ")):
                    self.requests.append(data.split(b"\r\n", 1)[0].decode("latin-1"))
                    if b"/photos/" in data.split(b"\r\n", 1)[0] and self._cut_after is not None:
                        cut.left, self._cut_after = self._cut_after, None
                if cut.left is not None:
                    service.sendall(data[: cut.left])
                    cut.left -= len(data)
                    if cut.left <= 0:
                        self.cuts += 1
                        return
                else:
                    service.sendall(data)
        except OSError:
            pass
        finally:
            for one in (phone, service):
                _reset(one)
            back.join(5)
            with self._lock:
                self._open -= {phone, service}

    def _back(self, phone: socket.socket, service: socket.socket, cut: "_Cut") -> None:
        with contextlib.suppress(OSError):
            while data := service.recv(65536):
                if cut.left is not None:  # all of it got through, and nobody will know
                    self.cuts += 1
                    break
                phone.sendall(data)
            _reset(phone)


@dataclass
class _Cut:
    left: int | None = None


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        one.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        one.close()


@contextlib.contextmanager
def network_to(upstream: int) -> Iterator[Network]:
    """A network in front of a service on a port of the loopback, for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        network = Network(listening.getsockname()[1], upstream)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    phone, _ = listening.accept()
                    threading.Thread(target=network.handle, args=(phone,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield network
        network.become("gone")
        listening.shutdown(socket.SHUT_RDWR)
