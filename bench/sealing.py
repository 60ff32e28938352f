"""What sealing the log costs: ten thousand lines sealed and verified, and what writers notice meanwhile.

python -m bench.sealing
"""

import argparse
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import servers
from server.services import sealing, upkeep
from server.services.deployment import Deployment
from server.storage import logbook, migrate
from server.storage.logbook import Line

NOW = datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)
LINE = Line("E0001", "check-in", "visit", "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d", {"status": "confirmed"}, "/1/2/3/4/")
CHUNK = 500


def main() -> None:
    """Prints a table for each kind of database."""
    given = _arguments()
    with servers.folder(given.home) as home:
        for kind in given.database:
            with servers.databases(kind, home / kind) as databases, servers.opened(databases.settings()) as deployment:
                migrate.upgrade(deployment.database)
                print(f"\n{databases.kind}, {given.lines:,} lines\n")
                _measure(deployment, given.lines, given.seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.sealing", description=__doc__.splitlines()[0])
    parser.add_argument("--database", nargs="*", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="for how long one writer is watched")
    parser.add_argument("--home", type=Path, default=servers.default_home(), help="a folder on a real disk")
    return parser.parse_args()


def _measure(deployment: Deployment, lines: int, seconds: float) -> None:
    for _ in range(lines // CHUNK):
        with deployment.database.write() as connection:
            logbook.write(connection, NOW, [LINE] * CHUNK)
    begun = time.perf_counter()
    sealing.seal_all(deployment, NOW)
    _say("seal, a line", (time.perf_counter() - begun) / lines)
    begun = time.perf_counter()
    faults = len(list(upkeep.check_log(deployment))) - 1
    _say(f"verify, a line ({faults} faults)", (time.perf_counter() - begun) / lines)
    for name, sealed in (("without a sealer", False), ("with one", True)):
        stop = threading.Event()
        sealer = threading.Thread(target=sealing.keep_sealing, args=(deployment, stop))
        if sealed:
            sealer.start()
        took = _written(deployment, seconds)
        stop.set()
        if sealed:
            sealer.join()
        _say(f"write, one line a commit, {name}: median", took[len(took) // 2])
        _say(f"write, one line a commit, {name}: p99", took[len(took) * 99 // 100])


def _written(deployment: Deployment, seconds: float) -> list[float]:
    took: list[float] = []
    ends = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < ends:
        with deployment.database.write() as connection:
            logbook.write(connection, NOW, [LINE])
        took.append(time.perf_counter() - begun)
    return sorted(took)


def _say(what: str, seconds: float) -> None:
    print(f"{what:56} {seconds * 1e6:9.1f} µs", flush=True)


if __name__ == "__main__":
    main()
