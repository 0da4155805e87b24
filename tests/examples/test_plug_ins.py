"""The plug-ins in examples/, found by their entry points and used by a real NOVA."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nova.sdk import BlockingClient, BlockingProducer, Entity, Filters, Query, Receipt
from nova.testkit.running_nova import RunningNova, nova_command, running_nova
from tests.examples.installed import install

BATTERY = Entity("bus", "eps", "battery")


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of the examples, for every process of the test."""
    install(tmp_path / "site-packages", monkeypatch)


def publish_volts(url: str, *volts: float) -> list[Receipt]:
    """A receipt for each."""
    with BlockingProducer(url, "sat1") as producer:
        return [
            producer.send([producer.observe(BATTERY).parsed("Battery", {"volts": value})])
            for value in volts
        ]


def test_the_driver_writes_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is bound to the battery's stream, and the export holds its bytes."""
    monkeypatch.setenv("NOVA_DRIVERS", "battery")
    archive = tmp_path / "export.zip"
    with running_nova(tmp_path / "data", "--scope", "sat1") as nova:
        publish_volts(nova.publish, 27.5, 28.5)
        options = ("--data", str(nova.data), "--driver", "battery", "--out", str(archive))
        done = nova_command("export", "--from", "2026-01-01T00:00:00Z", *options)
        nova.kill()
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(archive) as found:
        (name,) = [name for name in found.namelist() if name.endswith(".battery.csv")]
        rows = list(csv.reader(io.StringIO(found.read(name).decode())))
    assert name.endswith("bus/eps/battery/parsed.Battery.battery.csv")
    assert rows[0] == ["time", "volts"]
    assert [row[1] for row in rows[1:]] == ["27.5", "28.5"]


@contextmanager
def thermometer(nova: RunningNova, folder: Path) -> Iterator[None]:
    """The device on a host of its own, which publishes to this NOVA."""
    (folder / "sensor").write_text("21500\n")
    config = folder / "thermometer.toml"
    config.write_text(
        f'scope = "lab"\ntransports = ["{nova.publish}"]\ndata = "{folder / "hardware"}"\n'
        f'[devices.bench]\ntype = "thermometer"\npath = "{folder / "sensor"}"\n'
    )
    command = [sys.executable, "-m", "nova.cli", "hardware", "--config", str(config)]
    with subprocess.Popen(command) as host:
        try:
            yield
        finally:
            host.terminate()


def first_event(client: BlockingClient, filters: Filters) -> bytes:
    """The first event of a kind, which may be yet to come."""
    for chunk in client.stream("LIVE", start_time="2020-01-01T00:00:00Z", filters=filters):
        for stored in chunk.events:
            return bytes(stored)
    raise AssertionError("the stream ended")


def test_the_device_is_read_and_commanded(tmp_path: Path) -> None:
    with running_nova(tmp_path / "data", "--scope", "lab") as nova, thermometer(nova, tmp_path):
        with BlockingClient.to_core(nova.data) as client:
            reading = first_event(client, Filters(message_types=["Temperature"]))
        assert b'"payload":{"celsius":21.5}' in reading
        where = ("--scope", "lab", "--data", str(nova.data), "--wait")
        done = nova_command("command", "thermometer", "rate.set", "hz=50", *where)
        refused = nova_command("command", "thermometer", "rate.set", "hz=0", *where)
    assert done.returncode == 0, done.stderr
    assert refused.returncode != 0
    assert b"hz must be above 0" in refused.stdout + refused.stderr


def test_the_transport_carries_events(tmp_path: Path) -> None:
    """What is published while no NOVA runs is read later; each event is stored once."""
    url = f"logfile://{tmp_path / 'log'}"
    command = ["-c", PUBLISH_TWICE, url]
    subprocess.run([sys.executable, *command], check=True)
    for _ in range(2):
        with running_nova(tmp_path / "data", "--scope", "sat1", "--transport", url) as nova:
            subprocess.run([sys.executable, *command], check=True)
            with BlockingClient.to_core(nova.data) as client:
                first_event(client, Filters(message_types=["Last"]))
                stored = list(client.query(Query(filters=Filters(lanes=["parsed"]))))
            nova.kill()
        assert len(stored) == 2


PUBLISH_TWICE = """
import sys
from nova.sdk import BlockingProducer, Entity
with BlockingProducer(sys.argv[1], "sat1") as producer:
    at = producer.observe(Entity("bus", "eps", "battery"), 1_700_000_000_000_000_000)
    for _ in range(2):
        producer.send([at.parsed("Battery", {"volts": 28.1})])
    producer.send([at.parsed("Last", {})])
"""
