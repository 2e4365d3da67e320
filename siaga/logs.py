"""Logs go to stderr, as events: readable on a terminal, JSON lines in a service."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping

import structlog

_NOT_TOLD = {"event", "level", "logger", "timestamp", "action"}
_QUIET = ("asyncio", "matplotlib", "uvicorn.access", "alembic", "httpx", "httpcore", "websockets")


def set_up(*, verbose: bool, quiet: bool = False, for_people: bool = False) -> None:
    """Send log records to stderr; `verbose` adds debug records, `quiet` keeps warnings only.

    `for_people` is for a command that somebody waits for: a plain line, wherever stderr goes.
    """
    coloured = sys.stderr.isatty() and not for_people
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if coloured:
        # rich would render every local variable of a traceback, which takes seconds and shows what is secret
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    elif for_people:
        renderer = _plain
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not coloured:
        shared.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)


def _plain(_logger: object, _method: str, event: MutableMapping[str, object]) -> str:
    """Return one record as a person would say it: `warning: what happened (host 127.0.0.1, port 52381)`."""
    told = ", ".join(f"{name} {value}" for name, value in event.items() if name not in _NOT_TOLD)
    return f"{event['level']}: {event['event']}" + (f" ({told})" if told else "")
