"""Logs of both programs: one line a fact, an action slug first, on standard error, redacted.

Tracebacks are without local variables, as those hold secrets; what libraries and the interpreter itself say (a thread that
broke, a server's own complaint) goes the same way.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from mgmt_ansible.domain.redaction import redact_value, secret_forms

LINE_CHARACTERS = 64_000
"""Of one text in a log line; of a longer one the end stays."""


def configure(log_format: Literal["console", "json"], *, secrets: Iterable[str] = ()) -> None:
    """Send all logs to standard error, for people or for machines.

    Args:
        log_format: `console` or `json`.
        secrets: Values that are taken out of every line, in all their forms.
    """
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Redactor(secret_forms(secrets)),
    ]
    if log_format == "json":
        processors.append(structlog.processors.JSONRenderer())
    else:
        plain = structlog.dev.plain_traceback
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_what_others_say()


class _Redactor:
    """Takes secrets out of a whole log line, its keys and its traceback."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def __call__(self, logger: WrappedLogger, name: str, line: EventDict) -> EventDict:  # noqa: ARG002 - of structlog
        values = redact_value(dict(line), self._secrets, limit=LINE_CHARACTERS)
        return values if isinstance(values, dict) else {}


class _ToStructlog(logging.Handler):
    """Hands records of the standard library's logging on."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record of a library."""
        log = structlog.get_logger()
        log.log(max(record.levelno, logging.INFO), "library_says", text=record.getMessage(), exc_info=record.exc_info)


def _take_what_others_say() -> None:
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    structlog.get_logger().critical("crashed", exc_info=(kind, error, trace))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and crash.exc_type is not SystemExit:
        structlog.get_logger().critical(
            "thread_crashed",
            thread=crash.thread.name if crash.thread else "",
            exc_info=(crash.exc_type, crash.exc_value, crash.exc_traceback),
        )
