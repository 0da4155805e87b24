"""Fixtures that tests of several packages share."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from hypothesis import settings as law_settings

from nova.sdk import logs, settings, worker_process
from nova.sdk.log_handler import JsonHandler
from nova.testkit import command_fork, kafka, mqtt, nats
from nova.testkit.command_fork import start_worker
from nova.testkit.conformance import result_table
from nova.testkit.nats_server import NatsServer
from nova.testkit.test_server import BackendServer
from tests import cheap_passwords, made_logs, made_packets
from tests import real_recordings as real
from tests.file_order import spread
from tests.laws import UNSTATED_EXAMPLES, tried
from tests.shared_servers import RunFolder, SharedServer, shared_server

T = TypeVar("T")

law_settings.register_profile("any speed", deadline=None, max_examples=tried(UNSTATED_EXAMPLES))
law_settings.load_profile("any speed")

command_fork.prepared_by.append(cheap_passwords.__file__)


@pytest.fixture(autouse=True, scope="session")
def no_drivers() -> Iterator[None]:
    """Tests count events: no DriverBindings are among them unless a test names its drivers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "DEFAULT_DRIVERS", ())
        patch.setenv("NOVA_DRIVERS", "none")
        yield


@pytest.fixture(autouse=True, scope="session")
def forked_workers() -> Iterator[None]:
    """Workers of replays and exports that tests start are forked, as commands are: importing is
    most of what such a short one does.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_process, "start_process", start_worker)
        yield


AUTHORITIES = "SSL_CERT_FILE"
OWN_AUTHORITIES = os.environ.get(AUTHORITIES)


@pytest.fixture(autouse=True, scope="session")
def no_public_authorities() -> Iterator[None]:
    """Processes of tests connect to no public host. Reading the certificates of this machine's
    authorities would be a tenth of what most of them do until they are ready.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(AUTHORITIES, os.devnull)
        yield


@pytest.fixture(scope="module")
def public_authorities(no_public_authorities: None) -> Iterator[None]:
    """This machine's authorities all the same, for tests that download."""
    with pytest.MonkeyPatch.context() as patch:
        if OWN_AUTHORITIES is None:
            patch.delenv(AUTHORITIES)
        else:
            patch.setenv(AUTHORITIES, OWN_AUTHORITIES)
        yield


@pytest.fixture(autouse=True)
def own_process_state() -> Iterator[None]:
    """A command that a test runs in this process sets the level and form of all logs, also for its
    children, the hooks for uncaught exceptions, and the umask; the next test must find all as it
    would alone.
    """
    variable = os.environ.get(logs.LEVEL_VARIABLE)
    root = logging.getLogger()
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    level, disabled, umask = root.level, root.manager.disable, os.umask(0)
    os.umask(umask)
    yield
    os.environ.pop(logs.LEVEL_VARIABLE, None)
    if variable is not None:
        os.environ[logs.LEVEL_VARIABLE] = variable
    os.umask(umask)
    root.setLevel(level)
    logging.disable(disabled)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    for handler in list(root.handlers):
        if isinstance(handler, JsonHandler):
            root.removeHandler(handler)


@pytest.fixture(scope="session")
def kafka_broker(request: pytest.FixtureRequest) -> Iterator[BackendServer]:
    """A real broker for the whole run, shared by all tests: `url` is where it is."""
    with server_of_run(request, "kafka", kafka.shared_broker) as broker:
        say(request, f"Kafka broker: {broker.kind} at {broker.url}")
        yield broker


@pytest.fixture
def own_kafka_broker() -> Iterator[BackendServer]:
    """A real broker for one test, which may stop, kill and restart it."""
    with kafka.own_broker() as broker:
        yield broker


@pytest.fixture(scope="session")
def mqtt_broker(request: pytest.FixtureRequest) -> Iterator[BackendServer]:
    """A real broker for the whole run, shared by all tests: `url` is where it is."""
    with server_of_run(request, "mqtt", mqtt.shared_broker) as broker:
        say(request, f"MQTT broker: {broker.kind} at {broker.url}")
        yield broker


@pytest.fixture
def own_mqtt_broker() -> Iterator[BackendServer]:
    """A real broker for one test, which may stop, kill and restart it."""
    with mqtt.own_broker() as broker:
        yield broker


