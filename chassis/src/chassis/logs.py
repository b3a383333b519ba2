"""Logs: one JSON object a line, the same members from our code and from the libraries'.

`timestamp` comes first, so that lines of several processes can be sorted as text; then `level`,
`event`, `logger`, `service.name`, and where there are any `trace_id`, `span_id`, `request_id`.

No personal data: lines name things by their ids, and an error is told by `described`, without
words that may quote what somebody entered.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog
from opentelemetry import trace

from chassis.errors import Fault, Unavailable

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The request that is being answered, if any."""

_SPEAKABLE = frozenset({"aiohttp", "aiokafka", "kafka"})
"""Libraries that deal with addresses and protocols: their errors quote nobody."""

_FIRST = ("timestamp", "level", "event", "logger", "service.name")


def configure(service: str) -> None:
    """Log as JSON to stdout from here on."""
    level = getattr(logging, os.environ.get("LOG_LEVEL", "INFO").upper(), logging.INFO)
    render = Rendering(service)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Named,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_OfLibraries(render))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("everlog").setLevel(level)  # the operator's own processes log with it
    logging.captureWarnings(True)
    sys.excepthook = _last_words


class _Named(structlog.PrintLogger):
    """Remembers its name."""

    def __init__(self, name: str = "", file: TextIO | None = None) -> None:
        super().__init__(file or sys.stdout)
        self.name = name


class Rendering:
    """What is said, as a line."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, logger: Any, _: str, event: Any) -> str:
        """A processor of structlog."""
        return self.line(event.pop("level"), event.pop("event"), logger.name, event)

    def line(self, level: str, event: str, logger: str, more: Mapping[str, Any]) -> str:
        """One line."""
        told = dict(zip(_FIRST, (_now(), level, event, logger, self._service), strict=True))
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            told["trace_id"], told["span_id"] = f"{span.trace_id:032x}", f"{span.span_id:016x}"
        if request_id := REQUEST_ID.get():
            told["request_id"] = request_id
        for name, value in more.items():
            if name == "exc_info":
                told |= _broken(value)
            else:
                told[name] = described(value) if isinstance(value, BaseException) else value
        return msgspec.json.encode(told, enc_hook=str).decode()


class _OfLibraries(logging.Formatter):
    """The same line from the standard library's logging."""

    def __init__(self, render: Rendering) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line; what its arguments are was the library's choice."""
        more = {"exc_info": record.exc_info[1]} if record.exc_info else {}
        level = record.levelname.lower()
        return self._render.line(level, record.getMessage(), record.name, more)


def described(error: BaseException) -> str:
    """An error without words that may quote people: its kind, and its words only where they are
    ours, the system's or the network's."""
    kind = type(error).__name__
    if speaks(error):
        return f"{kind}: {error}" if str(error) else kind
    # PostgreSQL quotes rows in its words; its codes say enough.
    code = getattr(error, "sqlstate", None) or getattr(error, "problem", None)
    where = getattr(error, "constraint_name", None) or getattr(error, "table_name", None)
    return f"{kind}{f' {code}' if code else ''}{f' at {where}' if where else ''}"


def speaks(error: BaseException) -> bool:
    """Whether the words of an error are about machines alone."""
    if isinstance(error, Fault | Unavailable):  # they may quote what they were made from
        return error.__cause__ is None or speaks(error.__cause__)
    if isinstance(error, OSError | TimeoutError):
        return True
    return type(error).__module__.partition(".")[0] in _SPEAKABLE


def about(error: BaseException) -> dict[str, Any]:
    """An error as members of a line; with where it came about unless it is only the weather."""
    return {"error": error} if speaks(error) else {"exc_info": error}


def traced(error: BaseException) -> str:
    """Where an error came about, and what led to it: a traceback without its words."""
    parts: list[str] = []
    for one in _chain(error):
        parts += ["".join(traceback.format_tb(one.__traceback__)), described(one)]
    return "\n".join(part.rstrip() for part in parts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The causes first, as Python shows them."""
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in seen:
        seen.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return reversed(seen)


def _broken(value: Any) -> dict[str, str]:
    error = value if isinstance(value, BaseException) else sys.exc_info()[1]
    return {} if error is None else {"error": described(error), "exception": traced(error)}


def _last_words(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """What ends a process is told like everything else."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, where)
        return
    structlog.get_logger("process").critical("the process ends", exc_info=error)


def _now() -> str:
    """RFC 3339 in UTC, always with microseconds: as text it sorts by time."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: TID251 - of this line
