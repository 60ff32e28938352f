"""Databases and servers to measure: each in a folder, and processes, of its own."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bench import county, floor
from server.services import judging
from server.services.deployment import Deployment, open_deployment
from server.settings import load
from server.storage import migrate
from tests.support import postgres

# One address stands for a whole carrier's here: the limits are kept and counted, and let everything through.
NO_LIMITS = {"DAOCUN_RATE_ADDRESS_PER_MINUTE": "10000000", "DAOCUN_RATE_PERSON_PER_MINUTE": "10000000"}


class Databases:
    """Gives out empty databases of one kind."""

    def __init__(self, home: Path, cluster: postgres.Cluster | None) -> None:
        self._home = home
        self._cluster = cluster
        self._made = 0

    @property
    def kind(self) -> str:
        """What kind they are of."""
        return "PostgreSQL" if self._cluster else "SQLite"

    def settings(self) -> dict[str, str]:
        """The environment of a deployment in a new folder with a new, empty database."""
        self._made += 1
        home = self._home / f"{self.kind.lower()}-{self._made}"
        home.mkdir(parents=True)
        url = self._cluster.url(self._cluster.create()) if self._cluster else f"sqlite:///{home / 'daocun.db'}"
        return {"DAOCUN_HOME": str(home), "DAOCUN_DATABASE_URL": url, **NO_LIMITS}


@contextlib.contextmanager
def databases(kind: str, home: Path) -> Iterator[Databases]:
    """Databases of a kind for the length of the block; a PostgreSQL cluster that waits for the disk like any other."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(postgres.running_cluster({})) if kind == "postgresql" else None
        yield Databases(home, cluster)


@dataclass(frozen=True, slots=True)
class World:
    """A deployment with people in it, ready to be served."""

    environment: dict[str, str]
    made: county.Counties


def world(environment: dict[str, str], counties: int, visits: int, now: datetime) -> World:
    """Settles counties in an empty database, with so many visits behind them, and judges the present month."""
    with opened(environment) as deployment:
        made = settled(deployment, counties, now)
        today = now.astimezone(deployment.zone).date()
        if visits:
            county.fill(deployment, made, visits, today - county.WEEK)
        judging.ensure_judged(deployment, today.replace(day=1), today)
    return World(environment, made)


def make_folders(environment: dict[str, str]) -> None:
    """The folders of a photo store that has been in use for a year, as the floor has its own from the start."""
    uploads = load(environment).uploads
    for number in range(65_536):
        name = f"{number:04x}"
        (uploads / name[:2] / name[2:]).mkdir(parents=True, exist_ok=True)


def settled(deployment: Deployment, counties: int, now: datetime) -> county.Counties:
    """Counties settled in an empty database."""
    migrate.upgrade(deployment.database)
    made = county.counties(counties, date(now.year - 1, 1, 1))
    county.settle(deployment, made, now)
    return made


def floor_world(environment: dict[str, str]) -> None:
    """Makes what the floor needs, in an empty database."""
    with opened(environment) as deployment:
        migrate.upgrade(deployment.database)
        floor.prepare(deployment.database, deployment.settings.uploads)


@contextlib.contextmanager
def opened(environment: dict[str, str]) -> Iterator[Deployment]:
    """The deployment of an environment."""
    deployment = open_deployment(load(environment))
    try:
        yield deployment
    finally:
        deployment.database.close()


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and its port."""

    process: subprocess.Popen[bytes]
    port: int

    def memory_mb(self) -> float:
        """Resident memory of all its processes; what they share is counted in each."""
        return sum(_resident_kb(pid) for pid in _family(self.process.pid)) / 1024


@contextlib.contextmanager
def serving(what: str, environment: dict[str, str], *, jobs: bool, log: Path) -> Iterator[Server]:
    """`daocun` or `floor`, served for the length of the block as `daocun serve` does it."""
    command = [sys.executable, "-m", "bench.serve", what, json.dumps(jobs)]
    with log.open("ab") as errors:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        found = re.search(r":([0-9]+)\s*$", said)
        if not found:
            raise RuntimeError(f"{what} did not start; see {log}")
        yield Server(process, int(found[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _resident_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


@contextlib.contextmanager
def folder(home: Path) -> Iterator[Path]:
    """A folder on a real disk, gone afterwards."""
    place = home / f"bench-{os.getpid()}"
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def default_home() -> Path:
    """Where benches keep their files: in the tree, for /tmp may be memory."""
    return Path(__file__).resolve().parents[1] / ".cache" / "bench"
