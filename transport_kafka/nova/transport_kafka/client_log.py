"""Forwards librdkafka's log lines to `logging`; those that differ only in times are repeats."""

from __future__ import annotations

import logging
import re

from nova.sdk.log_handler import REPEAT_KEY

_VARYING = re.compile(r"\[nova#\w+-\d+\]|\(after \d+ms.*\)")


class VaryingParts(logging.Filter):
    """Marks lines as repeats of each other, ignoring the times in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        setattr(record, REPEAT_KEY, _VARYING.sub("", record.getMessage()))
        return True


log = logging.getLogger("transport_kafka.librdkafka")
log.addFilter(VaryingParts())
