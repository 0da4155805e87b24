"""The hardware host as a process: real sockets, killed writers, killed hosts, every transport."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from nova.sdk.errors import NovaError
from nova.sdk.events.envelope import CommandResult, ParsedMessage
from nova.sdk.events.event import address_of, check
from nova.sdk.events.observation import Entity
from nova.sdk.transport.base import connect
from nova.testkit.conformance.core_stand_in import CoreStandIn
from nova.testkit.nats_server import NatsServer
from nova.testkit.running_nova import RunningNova, nova_command
from nova.testkit.test_server import BackendServer
from tests.e2e.hardware_process import hardware
from tests.hardware.bench_device import command_record
from tests.hardware.serving import Speaker

PUMP = Entity("lab", "bench", "pump")
KILLS = 4
COMMANDS = 24


def line_config(scope: str, port: int, commands: int = 0, processes: str = "one") -> str:
    """A device of text lines on a port, with a line of its own for each command."""
    told = "".join(
        f'"pump.c{number}" = {{ line = "do {number}", confirm = "^done {number}$" }}\n'
        for number in range(commands)
    )
    return f"""
scope = "{scope}"
processes = "{processes}"
[devices.pump]
type = "line"
source = "tcp://127.0.0.1:{port}"
decode = "text"
entity = "lab/bench/pump"
[devices.pump.commands]
{told}"""


async def kill_writer(nova: RunningNova) -> None:
    """SIGKILL, once there is one: the last may not have been replaced yet."""
    async with asyncio.timeout(30):
        while True:
            try:
                return os.kill(nova.child("writer"), signal.SIGKILL)
            except NovaError:
                await asyncio.sleep(0.05)


def lines_in(nova: RunningNova) -> list[str]:
    """The text of all lines in the archive, in the order of their source time."""
    span = ("--from", "2020-01-01T00:00:00Z", "--to", "now", "--types", "Line")
    found = nova_command("query", "--data", str(nova.data), *span, "--json")
    assert found.returncode == 0, found.stderr
    events = [msgspec.json.decode(line) for line in found.stdout.splitlines()]
    return [event["payload"]["text"] for event in events]


async def lines_until(nova: RunningNova, last: str) -> list[str]:
    """The same, once this line is among them."""
    async with asyncio.timeout(90):
        while last not in (found := await asyncio.to_thread(lines_in, nova)):
            await asyncio.sleep(0.2)
    return found


async def test_a_killed_writer_costs_nothing(nova: RunningNova, tmp_path: Path) -> None:
    """Outages delay: every line is in the archive once, in the order in which it was read."""
    async with (
        Speaker().serving() as speaker,
        hardware(tmp_path, line_config("sat", speaker.port), nova.publish) as host,
    ):
        far = await speaker.connection()
        for number in range(KILLS * 100):
            if number % 100 == 50:
                await kill_writer(nova)
            far.write(b"line %d\n" % number)
            await asyncio.sleep(0.005)
        found = await lines_until(nova, f"line {KILLS * 100 - 1}")
        assert found == [f"line {number}" for number in range(KILLS * 100)]
        assert host.stop() == 0


@pytest.mark.parametrize("processes", ["one", "device"])
async def test_a_killed_host_loses_nothing_that_it_was_told(
    nova: RunningNova, tmp_path: Path, processes: str
) -> None:
    """A file is followed over kills of the host and of the writer: each line at least once, and
    again only what was read at the very moment of a kill.
    """
    path = tmp_path / "antenna.log"
    path.touch()
    config = (
        f'scope = "sat"\nprocesses = "{processes}"\n[devices.log]\ntype = "file"\npath = "{path}"\n'
    )
    dice = random.Random(7)
    async with hardware(tmp_path, config, nova.publish) as host:
        with path.open("ab", buffering=0) as file:
            number = 0
            for kill in range(KILLS):
                for _ in range(60):
                    file.write(b"line %d\n" % number)
                    number += 1
                    await asyncio.sleep(dice.uniform(0, 0.01))
                host.kill()
                if kill == 1:
                    await kill_writer(nova)
                file.write(b"line %d\n" % number)
                number += 1
                await host.start()
        found = await lines_until(nova, f"line {number - 1}")
    assert list(dict.fromkeys(found)) == [f"line {one}" for one in range(number)]


@asynccontextmanager
async def core_at(url: str, scope: str) -> AsyncIterator[CoreStandIn]:
    """A Core that stores what comes and can dispatch."""
    core = CoreStandIn(lambda: connect(url), scope)
    await core.start()
    try:
        yield core
    finally:
        await core.stop()


def results_in(core: CoreStandIn) -> list[CommandResult]:
    """Every result that has arrived, each event once."""
    found = {}
    for record in core.stored:
        event = check(record.value, address_of(record.address))
        if isinstance(event.envelope, CommandResult):
            found[event.event_id] = event.envelope
    return list(found.values())


@pytest.mark.parametrize("processes", ["one", pytest.param("device", marks=pytest.mark.slow)])
async def test_a_command_is_done_at_most_once_over_kills(tmp_path: Path, processes: str) -> None:
    """Pitfalls row 32: repeats, kills of the host at any step; what a device was sent is counted
    at the device, and each command has one result in the end.
    """
    url = f"local://{tmp_path / 'core.sock'}"
    dice = random.Random(11)
    async with Speaker(confirms=True).serving() as speaker, core_at(url, "lab") as core:
        config = line_config("lab", speaker.port, COMMANDS + 1, processes)
        async with hardware(tmp_path, config, url) as host:
            records = [
                command_record(f"c{number}", f"pump.c{number}") for number in range(COMMANDS)
            ]
            for number, record in enumerate(records):
                for again in dice.sample(records[: number + 1], min(3, number + 1)):
                    await core.dispatch([again, record])
                if number % (COMMANDS // KILLS) == 3:
                    await asyncio.sleep(dice.uniform(0, 0.03))
                    host.kill()
                    await host.start()
            await core.dispatch(records)
            await core.wait_until(
                "all have results",
                lambda: len({r.command_id for r in results_in(core)}) == COMMANDS,
            )
            undisturbed = command_record("last", f"pump.c{COMMANDS}")
            await core.dispatch_until_sent([undisturbed])
            await core.wait_until(
                "the last has a result",
                lambda: len({r.command_id for r in results_in(core)}) == COMMANDS + 1,
            )
            assert host.stop() == 0
        results = Counter(result.command_id for result in results_in(core))
        assert set(results.values()) == {1}
        heard = b""
        while not speaker.heard.empty():
            heard += speaker.heard.get_nowait()
    done = Counter(heard.decode().splitlines())
    assert set(done.values()) <= {1}
    succeeded = {one.command_id for one in results_in(core) if one.status == "success"}
    # How many the kills leave is the machine's affair; the one that no kill met is done.
    assert "last" in succeeded and f"do {COMMANDS}" in done
    assert {f"do {name.removeprefix('c')}" for name in succeeded - {"last"}} <= set(done)


@pytest.fixture(params=["local", "kafka", "mqtt", "nats"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A transport of each kind, with a real server behind it."""
    if request.param == "local":
        yield f"local://{tmp_path / 'core.sock'}"
        return
    server: BackendServer | NatsServer = request.getfixturevalue(
        {"kafka": "kafka_broker", "mqtt": "mqtt_broker", "nats": "nats_server"}[request.param]
    )
    yield server.url