@pytest.fixture(scope="session")
def nats_server(request: pytest.FixtureRequest) -> Iterator[NatsServer]:
    """A real server for the whole run, shared by all tests: `url` is where it is."""
    with server_of_run(request, "nats", nats.shared_server) as server:
        say(request, f"NATS server: {server.kind} at {server.url}")
        yield server


@pytest.fixture
def own_nats_server() -> Iterator[NatsServer]:
    """A real server for one test, which may stop, kill and restart it."""
    with nats.own_server() as server:
        yield server


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings. Tests that ask for it run only where it is."""
    folder = real.folder()
    assert folder is not None
    return folder


def server_of_run(
    request: pytest.FixtureRequest, name: str, own: Callable[[], AbstractContextManager[T]]
) -> AbstractContextManager[T | SharedServer]:
    """The server that the processes of the run share; a run of one process has it to itself."""
    workerinput: dict[str, str] | None = getattr(request.config, "workerinput", None)
    if workerinput is None:
        return own()
    return contextlib.nullcontext(shared_server(name, Path(workerinput[RUN_FOLDER])))


SAID = pytest.StashKey[list[str]]()
"""Messages of the run's worker processes, printed at its end."""


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


NOT_HERE = pytest.StashKey[list[str]]()
"""The tests that were left out because their recordings are not here."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without looking for garbage: they stay until the end, and so that nothing looks
    at them again. Else it is a third of the CPU time of collecting.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread the files that take longest among the others, and leave out what has no recordings."""
    order = spread(list(dict.fromkeys(item.path for item in items)))
    turns = {file: turn for turn, file in enumerate(order)}
    items.sort(key=lambda item: turns[item.path])
    leave_out_without_recordings(config, items)


def leave_out_without_recordings(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, of the tests that were chosen, those whose recordings are not here."""
    if real.folder() is not None:
        return
    needy = real.without_recordings(items)
    config.hook.pytest_deselected(items=needy)
    config.stash[NOT_HERE] = [item.nodeid for item in needy]
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["not_here"] = config.stash[NOT_HERE]


class _Node(Protocol):
    """A process of the run, as pytest-xdist describes it."""

    config: pytest.Config
    workerinput: dict[str, str]
    workeroutput: dict[str, list[str]]


FOLDER = pytest.StashKey[RunFolder]()
RUN_FOLDER = "run_folder"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """Give a process of the run the addresses of its servers."""
    stash = node.config.stash
    if FOLDER not in stash:
        stash[FOLDER] = RunFolder()
    node.workerinput[RUN_FOLDER] = str(stash[FOLDER].path)


def pytest_configure() -> None:
    """Take Ctrl-C as at a terminal. A run in the background of a script begins with it ignored, and
    so would all processes that tests start and interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers of the run."""
    if FOLDER in config.stash:
        config.stash[FOLDER].close()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: _Node) -> None:
    """Keep what a process has said until the run's summary."""
    output = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(SAID, []).extend(output.get("said", ()))
    if "not_here" in output:
        node.config.stash[NOT_HERE] = output["not_here"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which servers were used, what was not run, and the transports' conformance table."""
    not_here: list[str] = terminalreporter.config.stash.get(NOT_HERE, [])
    for line in real.listing(not_here):
        terminalreporter.write_line(line)
    said: list[str] = terminalreporter.config.stash.get(SAID, [])
    for line in dict.fromkeys(said):
        terminalreporter.write_line(line)
    if lines := result_table.table_lines(terminalreporter.stats):
        terminalreporter.section("transport conformance")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small recordings of every format, made for the run; tests only read them."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "orbit").write_bytes(made_packets.orbit_packets(300))
    (folder / "orbit.xml").write_text(made_packets.orbit_xtce())
    (folder / "counter").write_bytes(made_packets.counter_packets(40))
    (folder / "counter.xml").write_text(made_packets.counter_xtce())
    (folder / "boat.log").write_bytes(made_logs.boat_log(20))
    (folder / "bus.log").write_bytes(made_logs.bus_log(20))
    (folder / "drone.ulg").write_bytes(made_logs.drone_log(20))
    (folder / "flight.csv").write_bytes(made_logs.flight_table(40))
    return folder
