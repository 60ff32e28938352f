"""The list of visits: the short way to its first page comes to the same as the long one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from server.domain.access import Scope
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import migrate, visits
from server.storage import tables as t
from server.storage.database import open_database
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


@pytest.mark.parametrize("sorted_at_most", [1, 50_000], ids=["walked along in time", "sorted"])
def test_a_list_of_any_length_is_streamed_in_the_same_order(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, sorted_at_most: int
) -> None:
    monkeypatch.setattr(visits, "_SORTED", sorted_at_most)
    scope, sought = Scope("q", ("/C/T/",)), Sought(first=FIRST, last=FIRST + timedelta(days=12))
    with deployment.database.stream() as connection:
        streamed = [row.id for row in visits.streamed(connection, scope, sought)]
    with deployment.database.read() as connection:
        listed = [visit.id for visit in visits.listed(connection, scope, sought, 1000)]
    assert streamed == listed
    assert len(listed) == 26


def test_sqlite_sorts_no_long_list(sqlite_url: str) -> None:
    """What it sorts beyond its cache it maps into the memory of the process."""
    database = open_database(sqlite_url)
    migrate.upgrade(database)
    sought = Sought(first=FIRST, last=FIRST + timedelta(days=400))
    query = visits._matching(select(t.visit.c.id), Scope(None, ("/C/",)), sought, by_time=True)
    compiled = str(query.compile(database.engine, compile_kwargs={"literal_binds": True}))
    with database.read() as connection:
        plan = [row.detail for row in connection.execute(text("EXPLAIN QUERY PLAN " + compiled.replace(":", "\\:")))]
    database.close()
    assert plan == ["SEARCH visit USING INDEX ix_visit_occurred_at_id (occurred_at>? AND occurred_at<?)"]