async def test_every_transport_carries_both_ways(url: str, tmp_path: Path) -> None:
    """A-124: the same host, whatever the URL: telemetry and answers out, commands in."""
    scope = f"lab-{uuid.uuid4().hex[:8]}"
    async with Speaker(confirms=True).serving() as speaker, core_at(url, scope) as core:
        async with hardware(tmp_path, line_config(scope, speaker.port, 1), url) as host:
            far = await speaker.connection()
            far.write(b"all is well\n")
            await core.wait_until("a line is there", lambda: _has(core, b"all is well"))
            command = command_record("c0", "pump.c0", scope=scope)
            await core.dispatch_until_sent([command])
            async with asyncio.timeout(30):
                assert await speaker.heard.get() == b"do 0\r\n"
            await core.wait_until("it is answered", lambda: len(results_in(core)) == 1)
            assert host.stop() == 0
        (result,) = results_in(core)
    assert (result.command_id, result.status) == ("c0", "success")
    assert result.result == {"answer": "done 0"}
    assert _has(core, b"ProducerDescriptor")


def _has(core: CoreStandIn, words: bytes) -> bool:
    return any(words in record.value for record in core.stored)


async def test_an_outage_at_the_start_is_waited_for(tmp_path: Path) -> None:
    """A host that starts before its Core keeps what it reads, and hears commands afterwards."""
    url = f"local://{tmp_path / 'core.sock'}"
    log = tmp_path / "antenna.log"
    log.write_text("before anybody listened\n")
    config = f'scope = "lab"\n[devices.log]\ntype = "file"\npath = "{log}"\n'
    async with hardware(tmp_path, config, url) as host, core_at(url, "lab") as core:
        await core.wait_until("the line is there", lambda: _has(core, b"before anybody listened"))
        assert "nothing listens" in host.log()
        assert host.stop() == 0


async def test_a_killed_broker_costs_nothing(own_nats_server: NatsServer, tmp_path: Path) -> None:
    """Pitfalls row 12: while the server is dead devices are read on, and all of it arrives."""
    count = 300
    async with Speaker().serving() as speaker, core_at(own_nats_server.url, "lab") as core:
        config = line_config("lab", speaker.port)
        async with hardware(tmp_path, config, own_nats_server.url) as host:
            far = await speaker.connection()
            for number in range(count):
                if number == count // 3:
                    await asyncio.to_thread(own_nats_server.kill)
                if number == 2 * count // 3:
                    await asyncio.to_thread(own_nats_server.start)
                far.write(b"line %d\n" % number)
                await asyncio.sleep(0.005)
            await core.wait_until(
                "the last is there", lambda: _has(core, b'"line %d"' % (count - 1))
            )
            assert host.stop() == 0
        events = {}
        for record in core.stored:
            event = check(record.value, address_of(record.address))
            if isinstance(event.envelope, ParsedMessage):
                events[event.event_id] = event
    said = [
        (one.source_ns, getattr(one.envelope, "payload", {})["text"]) for one in events.values()
    ]
    assert [text for _, text in said] == [f"line {number}" for number in range(count)]
    assert said == sorted(said)
