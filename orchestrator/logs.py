"""Logs: one JSON line per happening on standard error. No member's words, no secret ever reaches them."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

#: Facts that our own log calls pass along. Whatever else a library attaches is left out.
FACTS = (
    "attempts",
    "code",
    "count",
    "delay",
    "error",
    "event",
    "events",
    "field",
    "key",
    "kind",
    "path",
    "reason",
    "seconds",
    "status",
    "subject",
    "text",
    "trigger",
)
#: Libraries that speak of what they send. They are heard only when something is wrong.
QUIET = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "asyncio",
    "discord",
    "sqlalchemy",
    "transitions",
    "twilio",
    "urllib3",
)


def configure(level: str = "info") -> None:
    """Send everything through one formatter. Call once, at start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                _facts,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _trace,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("twilio.async_http_client").setLevel(logging.CRITICAL)
    logging.getLogger("discord.http").setLevel(logging.CRITICAL)  # it logs bodies of refused requests


def _trace(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where it happened and of what kind it was. An error's own words may be a member's: they are left out."""
    found = event.pop("exc_info", None)
    if not found:
        return event
    error = found[1] if isinstance(found, tuple) else sys.exc_info()[1] if found is True else found
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["trace"] = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames[-12:]]
    return event


def _facts(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:
        for name in FACTS:
            if name in record.__dict__:
                event["fact_event" if name == "event" else name] = record.__dict__[name]
    return event
