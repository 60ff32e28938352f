"""A PostgreSQL cluster of the tests' own, made from the distribution's binaries and gone with the run.

It listens on a unix socket only, so it needs no port and meets no other server. PostgreSQL refuses to
run as root: there it runs as an ordinary user.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

OLDEST = 15
PREFIX = "daocun-pg-"
TREE = Path(__file__).resolve().parents[2]

# Nothing here outlives the run, so nothing waits for the disk.
SPEED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class Cluster:
    """A running cluster: it gives out empty databases, each under a new name."""

    def __init__(self, socket_dir: Path) -> None:
        self.socket_dir = socket_dir
        self._made = 0

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one database of this cluster."""
        return f"postgresql+psycopg://daocun@/{database}?host={self.socket_dir}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A superuser's connection that commits each statement."""
        return psycopg.connect(
            host=str(self.socket_dir), user="daocun", dbname=database, autocommit=True, connect_timeout=10
        )

    def create(self, template: str = "template0") -> str:
        """Make a database, empty or a copy of the template, and return its name."""
        self._made += 1
        name = f"test_{self._made}"
        with self.connect() as connection:
            # Copying the files is the quicker way as long as a checkpoint waits for no disk.
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Remove a database, also under a connection that a test forgot."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def find_binaries() -> Path:
    """The folder of the newest `initdb` at hand; none of version 15 or later is a failure, not a skip."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    versions = {_version(folder): folder for folder in folders}
    if not versions or max(versions) < OLDEST:
        raise RuntimeError(f"The tests need PostgreSQL {OLDEST} or later; `make test` installs it.")
    return versions[max(versions)]


@contextlib.contextmanager
def running_cluster(speed: Mapping[str, str] = SPEED) -> Iterator[Cluster]:
    """Start a cluster for the length of the block; with other settings than `SPEED` it can be measured."""
    binaries = find_binaries()
    user = _ordinary_user()
    home = _home(user)
    data = home / "data"
    server = None
    try:
        # An ICU collation, unlike code point order: whatever leans on the database's order shows here.
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh"]
        initdb = [binaries / "initdb", "--no-sync", "--username=daocun", "--auth=trust", *locale]
        _run([*initdb, f"--pgdata={data}"], user)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(home),
            "max_connections": "200",
        } | dict(speed)
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, *arguments], stdout=log, stderr=log, cwd="/", **user
            )
        cluster = Cluster(home)
        _wait_until_ready(cluster, server, home / "log")
        yield cluster
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)  # an immediate stop: nothing is kept
            server.wait(timeout=30)
        shutil.rmtree(home, ignore_errors=True)


def _version(folder: Path) -> int:
    words = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", words)[0])


def _ordinary_user() -> dict[str, Any]:
    """What `subprocess` needs to leave root, or nothing for who is ordinary already."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as.")


def _home(user: dict[str, Any]) -> Path:
    """A new folder for the cluster, in the tree where that user can reach it and a socket's name fits."""
    inside = TREE / ".cache" / "pg"
    inside.mkdir(parents=True, exist_ok=True)
    folders = (inside, Path("/tmp"))
    for folder in folders:
        _sweep(folder)
    for folder in folders:
        home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=folder))
        if _usable(home, user):
            return home
        home.rmdir()
    raise RuntimeError(f"No folder for a PostgreSQL cluster: {inside} and /tmp do not serve.")


def _usable(home: Path, user: dict[str, Any]) -> bool:
    """Hand the folder to the user; false where that user cannot reach it or a socket's name is too long."""
    if user:
        os.chown(home, user["user"], user["group"])
    longest_socket_name = 107
    if len(os.fsencode(home / ".s.PGSQL.5432")) > longest_socket_name:
        return False
    return subprocess.run(["test", "-w", home], cwd="/", check=False, **user).returncode == 0


def _sweep(folder: Path) -> None:
    """Remove what a killed run left, its server too."""
    for left in folder.glob(f"{PREFIX}*"):
        owner = left.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            pidfile = left / "data" / "postmaster.pid"
            with contextlib.suppress(OSError, ValueError, IndexError):
                lines = pidfile.read_text().splitlines()
                if str(left).encode() in Path("/proc", lines[0], "cmdline").read_bytes():
                    os.kill(int(lines[0]), signal.SIGQUIT)
            shutil.rmtree(left, ignore_errors=True)


def _run(command: list[Path | str], user: dict[str, Any]) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **user)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _wait_until_ready(cluster: Cluster, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            cluster.connect().close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return
