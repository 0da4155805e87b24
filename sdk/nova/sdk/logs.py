"""Logs: one JSON object per line on stderr, extended by `extra={"context": {...}}`."""

from __future__ import annotations

import logging
import os
import sys

import msgspec

from nova.sdk import request_id, timestamps
from nova.sdk.errors import SettingsError

LEVEL_VARIABLE = "NOVA_LOG_LEVEL"


class JsonFormatter(logging.Formatter):
    """Formats a log record as one line of JSON."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, process, logger, message, the id of the request that is being served, and
        the members of the context.
        """
        line: dict[str, object] = {
            "time": timestamps.text(int(record.created * 1e9)),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.current.get():
            line[request_id.REQUEST_ID_KEY] = current
        context = getattr(record, "context", None)
        if isinstance(context, dict):
            line |= context
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def configure(process: str) -> None:
    """Log to stderr from the level in NOVA_LOG_LEVEL on; raises SettingsError."""
    name = os.environ.get(LEVEL_VARIABLE, "info").upper()
    level = logging.getLevelNamesMapping().get(name)
    if level is None:
        raise SettingsError(f"{LEVEL_VARIABLE} {name!r} is not debug, info, warning or error")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
