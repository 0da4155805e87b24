"""A log record as one line of JSON, of bounded length and without secrets."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping

import msgspec

from nova.sdk import log_context, request_id, timestamps
from nova.sdk.secret_redaction import redact

LINE_MAX_CHARS = 48 * 1024
"""A longer line is shortened, so that a line is one message of a Unix socket."""

VALUE_MAX_CHARS = 8 * 1024
"""Longest text in a line that is too long. Its middle is left out, since the end of a traceback
matters most.
"""

_SURROGATES = re.compile("[\ud800-\udfff]")
ELLIPSIS = " … "
SOURCE_MEMBER = "of_process"
"""Attribute of a record with the name of the process whose output it is, if that is another one."""


class JsonFormatter(logging.Formatter):
    """Formats a log record as one line of JSON."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, process, logger, message, the id of the request that is being served, what
        the task works for, and the members of the context.
        """
        return f"{{{self.time(record)},{self.body(record)}}}"

    def time(self, record: logging.LogRecord) -> str:
        """The first member of a line."""
        return f'"time":"{timestamps.text(int(record.created * 1e9))}"'

    def body(self, record: logging.LogRecord) -> str:
        """All further members, without braces: equal for records that say the same."""
        members = self._members(record)
        text = _encode(members)
        if len(text) > LINE_MAX_CHARS:
            text = _encode(_shortened(members, len(text)))
        return redact(text)[1:-1]

    def _members(self, record: logging.LogRecord) -> dict[str, object]:
        members: dict[str, object] = {
            "level": record.levelname.lower(),
            "process": getattr(record, SOURCE_MEMBER, self._process),
            "logger": record.name,
            "message": _message(record),
        }
        context = getattr(record, "context", None)
        further: dict[str, object] = dict(log_context.current())
        if current := request_id.current.get():
            further[request_id.REQUEST_ID_KEY] = current
        if isinstance(context, Mapping):
            further |= {str(name): value for name, value in context.items()}
        for name, value in further.items():
            members[f"{name}_" if name in members else name] = value
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            members["stack"] = record.stack_info
        return members


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # A library's arguments do not fit its message.
        return f"{record.msg} {record.args!r}"


def _encode(members: dict[str, object]) -> str:
    try:
        return msgspec.json.encode(members, enc_hook=str).decode()
    except Exception:  # Lone surrogates of file names, keys that are no texts, values without str.
        printable = {name: _printable(value) for name, value in members.items()}
        text = json.dumps(printable, ensure_ascii=False)
        return _SURROGATES.sub(lambda found: rf"\\u{ord(found[0]):04x}", text)


def _printable(value: object) -> object:
    try:
        json.dumps(value)
        return value
    except Exception:
        pass
    try:
        return str(value)
    except Exception:
        return f"a {type(value).__name__} that cannot be printed"


def _shortened(members: dict[str, object], chars: int) -> dict[str, object]:
    """The first members, with texts of bounded length, and how long the line was."""
    found: dict[str, object] = {}
    left = LINE_MAX_CHARS
    for name, value in members.items():
        if left < VALUE_MAX_CHARS:
            break
        text = value if isinstance(value, str) else _encode({"": value})[4:-1]
        half = VALUE_MAX_CHARS // 2
        if len(text) > VALUE_MAX_CHARS:
            found[name] = f"{text[:half]}{ELLIPSIS}{text[-half:]}"
        else:
            found[name] = value
        left -= min(len(text), VALUE_MAX_CHARS) + len(name)
    return {**found, "shortenedFromChars": chars}
