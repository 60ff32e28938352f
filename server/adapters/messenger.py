"""Messages to where an office looks anyway: DingTalk, WeCom, e-mail and whatever else apprise knows.

Each is sent by a process of its own. One that hangs is ended and holds up nobody, and what the library and all its
plugins need of memory goes with it.
"""

import contextlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any, Final

TIMEOUT_S: Final = 60.0  # for all of it: whoever answers a byte at a time is no better than whoever does not
_ANSWER_S: Final = 20.0
_COMMAND: Final = (sys.executable, "-P", "-m", "server.adapters.messenger")


def send(address: str, title: str, body: str, timeout_s: float = TIMEOUT_S) -> str | None:
    """Sends plain text to an address as apprise writes them; none once it was taken, else a word why not.

    `address` is one that it does not know; `timeout`, `refused`, or `errcode` and the number that a robot answered.
    What goes wrong is told no closer: addresses are secrets, and the library puts them into its messages.
    """
    # Where this program was found, but nothing that only its parent should know
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAOCUN_")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            _COMMAND,
            input=json.dumps([address, title, body]).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    said = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        return "refused"
    return said or None


def deliver(address: str, title: str, body: str) -> str | None:
    """As `send`, in this process and for as long as it takes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its plugins import is old in places
        import apprise

        plugin = apprise.Apprise.instantiate(address)
        if plugin is None:
            return "address"
        plugin.socket_connect_timeout = plugin.socket_read_timeout = _ANSWER_S
        sender = apprise.Apprise()
        sender.add(plugin)
        with _answers_read() as codes:
            sent = sender.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
    if sent:
        return None
    return f"errcode {codes[-1]}" if codes else "refused"


@contextlib.contextmanager
def _answers_read() -> Iterator[list[int]]:
    """Has an answer of 200 that says `errcode` count as a failure, and collects the codes.

    The robots of DingTalk and WeCom answer so, and apprise looks at the status alone.
    """
    import requests

    codes: list[int] = []
    request = requests.Session.request

    def checked(*args: Any, **kwargs: Any) -> Any:
        answer = request(*args, **kwargs)
        try:
            said = answer.json()
        except ValueError:
            return answer
        code = said.get("errcode") if isinstance(said, dict) else None
        if isinstance(code, int) and code != 0:
            codes.append(code)
            raise requests.RequestException
        return answer

    requests.Session.request = checked  # type: ignore[method-assign]
    try:
        yield codes
    finally:
        requests.Session.request = request  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.stdout.write(deliver(*json.load(sys.stdin)) or "")
