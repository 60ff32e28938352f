"""A decision that is made while a file is being taken in stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.adapters import clock
from server.domain.access import Caller, Grant, GrantKind
from server.domain.decisions import Ruling
from server.services import deciding, visits
from server.services.deciding import Said
from server.services.deployment import Deployment
from server.storage import imports as rows
from server.storage.database import Connection
from tests.factories import DONGZHAO, XIDUAN, settle, take_in, visit_id
from tests.services import facts
from tests.support import postgres

ROW = f"{visit_id(5)} owner {DONGZHAO} visit 2018-11-20T09:00:00+08:00 - - - review"


def test_a_decision_made_between_reading_and_writing_a_file_stays(
    postgres_cluster: postgres.Cluster, migrated_postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On SQLite nobody decides meanwhile: a transaction is alone there.
    name = postgres_cluster.create(template=migrated_postgres)
    deployment = facts.opened(postgres_cluster.url(name), tmp_path)
    settle(deployment)
    take_in(deployment, "visits", ROW)
    hold, decided = rows.hold_people, []

    def decide_first(connection: Connection) -> None:
        if not decided:
            decided.append(_decide(deployment))
        hold(connection)

    monkeypatch.setattr(rows, "hold_people", decide_first)
    take_in(deployment, "visits", ROW.replace("09:00:00", "09:05:00"))
    found = visits.find(deployment, visit_id(5))
    assert found is not None
    assert (found.visit.status, found.visit.decided, found.visit.version) == ("rejected", True, 3)
    deployment.database.close()
    postgres_cluster.drop(name)


def _decide(deployment: Deployment) -> str:
    reviewer = Caller("inside", "inside", grants=(Grant(GrantKind.REVIEWER, XIDUAN),))
    said = Said(Ruling.REJECT, "不在村里")
    return deciding.decide(deployment, reviewer, visit_id(5), said, clock.now()).visit.status.value
