"""Logs: one JSON object per line, or a short line on a terminal.

Errors are logged as the names of their types with the places in the code, without their messages: messages of drivers
and parsers quote the data that they choked on.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Literal, TextIO, TypeAlias

from opentelemetry import trace

from mecum.kit.errors import MecumError

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered, `req_` and 32 hex digits."""

LogFormat: TypeAlias = Literal["auto", "json", "human"]
MESSAGE_CHARS_MAX = 2000
STACK_FRAMES_MAX = 30
CAUSES_MAX = 5

# Libraries that say too much below this level: addresses with query strings, statements with their values, chatter.
_QUIETER = {
    "uvicorn.access": logging.CRITICAL,
    "uvicorn.error": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "asyncio": logging.WARNING,
    "aiohttp": logging.WARNING,
    "procrastinate": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpcore2": logging.WARNING,
    "httpx": logging.WARNING,
    "httpx2": logging.WARNING,
}


def configure_logging(level: str = "info", form: LogFormat = "auto", stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error by default).

    Args:
        level: debug, info, warning or error.
        form: `auto` is human on a terminal and JSON elsewhere.
    """
    target = stream or sys.stderr
    human = form == "human" or (form == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(HumanFormatter() if human else JsonFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name, quieter in _QUIETER.items():
        logging.getLogger(name).setLevel(max(quieter, root.level))
    logging.captureWarnings(True)


class JsonFormatter(logging.Formatter):
    """time, level, logger, message; request_id, trace_id and span_id inside a request; error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line |= _context()
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


class HumanFormatter(logging.Formatter):
    """`09:30:01 warning mecum.kit.jobs: message [req_...]`, and below it where an error came from."""

    def format(self, record: logging.LogRecord) -> str:
        request = request_id.get()
        name = record.name.removeprefix("mecum.")
        line = f"{_time(record)[11:19]} {record.levelname.lower()} {name}: {_message(record)}"
        if request:
            line += f" [{request}]"
        if record.exc_info and record.exc_info[1] is not None:
            found = describe(record.exc_info[1])
            line += f"\n  {found['type']}" + "".join(f"\n    {frame}" for frame in found["stack"])
        return line


def describe(error: BaseException) -> dict[str, list[str] | str]:
    """Type, code of our own errors, causes and stack of `error`; never its message."""
    found: dict[str, list[str] | str] = {"type": _type(error)}
    frames = traceback.extract_tb(error.__traceback__)[-STACK_FRAMES_MAX:]
    found["stack"] = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < CAUSES_MAX:
        causes.append(_type(cause))
        cause = cause.__cause__ or cause.__context__
    if causes:
        found["causes"] = causes
    return found


def _type(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{name} {error.code}" if isinstance(error, MecumError) else name


def _context() -> Mapping[str, str]:
    request = request_id.get()
    found = {"request_id": request} if request else {}
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        found |= {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}
    return found


def _message(record: logging.LogRecord) -> str:
    """One line: what a stranger sent can't pretend to be another entry, nor steer a terminal."""
    text = record.getMessage()[:MESSAGE_CHARS_MAX]
    return text if text.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _time(record: logging.LogRecord) -> str:
    return dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
