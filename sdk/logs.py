"""Logs: one JSON object per line on stderr, with what the caller adds by `extra={"context": {...}}`
(A-297).
"""

from __future__ import annotations

import logging
import sys

import msgspec

from sdk import timestamps


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, process, logger, text, and the context the caller gave."""
        line: dict[str, object] = {
            "time": timestamps.text(int(record.created * 1e9)),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = getattr(record, "context", None)
        if isinstance(context, dict):
            line |= context
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure(process: str, level: int = logging.INFO) -> None:
    """Send this process' logs to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
