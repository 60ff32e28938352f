"""Random histories of changes: what is stored is what judging from scratch says, and a trial says what is then done."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from server.domain.access import Grant, GrantKind
from server.services.deployment import Deployment
from server.storage import accounts
from tests.domain.effort import SOAK
from tests.factories import NOW, XIDUAN, settle
from tests.services import facts
from tests.services.histories import Histories
from tests.support.postgres import Cluster

STEPS, HISTORIES = (500, 6) if SOAK else (30, 6)


def fill(deployment: Deployment) -> None:
    settle(deployment)
    with deployment.database.write() as connection:
        accounts.add_grant(connection, "secretary", Grant(GrantKind.ADMIN, XIDUAN), "x", NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def histories(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[type[Histories]]:
    """The machine on a database of each kind; each history in a copy of one that is filled once."""
    folders = itertools.count()

    def opened(url: str, stack: ExitStack) -> Deployment:
        deployment = facts.opened(url, tmp_path)
        stack.callback(deployment.database.close)
        return deployment

    def on_sqlite(stack: ExitStack) -> tuple[Deployment, Deployment]:
        path = tmp_path / f"{next(folders)}.db"
        shutil.copyfile(template, path)
        return opened(f"sqlite:///{path}", stack), opened(f"sqlite:///{path}", stack)

    def on_postgres(stack: ExitStack) -> tuple[Deployment, Deployment]:
        name = cluster.create(template=filled)
        stack.callback(cluster.drop, name)
        return opened(cluster.url(name), stack), opened(cluster.url(name), stack)

    if request.param == "sqlite":
        template = tmp_path / "template.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), template)
        with ExitStack() as stack:
            fill(opened(f"sqlite:///{template}", stack))
        yield type("OnSqlite", (Histories,), {"open": staticmethod(on_sqlite)})
    else:
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        filled = cluster.create(template=request.getfixturevalue("migrated_postgres"))
        with ExitStack() as stack:
            fill(opened(cluster.url(filled), stack))
        yield type("OnPostgres", (Histories,), {"open": staticmethod(on_postgres)})
        cluster.drop(filled)


def test_whatever_happens_what_is_stored_is_what_judging_from_scratch_says(histories: type[Histories]) -> None:
    run_state_machine_as_test(
        histories,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
