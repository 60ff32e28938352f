"""The list of visits: the short way to its first page comes to the same as the long one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from server.domain.access import Scope
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import visits
from server.storage.visits import Sought
from tests.domain.county import d
from tests.services import facts

FIRST = d("10-01")


@pytest.fixture
def deployment(ready_url: str, tmp_path: Path) -> Iterator[Deployment]:
    opened = open_deployment(Settings(database_url=ready_url, uploads=tmp_path))
    facts.county(opened)
    for number in range(40):
        person, place = ("p", "d1") if number % 5 else ("q", "f1")
        status = "review" if number % 7 == 0 else "confirmed"
        facts.visited(opened, person, place, FIRST + timedelta(days=number // 2), status=status)
    yield opened
    opened.database.close()


@pytest.mark.parametrize(
    "sought",
    [
        Sought(),
        Sought(status="review"),
        Sought(place=["/C/U/"]),
        Sought(first=FIRST + timedelta(days=3), last=FIRST + timedelta(days=12)),
        Sought(last=FIRST + timedelta(days=1)),
        Sought(last=d("09-01")),
        Sought(oldest_first=True),
        Sought(person="q"),
    ],
    ids=str,
)
@pytest.mark.parametrize("area", ["/C/", "/C/T/", "/C/U/F/f1/"])
def test_every_page_is_the_same_however_few_are_looked_at_first(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, sought: Sought, area: str
) -> None:
    def walked(share: int, limit: int) -> list[str]:
        monkeypatch.setattr(visits, "_SHARE", share)
        found: list[str] = []
        after = None
        with deployment.database.read() as connection:
            while True:
                asked = Sought(**{name: getattr(sought, name) for name in Sought.__slots__} | {"after": after})
                page = visits.listed(connection, Scope("q", (area,)), asked, limit)
                found += [visit.id for visit in page]
                if len(page) < limit:
                    return found
                after = (page[-1].occurred_at, page[-1].id)

    whole = walked(0, 100)
    assert all(walked(share, 3) == whole for share in (0, 1, 2, 20))
