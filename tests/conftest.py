"""Fixtures that tests of several packages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sdk.testing import kafka
from sdk.testing.broker import KafkaBroker


@pytest.fixture(scope="session")
def kafka_broker(request: pytest.FixtureRequest) -> Iterator[KafkaBroker]:
    """A real broker for the whole run, shared by all tests: `url` is where it is."""
    with kafka.any_broker() as broker:
        say(request, f"Kafka broker: {broker.kind} at {broker.url}")
        yield broker


@pytest.fixture
def own_kafka_broker() -> Iterator[KafkaBroker]:
    """A real broker for one test, which may stop, kill and restart it."""
    with kafka.own_broker() as broker:
        yield broker


def say(request: pytest.FixtureRequest, text: str) -> None:
    """Print a line that capturing does not hide."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, pytest.TerminalReporter):
        reporter.ensure_newline()
        reporter.write_line(text)
