"""What a long export costs: a county's year as a file, and the most memory that a process needs to write it.

A process of its own asks the application for each format and reads the answer as it comes; what counts is the peak of
its resident memory, beside that of a process that answers an empty list.
"""

import argparse
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench import servers
from server.adapters import secrets
from server.domain.access import Grant, GrantKind
from server.domain.checkins import Visit
from server.domain.checks import VisitStatus
from server.domain.places import BEGINNING, Level, Place, Standing
from server.services.deployment import Deployment
from server.storage import accounts, migrate, register, visits
from server.storage import tables as t
from server.storage.people import chunks

LIMIT_MB = 150
FORMATS = ("csv", "xlsx", "geojson")
NOW = datetime(2018, 12, 31, 4, tzinfo=UTC)
TOKEN = "bench-export"
_AT_ONCE = 5000


def main() -> None:
    """Prints a table for each kind of database, and marks with `!` what takes more memory than it may."""
    parser = argparse.ArgumentParser(prog="python -m bench.export", description=__doc__.splitlines()[0])
    parser.add_argument("--database", nargs="*", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--rows", type=int, default=100_000, help="1000000 takes minutes")
    parser.add_argument("--home", type=Path, default=servers.default_home(), help="a folder on a real disk")
    given = parser.parse_args()
    with servers.folder(given.home) as home:
        for kind in given.database:
            with servers.databases(kind, home / kind) as databases:
                print(f"\n{databases.kind}, {given.rows:,} visits\n")
                print(f"{'format':10} {'peak MB':>8} {'seconds':>8} {'MB':>8}")
                environment = databases.settings()
                with servers.opened(environment) as deployment:
                    migrate.upgrade(deployment.database)
                    fill(deployment, given.rows)
                for form in ("nothing", *FORMATS):
                    found = measured(environment, form)
                    mark = " !" if found["peak_mb"] > LIMIT_MB else ""
                    print(
                        f"{form:10} {found['peak_mb']:8.0f} {found['seconds']:8.1f} {found['bytes'] / 1e6:8.1f}{mark}",
                        flush=True,
                    )


def fill(deployment: Deployment, rows: int) -> None:
    """Puts a village, its envoy, whose name is a formula, a reader and so many visits of a year into a database."""
    with deployment.database.write() as connection:
        register.insert_places(
            connection,
            [
                Place("C", "县", Level.COUNTY, (Standing(BEGINNING, None),)),
                Place("T", "乡", Level.TOWNSHIP, (Standing(BEGINNING, "C"),)),
                Place("v", "村", Level.VILLAGE, (Standing(BEGINNING, "T"),)),
            ],
        )
        register.bump(connection)
        names = {"envoy": "=cmd()", "reader": "reader"}
        connection.execute(
            insert(t.person), [{"code": code, "name": name, "phone": "", "unit": ""} for code, name in names.items()]
        )
        accounts.open_accounts(connection, ["reader"], NOW)
        accounts.add_grant(connection, "reader", Grant(GrantKind.AUDITOR, "C"), "command-line", NOW)
        digest = secrets.token_digest(TOKEN)
        accounts.add_token(connection, digest, "reader", NOW, datetime(2099, 1, 1, tzinfo=UTC))
    for chunk in chunks(_visits(rows), _AT_ONCE):
        with deployment.database.write() as connection:
            visits.insert_many(connection, chunk)


def _visits(rows: int) -> Iterator[Visit]:
    for number in range(rows):
        day = date(2018, 1, 1) + timedelta(days=number % 360)
        at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(seconds=number % 30_000)
        yield Visit(
            str(uuid.UUID(int=number)), "envoy", "v", "v", "/C/T/v/", "visit", at, at, day, at, 37.8, 117.0, 12.0,
            "wgs84", 37.8, 117.0, ("go-between",), "走访了三户，反映路灯不亮", {}, 0.0, b"\0" * 32,
            status=VisitStatus.CONFIRMED,
        )  # fmt: skip


def measured(environment: dict[str, str], form: str) -> dict[str, Any]:
    """What one process of its own needs for one export: `peak_mb`, `seconds`, `bytes`."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.export_once", form],
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


if __name__ == "__main__":
    main()
