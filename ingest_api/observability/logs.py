"""Structured logs: a JSON object a line, with the request's id and never its payload."""

from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

_SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(allow=["request_id"]),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config() -> dict[str, Any]:
    """For ``logging.config.dictConfig``: our own loggers and the server's write alike, to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    # Local variables would be payloads.
                    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        # The server's own, which would otherwise have handlers of their own.
        "loggers": {
            name: {"handlers": [], "propagate": True, "level": "INFO"} for name in ("uvicorn", "uvicorn.error")
        },
    }
