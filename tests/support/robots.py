"""Local servers that take messages as the robots of DingTalk and WeCom do, and as a mail server does."""

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Robot:
    """What the next answers are, and what has come in; `hang` holds every answer back until it is set."""

    port: int = 0
    answers: list[tuple[int, Any]] = field(default_factory=list)
    taken: list[tuple[str, Any]] = field(default_factory=list)  # path, JSON or mail
    hangs: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Its address as apprise writes it."""
        return f"json://127.0.0.1:{self.port}/"


@contextlib.contextmanager
def robot() -> Iterator[Robot]:
    """Answers `{"errcode": 0}` unless told otherwise."""
    state = Robot()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.taken.append((self.path, json.loads(body)))
            if state.hangs:
                state.over.wait(30)
                return
            status, said = state.answers.pop(0) if state.answers else (200, {"errcode": 0, "errmsg": "ok"})
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler), state):
        yield state


@contextlib.contextmanager
def mail_server() -> Iterator[Robot]:
    """Takes mail; an answer of `(550, …)` refuses the next one."""
    state = Robot()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = list(iter(self.rfile.readline, b".\r\n"))
                    if state.answers:
                        self.wfile.write(b"%d no\r\n" % state.answers.pop(0)[0])
                    else:
                        state.taken.append(("", b"".join(lines)))
                        self.wfile.write(b"250 taken\r\n")
                elif verb == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 fine\r\n")

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), state):
        yield state


@contextlib.contextmanager
def _serving(server: socketserver.BaseServer, state: Robot) -> Iterator[None]:
    state.port = server.server_address[1]  # type: ignore[assignment]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        state.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
