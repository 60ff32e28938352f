"""A real Chromium for tests, and a way to serve an application to it."""

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, Playwright, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

FONTS = Path(__file__).resolve().parents[2] / "server" / "fonts"

# Only the service under test is spoken to: nothing is looked up or fetched behind the test's back.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str:
    """The path of a Chromium; its absence is a failure, not a skip."""
    named = os.environ.get("DAOCUN_TEST_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise RuntimeError("The tests need Chromium; `make test` installs it.")
    return found


_running: list[Playwright] = []


@contextlib.contextmanager
def driver() -> Iterator[Playwright]:
    """Playwright, for the length of the block; the one there is, for it does not run twice in a process."""
    if _running:
        yield _running[0]
        return
    with sync_playwright() as started:
        _running.append(started)
        try:
            yield started
        finally:
            _running.clear()


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """Start a headless Chromium for the length of the block."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as home, driver() as playwright:
        # Our own font shows Chinese also where the system has none for it.
        Path(home, "fonts").symlink_to(FONTS)
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=QUIET + sandbox, env={**os.environ, "XDG_DATA_HOME": home}
        )
        yield browser
        browser.close()


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Say nothing: what the test does not assert, nobody reads."""


@contextlib.contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port of the loopback for the length of the block; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
