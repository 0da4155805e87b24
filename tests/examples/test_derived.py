"""The example of docs/derived.md, as it stands there, on a real NOVA."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from nova.sdk import BlockingClient, BlockingProducer, Entity, Filters, Query, timestamps
from nova.testkit.running_nova import nova_command, running_nova
from tests.examples.installed import EXAMPLES, install
from tests.test_tidy import ROOT

WAIT_S = 90.0
START_NS = timestamps.parse("2026-03-01T00:00:00Z")
DEFINITIONS = EXAMPLES / "definitions"


def test_the_page_shows_the_files() -> None:
    page = (ROOT / "docs" / "derived.md").read_text()
    for path in DEFINITIONS.iterdir():
        assert path.read_text() in page, path


def test_the_example_derives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before by `nova derive`, then live; the second definition uses the first."""
    install(tmp_path / "site-packages", monkeypatch)
    checked = nova_command("derive", "check", str(DEFINITIONS))
    assert checked.stdout == b"2 definitions, no faults\n", checked.stderr
    monkeypatch.setenv("NOVA_DEFINITIONS", str(DEFINITIONS))
    with running_nova(tmp_path / "data", "--scope", "sat1") as nova:
        with BlockingProducer(nova.publish, "sat1") as producer:
            producer.send(
                [
                    producer.observe(Entity("bus", "eps", "battery"), START_NS + second * 10**9)
                    .parsed("Battery", {"volts": 28.0, "amps": 100.0 * second})
                    for second in range(3)
                ]
            )  # fmt: skip
        done = nova_command("derive", "--data", str(nova.data), "--to", "now")
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + WAIT_S
        with BlockingClient.to_core(nova.data) as client:
            query = Query(filters=Filters(message_types=["MeanPower"]), timebase="source")
            while len(found := list(client.query(query))) < 3:
                assert time.monotonic() < deadline, done.stdout
                time.sleep(0.1)
            card = Query(filters=Filters(view_id="derived.batteryPower"), timebase="source")
            updates = [msgspec.json.decode(event) for event in client.query(card)]
            manifests = Query(filters=Filters(message_types=["ManifestPublished"]))
            published = [msgspec.json.decode(event) for event in client.query(manifests)]
        nova.kill()
    events = [msgspec.json.decode(event) for event in found]
    assert [event["payload"] for event in events] == [
        {"kilowatts": 0.0},
        {"kilowatts": 1.4},
        {"kilowatts": 2.8},
    ]
    assert {event["schemaVersion"] for event in events} == {"1.0.0"}
    assert [update["data"] for update in updates] == [{"watts": 2_800.0 * n} for n in range(3)]
    (manifest,) = [one for one in published if one["viewId"] == "derived.batteryPower"]
    assert manifest["allowedKeys"]["watts"]["unit"] == "W"
