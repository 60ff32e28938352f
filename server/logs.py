"""Sets up the log: one line an event, on stderr, as JSON or as text; never a token, a body or a password."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from server.settings import Settings


def configure(settings: Settings) -> None:
    """Configures structlog and the standard library's logging alike."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _one_line,
    ]
    writer: Any
    if settings.log_format == "json":
        writer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        writer = structlog.dev.ConsoleRenderer(colors=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, writer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    logging.getLogger("alembic").setLevel(max(root.level, logging.WARNING))  # else every command tells of its plugins
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        cache_logger_on_first_use=True,
    )


def hide_locals() -> None:
    """Unless the log is configured already: has tracebacks written without the values of variables.

    structlog's own way shows them, and with them passwords and what people wrote.
    """
    if not structlog.is_configured():
        writer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(processors=[structlog.processors.add_log_level, writer])


def _one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # A line break in what came from outside must not begin a line of its own
    for name, value in event.items():
        if isinstance(value, str) and name not in ("exception", "stack"):
            event[name] = value.replace("\r", "\\r").replace("\n", "\\n")
    return event
