"""The real server in a process of its own, for tests that need several requests at one moment, or half of one."""

import contextlib
import http.client
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

TREE = Path(__file__).resolve().parents[2]
PATIENCE_S = 120  # other tests run beside this one

_PROGRAM = """
import os, sys
from server import serving, settings
serving.serve(settings.load(os.environ), port=0, workers=2, jobs=False, started=lambda at: print(at, flush=True))
"""


@dataclass(frozen=True)
class Served:
    """Where it listens."""

    port: int

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> "Answer":
        """One request on a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())

    def connect(self) -> http.client.HTTPConnection:
        """A connection, not opened yet."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


@contextlib.contextmanager
def running_server(database_url: str, uploads: Path) -> Iterator[Served]:
    """Serves a database that has its tables, for the length of the block."""
    environ = {"DAOCUN_DATABASE_URL": database_url, "DAOCUN_UPLOADS": str(uploads), "PYTHONPATH": str(TREE)}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM],
        cwd=uploads.parent,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline()
        assert address, f"the server did not start: {process.wait()}"
        yield Served(urlsplit(address.strip()).port or 0)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stdout.close()
