"""A phone: a Chromium with a profile of its own, that can be killed and started again."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright

from tests.support.browser import FONTS, QUIET, driver, find_chromium

_SIGN_IN = """async ({ person, token }) => {
    const db = await new Promise((done, fail) => {
        const open = indexedDB.open("daocun");
        open.onsuccess = () => done(open.result);
        open.onerror = () => fail(open.error);
    });
    const tx = db.transaction(["sessions", "notes", "known"], "readwrite");
    const session = { person, name: person, token, expiresAt: "2099-01-01T00:00:00Z", dead: false };
    tx.objectStore("sessions").put(session);
    tx.objectStore("notes").put({ name: "person", value: person });
    tx.objectStore("known").put({ person, name: "consent", value: true, at: Date.now() });
    await new Promise((done) => { tx.oncomplete = done; });
    db.close();
}"""
_KNOWS_ME = """async () => {
    const db = await new Promise((done) => {
        const open = indexedDB.open("daocun");
        open.onsuccess = () => done(open.result);
    });
    const many = await new Promise((done) => {
        const asked = db.transaction("known").objectStore("known").count();
        asked.onsuccess = () => done(asked.result);
    });
    db.close();
    return many > 1;
}"""
_NOTE = """async () => {
    const db = await new Promise((done) => {
        const open = indexedDB.open("daocun");
        open.onsuccess = () => done(open.result);
    });
    const [draft] = await new Promise((done) => {
        const asked = db.transaction("drafts").objectStore("drafts").getAll();
        asked.onsuccess = () => done(asked.result);
    });
    db.close();
    return draft.note;
}"""
_RECORDS = """async () => {
    const db = await new Promise((done) => {
        const open = indexedDB.open("daocun");
        open.onsuccess = () => done(open.result);
    });
    const all = await new Promise((done) => {
        const asked = db.transaction("records").objectStore("records").getAll();
        asked.onsuccess = () => done(asked.result);
    });
    db.close();
    return all.map(({ id, photos, progress }) => ({ id, photos, progress }));
}"""


class Handset:
    """One person's phone and the app on it."""

    def __init__(self, playwright: Playwright, home: Path, address: str, **options: Any) -> None:
        """Name where its profile lies and where the service is; `options` are Playwright's, of a context."""
        self._playwright = playwright
        self._home = home
        self.address = address
        self.options: dict[str, Any] = {
            "permissions": ["geolocation"],
            "viewport": {"width": 360, "height": 740},
            "has_touch": True,
            "locale": "zh-CN",
            "timezone_id": "Asia/Shanghai",
            **options,
        }
        self.context: BrowserContext | None = None

    def start(self, path: str = "/", before: Callable[[Page], None] | None = None) -> Page:
        """Opens the app, in a browser started anew; `before` does something to it first."""
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._home.mkdir(exist_ok=True)
        fonts = self._home / "fonts"
        if not fonts.exists():
            fonts.symlink_to(FONTS)
        self.context = self._playwright.chromium.launch_persistent_context(
            self._home / "profile",
            executable_path=find_chromium(),
            args=QUIET + sandbox,
            env={**os.environ, "XDG_DATA_HOME": str(self._home)},
            **self.options,
        )
        page = self.context.pages[0]
        if before is not None:
            before(page)
        page.goto(self.address + path)
        return page

    def install(self, person: str, token: str) -> Page:
        """The app as it is once its person has signed in, and the browser keeps its pages."""
        page = self.start()
        page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        page.evaluate(_SIGN_IN, {"person": person, "token": token})
        with page.expect_response("**/api/v1/me"):
            page.reload()
        page.wait_for_function(_KNOWS_ME)
        return page

    def kill(self) -> None:
        """As when the battery is taken out: no part of the browser has a say in it."""
        mark = f"--user-data-dir={self._home / 'profile'}".encode()
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if mark in (process / "cmdline").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)
        with contextlib.suppress(Exception):
            assert self.context is not None
            self.context.close()
        self.context = None
        (self._home / "profile" / "SingletonLock").unlink(missing_ok=True)

    def close(self) -> None:
        """Ends the browser as its person would."""
        if self.context is not None:
            self.context.close()
        self.context = None

    @property
    def page(self) -> Page:
        """The page that is open."""
        assert self.context is not None
        return self.context.pages[0]

    def online(self) -> None:
        """Tells the app what the system tells it when there is a network again."""
        self.page.evaluate("window.dispatchEvent(new Event('online'))")

    def records(self) -> list[dict[str, Any]]:
        """What the outbox holds."""
        found: list[dict[str, Any]] = self.page.evaluate(_RECORDS)
        return found

    def note(self) -> str:
        """The note of the draft, as it is on the disk."""
        found: str = self.page.evaluate(_NOTE)
        return found

    def states(self) -> list[str]:
        """The states of what the outbox holds."""
        return [record["progress"]["state"] for record in self.records()]

    def wait_until(self, *states: str, seconds: float = 60) -> None:
        """Waits until the outbox holds records in just these states, whatever their order."""
        end = time.monotonic() + seconds
        while sorted(self.states()) != sorted(states):
            assert time.monotonic() < end, f"{self.records()} is not {states}"
            self.page.wait_for_timeout(200)


@contextlib.contextmanager
def handset(address: str, **options: Any) -> Iterator[Handset]:
    """A new phone for the length of the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, driver() as playwright:
        phone = Handset(playwright, Path(home), address, **options)
        yield phone
        phone.close()
