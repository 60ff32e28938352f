"""The log is one line an event, and what comes from outside cannot begin a line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server import logs
from server.settings import Settings


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings())
    structlog.get_logger("daocun.test").info("到了", path="/x\n{}", number=3)
    logging.getLogger("library").warning("said %s", "so\nmuch")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["path"], first["number"], first["level"]) == ("到了", "/x\\n{}", 3, "info")
    assert (second["event"], second["logger"]) == ("said so\\nmuch", "library")


def test_an_error_brings_its_traceback_without_the_values_around_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="text"))
    password = "-".join(["correct", "horse"])  # stands for whatever is at hand when something fails
    try:
        raise RuntimeError(str(len(password)))
    except RuntimeError as error:
        structlog.get_logger("daocun.test").error("unexpected", exc_info=error)
    said = capsys.readouterr().err
    assert "RuntimeError: 13" in said
    assert "correct-horse" not in said


def test_a_log_that_nobody_configured_shows_no_values_either(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.reset_defaults()
    logs.hide_locals()
    password = "-".join(["correct", "horse"])
    try:
        raise RuntimeError(str(len(password)))
    except RuntimeError as error:
        structlog.get_logger("daocun.test").error("unexpected", exc_info=error)
    said = capsys.readouterr().out
    assert "RuntimeError: 13" in said
    assert "correct-horse" not in said


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_level="warning"))
    structlog.get_logger("daocun.test").info("quiet")
    assert capsys.readouterr().err == ""
