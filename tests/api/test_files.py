"""Lists as files: safe to open, named in the reader's language, and never held in memory."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response

from server.adapters import sheets
from server.api import files
from server.domain.cells import Cell
from server.domain.problems import Problem
from tests.api.frame import application

COLUMNS = ("code", "name", "due_on", "rate")
ROWS: list[tuple[Cell, ...]] = [("007", "=cmd()|'/C calc'!A0", date(2018, 11, 3), 0.5), ("-1", "+86", None, None)]


@pytest.fixture
def app() -> Flask:
    return application()


def asked(app: Flask, query: str = "", **environ: Any) -> Any:
    return app.test_request_context(f"/api/v1/things?{query}", environ_base=environ)


def body(response: Response) -> bytes:
    data = b"".join(response.response)  # type: ignore[arg-type]
    response.close()
    assert len(data) == response.content_length
    return data


def test_a_csv_file_runs_no_formula(app: Flask) -> None:
    with asked(app):
        data = body(files.table("csv", "counts", COLUMNS, ROWS))
    assert data == b"code,name,due_on,rate\n007,'=cmd()|'/C calc'!A0,2018-11-03,0.5\n'-1,'+86,,\n"


def test_a_csv_file_of_codes_is_as_it_is_unless_it_is_for_excel(app: Flask) -> None:
    with asked(app):
        assert body(files.table("csv", "counts", ["code"], [["-1"]], guarded=False)) == b"code\n-1\n"
    with asked(app, "for_excel=1"):
        assert body(files.table("csv", "counts", ["code"], [["-1"]], guarded=False)) == b"\xef\xbb\xbfcode\n'-1\n"


@pytest.mark.parametrize(
    ("query", "accept", "titles"),
    [
        ("", "", ["代码", "名称", "截止日期", "完成率"]),
        ("", "en", list(COLUMNS)),
        ("language=zh", "en", ["代码", "名称", "截止日期", "完成率"]),
        ("language=en", "zh", list(COLUMNS)),
    ],
)
def test_a_workbook_has_typed_cells_and_the_readers_columns(
    app: Flask, tmp_path: Path, query: str, accept: str, titles: list[str]
) -> None:
    with asked(app, query, HTTP_ACCEPT_LANGUAGE=accept):
        data = body(files.table("xlsx", "counts", COLUMNS, iter(ROWS)))
    (tmp_path / "t").write_bytes(data)
    found = sheets.read_table(tmp_path / "t")
    assert found.header == titles
    assert found.rows == [
        (2, ["007", "=cmd()|'/C calc'!A0", date(2018, 11, 3), 0.5]),
        (3, ["-1", "+86"]),
    ]


def test_columns_may_bring_names_of_their_own(app: Flask, tmp_path: Path) -> None:
    with asked(app):
        (tmp_path / "t").write_bytes(body(files.table("xlsx", "counts", COLUMNS, ROWS, titles={"name": "姓名"})))
    assert sheets.read_table(tmp_path / "t").header == ["代码", "姓名", "截止日期", "完成率"]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_points_are_one_geojson_document(app: Flask, number: int) -> None:
    rows: list[tuple[tuple[float, float] | None, dict[str, Any]]] = [((37.5, 117.25), {"n": 1}), (None, {"n": 2})] * 2
    with asked(app):
        found = json.loads(body(files.points("villages", rows[:number])))
    assert found["type"] == "FeatureCollection"
    assert [feature["properties"]["n"] for feature in found["features"]] == [1, 2, 1][:number]
    if number:
        assert found["features"][0]["geometry"] == {"type": "Point", "coordinates": [117.25, 37.5]}
    if number > 1:
        assert found["features"][1]["geometry"] is None


def test_a_file_is_called_so_that_every_program_can_name_it(app: Flask) -> None:
    with asked(app):
        assert files.disposition("visits", "csv") == (
            "attachment; filename=\"visits.csv\"; filename*=UTF-8''%E8%B5%B0%E8%AE%BF%E8%AE%B0%E5%BD%95.csv"
        )


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_over_the_limit_is_refused_and_leaves_nothing(app: Flask, form: str) -> None:
    app.extensions["daocun.settings"] = replace(app.extensions["daocun.settings"], export_max_bytes=4096)
    rows = ([str(number) * 50] for number in range(1000))
    for _ in range(files.KEPT + 1):
        with asked(app), pytest.raises(Problem) as caught:
            files.table(form, "counts", ["code"], rows if form == "csv" else [[f"{n**9:x}"] for n in range(999)])
        assert caught.value.kind.code == "export-too-large"
        rows = ([str(number) * 50] for number in range(1000))


def test_rows_that_fail_give_their_places_back(app: Flask) -> None:
    def failing() -> Iterator[tuple[Cell, ...]]:
        yield ROWS[0]
        raise RuntimeError

    for _ in range(files.KEPT + 1):
        with asked(app), pytest.raises(RuntimeError):
            files.table("csv", "counts", COLUMNS, failing())


def test_files_nobody_reads_give_their_places_back(app: Flask) -> None:
    for _ in range(files.KEPT + 1):
        with asked(app):
            response = files.table("csv", "counts", COLUMNS, ROWS)
        response.close()
    for _ in range(files.KEPT + 1):
        with asked(app):
            files.table("csv", "counts", COLUMNS, ROWS)  # and one that was dropped


def test_too_many_unread_files_are_refused_for_the_moment(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PATIENCE_S", 0.01)
    unread = []
    for _ in range(files.KEPT):
        with asked(app):
            unread.append(files.table("csv", "counts", COLUMNS, ROWS))
    with asked(app), pytest.raises(Problem) as caught:
        files.table("csv", "counts", COLUMNS, ROWS)
    assert caught.value.kind.code == "unavailable"
    for response in unread:
        response.close()


def test_others_have_their_turn_while_rows_are_read(app: Flask) -> None:
    place = threading.Lock()
    place.acquire()

    @contextlib.contextmanager
    def aside() -> Iterator[None]:
        place.release()
        yield
        place.acquire()

    free = []

    def rows() -> Iterator[tuple[Cell, ...]]:
        free.append(not place.locked())
        yield ROWS[0]

    with asked(app, "", **{files.ASIDE: aside}):
        body(files.table("csv", "counts", COLUMNS, rows()))
    assert free == [True]
    assert place.locked()


def test_a_long_list_is_not_held_in_memory(app: Flask) -> None:
    taken = 0

    def rows() -> Iterator[tuple[Cell, ...]]:
        nonlocal taken
        for number in range(60_000):
            taken = number
            yield (f"{number:012}", "名" * 20, date(2018, 11, 3), 1.5)

    with asked(app):
        response = files.table("csv", "counts", COLUMNS, rows())
        assert taken == 59_999
        assert not isinstance(response.response._file._file, io.BytesIO)  # type: ignore[union-attr]  # on the disk
        assert sum(map(len, response.response)) == response.content_length  # type: ignore[arg-type]
