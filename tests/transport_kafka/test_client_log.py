"""librdkafka's log lines in ours."""

from __future__ import annotations

import logging

from nova.sdk.log_handler import JsonHandler
from nova.transport_kafka.client_log import VaryingParts

REFUSED = (
    "FAIL [nova#producer-%d] [thrd:a]: Connect to a failed: refused (after %dms in state CONNECT)"
)


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", logging.ERROR, "", 0, text, None, None)


def test_a_line_that_differs_only_in_its_times_is_a_repeat() -> None:
    """A broker that is away for hours is logged once a minute, not five times a second, and with
    the count of what was left out.
    """
    written: list[bytes] = []

    def write(text: bytes) -> bool:
        written.append(text)
        return True

    handler = JsonHandler("writer", write)
    handler.addFilter(VaryingParts())
    for client in range(3):
        for ms in range(50):
            handler.handle(line(REFUSED % (client, ms)))
    handler.handle(line("FAIL [nova#producer-1] [thrd:b]: Connect to b failed: refused"))
    assert len(written) == 2
    handler.close()
    assert len(written) == 3 and b'"suppressed":149' in written[2]
