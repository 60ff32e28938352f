"""The walk from a rejected visit to a confirmed appeal, pasted as it stands in the documents."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.serving import PATIENCE_S, running_server

TREE = Path(__file__).resolve().parents[1]
PAGE = (TREE / "docs" / "walkthrough.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
SETTLE, *STEPS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
# The command, wherever it is installed
DAOCUN = f"""set -eu
daocun() {{ PYTHONPATH={TREE} {sys.executable} -W ignore -c 'from server.cli import main; main()' "$@"; }}
"""


def pasted(commands: str, folder: Path) -> list[str]:
    """The lines that the commands print."""
    done = subprocess.run(
        ["bash", "-c", DAOCUN + commands], cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_walk_goes_as_it_says(tmp_path: Path) -> None:
    pasted(SETTLE, tmp_path)
    home = tmp_path / "walk"
    with running_server(f"sqlite:///{home / 'daocun.db'}", home / "uploads") as served:
        steps = "".join(STEPS).replace(ADDRESS, f"http://127.0.0.1:{served.port}")
        said = pasted(steps, home)
    kept = re.findall(r"^    ([ER]\d .+)$", PAGE, re.M)
    assert said[: -len(kept)] == [
        "obligation missed",
        "review", "obligation pending", "rejected", "obligation missed",
        "already-decided",
        "review", "obligation pending",
        "own-decision", "would change 2018-W46 pending met", "obligation pending", "confirmed", "obligation met",
    ]  # fmt: skip
    assert [line.strip() for line in said[-len(kept) :]] == kept
