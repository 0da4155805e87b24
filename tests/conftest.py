"""Fixtures that tests of several packages share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from sdk import settings
from sdk.testing import kafka, nats
from sdk.testing.conformance import table
from sdk.testing.nats_server import NatsServer
from sdk.testing.server import Server


@pytest.fixture(autouse=True, scope="session")
def no_drivers() -> Iterator[None]:
    """Tests count events: no DriverBindings are among them unless a test names its drivers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "DEFAULT_DRIVERS", ())
        patch.setenv("NOVA_DRIVERS", "none")
        yield


@pytest.fixture(scope="session")
def kafka_broker(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A real broker for the whole run, shared by all tests: `url` is where it is."""
    with kafka.any_broker() as broker:
        say(request, f"Kafka broker: {broker.kind} at {broker.url}")
        yield broker


@pytest.fixture
def own_kafka_broker() -> Iterator[Server]:
    """A real broker for one test, which may stop, kill and restart it."""
    with kafka.own_broker() as broker:
        yield broker


@pytest.fixture(scope="session")
def nats_server(request: pytest.FixtureRequest) -> Iterator[NatsServer]:
    """A real server for the whole run, shared by all tests: `url` is where it is."""
    with nats.any_server() as server:
        say(request, f"NATS server: {server.kind} at {server.url}")
        yield server


@pytest.fixture
def own_nats_server() -> Iterator[NatsServer]:
    """A real server for one test, which may stop, kill and restart it."""
    with nats.own_server() as server:
        yield server


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; without it tests prove nothing, so it has to be there."""
    default = Path(__file__).parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("NOVA_TEST_DATA", default))
    assert (folder / "ccsds").is_dir(), f"no recordings in {folder}: set NOVA_TEST_DATA"
    return folder


SAID = pytest.StashKey[list[str]]()
"""What processes of the run that are no terminal's have to say; told at its end."""


def say(request: pytest.FixtureRequest, text: str) -> None:
    """Print a line that capturing does not hide."""
    output = getattr(request.config, "workeroutput", None)
    if output is not None:
        output.setdefault("said", []).append(text)
        return
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert isinstance(reporter, pytest.TerminalReporter)
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        reporter.ensure_newline()
        reporter.write_line(text)


class _Node(Protocol):
    """A process of the run, as pytest-xdist tells of it."""

    config: pytest.Config
    workeroutput: dict[str, list[str]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: _Node) -> None:
    """Keep what a process has said until the run's summary."""
    output = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(SAID, []).extend(output.get("said", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which servers were used, and the table of the transports' conformance suite."""
    for line in terminalreporter.config.stash.get(SAID, []):
        terminalreporter.write_line(line)
    if lines := table.lines(terminalreporter.stats):
        terminalreporter.section("transport conformance")
        for line in lines:
            terminalreporter.write_line(line)
