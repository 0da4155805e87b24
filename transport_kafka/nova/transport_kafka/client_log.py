"""Forwards librdkafka's log lines to `logging`, and limits repeats while a broker is down."""

from __future__ import annotations

import logging
import re
import time

REPEAT_INTERVAL_S = 60.0
REMEMBERED_MAX = 256

_VARYING = re.compile(r"\[nova#\w+-\d+\]|\(after \d+ms.*\)")


class OncePerInterval(logging.Filter):
    """Drops lines that were already logged within the interval, ignoring the times in them."""

    def __init__(self, interval_s: float = REPEAT_INTERVAL_S) -> None:
        super().__init__()
        self._interval_s = interval_s
        self._seen_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = _VARYING.sub("", record.getMessage())
        now_s = time.monotonic()
        if now_s - self._seen_s.get(text, -self._interval_s) < self._interval_s:
            return False
        if len(self._seen_s) >= REMEMBERED_MAX:
            self._seen_s.clear()
        self._seen_s[text] = now_s
        return True


log = logging.getLogger("transport_kafka.librdkafka")
log.addFilter(OncePerInterval())
