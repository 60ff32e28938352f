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

from server.services.deployment import Deployment
from server.storage import accounts
from tests.domain.effort import SOAK
from tests.factories import GRANTS, NOW, settle
from tests.services import facts
from tests.services.check_ins import Everything
from tests.services.histories import GIVEN
from tests.support.postgres import Cluster

STEPS, HISTORIES = (500, 20) if SOAK else (30, 4)


def fill(deployment: Deployment) -> None:
    settle(deployment)
    with deployment.database.write() as connection:
        for person, grant in ((person, grant) for person, grants in GIVEN.items() for grant in grants):
            if GRANTS.get(person) != (grant.kind, grant.place):
                accounts.add_grant(connection, person, grant, "x", NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def histories(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[type[Everything]]:
    """The machine on a database of each kind; each history in a copy of one that is filled once."""
    folders = itertools.count()

    def opened(url: str, stack: ExitStack) -> Deployment:
        deployment = facts.opened(url, tmp_path)
        stack.callback(deployment.database.close)
        return deployment

    def on_sqlite(stack: ExitStack) -> Deployment:
        path = tmp_path / f"{next(folders)}.db"
        shutil.copyfile(template, path)
        return opened(f"sqlite:///{path}", stack)

    def on_postgres(stack: ExitStack) -> Deployment:
        name = cluster.create(template=filled)
        stack.callback(cluster.drop, name)
        return opened(cluster.url(name), stack)

    if request.param == "sqlite":
        template = tmp_path / "template.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), template)
        with ExitStack() as stack:
            fill(opened(f"sqlite:///{template}", stack))
        yield type("OnSqlite", (Everything,), {"open": staticmethod(on_sqlite)})
    else:
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        filled = cluster.create(template=request.getfixturevalue("migrated_postgres"))
        with ExitStack() as stack:
            fill(opened(cluster.url(filled), stack))
        yield type("OnPostgres", (Everything,), {"open": staticmethod(on_postgres)})
        cluster.drop(filled)


def test_whatever_happens_what_is_stored_is_what_judging_from_scratch_says(histories: type[Everything]) -> None:
    run_state_machine_as_test(
        histories,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
        _min_steps=STEPS,  # else hypothesis looks first at a history of a single step, and ends others anywhere
    )
