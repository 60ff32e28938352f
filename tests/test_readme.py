"""The README's first check-in, run as somebody pastes it: against the demo, with curl."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TREE = Path(__file__).resolve().parents[1]
PATIENCE_S = 120  # other tests run beside this one
ADDRESS = "http://127.0.0.1:8000"  # the demo's, as the README writes it
POSITION = '{"latitude": 37.811268, "longitude": 117.012492, "accuracy_m": 12}'

# `daocun demo`, with one township instead of sixteen
_DEMO = "import sys; from server import demo; demo.run(port=int(sys.argv[1]), townships=1)"

SIGN_IN, CHECK_IN = re.findall(r"^```sh\n(.*?)^```", (TREE / "README.md").read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running demo."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = tmp_path_factory.mktemp("demo") / "said"
    with said.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-c", _DEMO, str(port)], cwd=TREE, stdout=stream, stderr=stream)
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz", process, said)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def wait_for(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, said.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(said.read_text(encoding="utf-8"))


def pasted(commands: str, address: str) -> list[dict[str, Any]]:
    """What comes back for commands of the README: a JSON answer on each line."""
    script = f"set -eu\n{commands}".replace(ADDRESS, address)
    done = subprocess.run(
        ["bash", "-c", script], cwd=TREE, capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def test_the_first_check_in_is_confirmed_and_meets_the_week_and_sending_it_again_changes_nothing(address: str) -> None:
    first, again = pasted(SIGN_IN + CHECK_IN + CHECK_IN, address)
    assert first["status"] == "confirmed"
    assert [(o["duty"], o["status"]) for o in first["obligations"]] == [("envoy-weekly-visit", "met")]
    assert first["photos"]["missing"] == []
    assert again == first


@pytest.mark.parametrize(
    ("position", "status"),
    [(POSITION.replace("37.811268", "37.841268"), "rejected"), ("null", "review")],
    ids=["from 3 km away", "without a position"],
)
def test_what_the_readme_says_of_other_positions_is_so(address: str, position: str, status: str) -> None:
    assert POSITION in CHECK_IN
    (answer,) = pasted(SIGN_IN + CHECK_IN.replace(POSITION, position), address)
    assert answer["status"] == status


def test_the_answer_that_the_readme_shows_has_the_names_of_a_real_one(address: str) -> None:
    (real,) = pasted(SIGN_IN + CHECK_IN, address)
    (shown,) = re.findall(r"^```json\n(.*?)^```", (TREE / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert set(re.findall(r'"(\w+)":', shown)) <= set(re.findall(r'"(\w+)":', json.dumps(real)))
