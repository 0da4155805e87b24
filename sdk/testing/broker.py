"""What every Kafka broker of the tests can do, whichever way it runs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

READY_TIMEOUT_S = 90.0
METADATA_TIMEOUT_S = 1.0
RECONNECT_MAX_MS = 200
LOG_NOTHING = 0


class KafkaBroker(ABC):
    """A broker; `stop`, `kill` and `restart` are for tests of faults."""

    url: str
    """Where `sdk.transport.base.connect` finds it."""
    kind: str
    """What it is, for people."""

    @abstractmethod
    def start(self) -> None:
        """Start, or start again on the same address and data; returns when it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Stop in an orderly way."""

    @abstractmethod
    def kill(self) -> None:
        """End at once."""

    @abstractmethod
    def close(self) -> None:
        """End it for good and leave nothing behind."""

    def restart(self) -> None:
        """Stop in an orderly way and start again."""
        self.stop()
        self.start()


def bootstrap_servers(url: str) -> str:
    """The `host:port` list of a broker's URL."""
    return url.removeprefix("kafka://")


def wait_until_ready(url: str, check_alive: Callable[[], None] = lambda: None) -> None:
    """Return once the broker answers a metadata request; raises TimeoutError if it never does."""
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
