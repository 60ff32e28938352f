"""What all commands share: how they find the deployment, what they take, and how they speak and write.

Messages for people go to stderr in both languages, data to stdout or into a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from server import settings as settings_module
from server.adapters.messages import LANGUAGES, both, has, text
from server.domain import cells
from server.domain.imports import ImportRefused
from server.domain.problems import INVALID, FieldError, Problem
from server.settings import Settings

if TYPE_CHECKING:
    from server.services.deployment import Deployment

ACTOR = "command-line"
Progress = Callable[[int, int], None]


class Refused(Exception):
    """Something that cannot be done: a key under `cli.` and its placeholders. Exit 1."""

    def __init__(self, key: str, /, **params: object) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class Day(click.ParamType[Any]):
    """A local day, `2018-11-20`."""

    name = "DAY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day; bad usage if it is not one."""
        if isinstance(value, date):
            return value
        try:
            return cells.day(value)
        except cells.BadCell:
            self.fail(both("cli.expected-day", value=value), param, ctx)


class Instant(click.ParamType[Any]):
    """A moment with an offset, `2018-11-20T09:31:05+08:00`."""

    name = "INSTANT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment in UTC; bad usage if it is not one."""
        if isinstance(value, datetime):
            return value
        try:
            return cells.instant(value)
        except cells.BadCell:
            self.fail(both("cli.expected-instant", value=value), param, ctx)


def read_settings() -> Settings:
    """The settings of this process; unknown `DAOCUN_*` variables are told of."""
    for line in settings_module.warnings(os.environ):
        say(line)
    return settings_module.load(os.environ)


@contextlib.contextmanager
def opened(ready: bool = True) -> Iterator[Deployment]:
    """The deployment that the settings name; refused unless its database is ready for this version."""
    from server.services.deployment import open_deployment
    from server.storage import readiness

    settings = read_settings()
    if ready and readiness.file_is_missing(settings.database_url):
        raise Refused("database-empty")
    deployment = open_deployment(settings)
    try:
        state = readiness.readiness(deployment.database)
        allowed = {readiness.Readiness.READY}
        if not ready:
            allowed |= {readiness.Readiness.EMPTY, readiness.Readiness.OLDER}
        if state not in allowed:
            raise Refused(f"database-{state.value}")
        yield deployment
    finally:
        deployment.database.close()


def say(line: str = "") -> None:
    """Prints a line for people, on stderr."""
    sys.stderr.write(f"{line}\n")


def tell(key: str, /, **params: object) -> None:
    """Prints a sentence of the catalogues for people, in Chinese and English."""
    say(both(f"cli.{key}", **params))


def explain(problem: Problem) -> None:
    """Prints why something was refused: the sentence, then everything that does not fit."""
    if isinstance(problem, ImportRefused):
        from server.adapters import sheets

        for cell in problem.cells:
            say(sheets.sentence(cell))
    for error in problem.errors:
        say(_of_field(error))
    if problem.kind is not INVALID or not problem.errors:
        say(both(f"problem.{problem.kind.code}", **problem.params))


def _of_field(error: FieldError) -> str:
    sentences = []
    for language in LANGUAGES:
        params: dict[str, Any] = dict(error.params)
        expected = f"expected.{params.get('expected')}"
        if has(expected):
            params["expected"] = text(expected, language)
        sentence = text(f"field.{error.code}", language, **params)
        name = error.pointer.removeprefix("/")
        sentences.append(text("cli.field", language, name=name, problem=sentence) if name else sentence)
    return " / ".join(sentences)


def unexpected(error: BaseException) -> None:
    """Tells of a damaged database, or puts the traceback of an error nobody foresaw into a file and tells of that."""
    from server.storage.errors import is_damage

    if is_damage(error):
        tell("database-damaged")
        return
    handle, path = tempfile.mkstemp(prefix=f"daocun-{secrets.token_hex(4)}-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        traceback.print_exception(error, file=stream)
    tell("unexpected", file=path)


@contextlib.contextmanager
def progress(key: str) -> Iterator[Progress]:
    """A progress bar on stderr with a sentence of the catalogues, only if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(both(f"cli.{key}"), total=None)
        yield lambda done, all_: bar.update(task, completed=done, total=all_)


def keep_to_oneself() -> None:
    """From now on what this process makes is for its own user alone; `output` goes on as the user has set it."""
    global _mask
    _mask = os.umask(0o077)


_mask: int | None = None


@contextlib.contextmanager
def output(path: Path | None, *, private: bool = False) -> Iterator[IO[bytes]]:
    """Where data goes: stdout, or a file that appears only when it is complete, for nobody else if `private`."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if not private:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~(mask if _mask is None else _mask))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
