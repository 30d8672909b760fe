"""Logs: JSON lines for a detached node, readable lines in a terminal. No secrets, no values."""

import sys
from typing import cast

import structlog


def detached_log() -> structlog.typing.FilteringBoundLogger:
    """One JSON object a line on standard error, which a detached node has in its log file."""
    return _log(structlog.processors.JSONRenderer())


def terminal_log() -> structlog.typing.FilteringBoundLogger:
    """Readable lines on standard error."""
    return _log(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))


def _log(renderer: structlog.typing.Processor) -> structlog.typing.FilteringBoundLogger:
    logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )
    return cast("structlog.typing.FilteringBoundLogger", logger)
