"""Addresses and readiness of the tests' Kafka brokers."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

READY_TIMEOUT_S = 90.0
METADATA_TIMEOUT_S = 1.0
RECONNECT_MAX_MS = 200
LOG_NOTHING = 0


def bootstrap_servers(url: str) -> str:
    return url.removeprefix("kafka://")


def wait_until_ready(url: str, check_alive: Callable[[], None] = lambda: None) -> None:
    """Return once the broker answers a metadata request, else raises TimeoutError."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    settings: dict[str, str | int | float | bool] = {
        "bootstrap.servers": bootstrap_servers(url),
        "reconnect.backoff.max.ms": RECONNECT_MAX_MS,
        "log_level": LOG_NOTHING,
    }
    with AdminClient(settings) as admin:
        while time.monotonic() < deadline:
            check_alive()
            try:
                if admin.list_topics(timeout=METADATA_TIMEOUT_S).brokers:
                    return
            except KafkaException:
                continue
    raise TimeoutError(f"{url} did not answer within {READY_TIMEOUT_S:.0f} s")
