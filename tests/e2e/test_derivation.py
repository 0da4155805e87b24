"""Derived telemetry of a real NOVA: kills lose and double nothing, history makes the same."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import msgspec
import pytest

from nova.sdk import BlockingClient, BlockingProducer, Filters, Query
from nova.sdk.errors import NovaError
from nova.testkit.running_nova import RunningNova, nova_command, running_nova
from tests.core.derivation.deriving import (
    OUTPUT,
    definition_of,
    expected,
    random_events,
    write_definition,
)

EVENTS = 90
WAIT_S = 120.0
CHAINED = {
    "id": "doubled",
    "inputs": {"watts": OUTPUT},
    "expression": "watts * 2.0",
    "output": {**OUTPUT, "address": "nova.sat.parsed.derived.battery.twice.v1"},
}


def outputs(nova: RunningNova, unit: str) -> list[str]:
    """The source times and values of derived events, in order, each as often as it is stored."""
    query = Query(
        timebase="source",
        filters=Filters(message_types=["Power"], unique_id=unit, lanes=["parsed"]),
    )
    with BlockingClient.to_core(nova.data) as client:
        found = [msgspec.json.decode(event) for event in client.query(query)]
    return [f"{one['sourceTruthTime']} {one['payload']['watts']}" for one in found]


def kill_derive(nova: RunningNova) -> None:
    """Kill the process that derives, and those of its formulas with it."""
    with contextlib.suppress(NovaError, ProcessLookupError):
        os.kill(nova.child("derive"), signal.SIGKILL)


def command(nova: RunningNova, *arguments: str) -> bytes:
    done = nova_command("derive", *arguments, "--data", str(nova.data))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("rounds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_kills_lose_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    """Live with a chain and kills, then over history: nothing is new, and a dry run counts the
    same. A second version stands beside the first.
    """
    folder = tmp_path / "definitions"
    folder.mkdir()
    definition = definition_of()
    write_definition(folder, definition)
    write_definition(folder, definition_of(**CHAINED))
    monkeypatch.setenv("NOVA_DEFINITIONS", str(folder))
    sent = random_events(11, rounds * EVENTS)
    right = expected(definition, sent)
    with running_nova(tmp_path / "data", "--scope", "sat") as nova:
        until_derive_has_begun(nova)
        with BlockingProducer(nova.publish, "sat") as producer:
            for start in range(0, len(sent), EVENTS):
                for some in range(start, start + EVENTS, 10):
                    producer.publish([one.record() for one in sent[some : some + 10]])
                kill_derive(nova)
        deadline = time.monotonic() + WAIT_S
        while len(outputs(nova, "twice")) < len(right):
            assert time.monotonic() < deadline, (len(outputs(nova, "main")), len(right))
            time.sleep(0.2)
        live = outputs(nova, "main")
        assert len(live) == len(set(live)) == len(right)
        summary = msgspec.json.decode(command(nova, "--definition", "power", "--json"))
        assert summary["outputs"] >= len(right) and summary["failures"] == 0
        assert outputs(nova, "main") == live
        assert len(outputs(nova, "twice")) == len(right)
        compare_versions(nova, folder, live)
        nova.kill()


def until_derive_has_begun(nova: RunningNova) -> None:
    """A definition that is new begins with what arrives from then on."""
    deadline = time.monotonic() + WAIT_S
    while not (nova.data / "derivation" / "positions.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def compare_versions(nova: RunningNova, folder: Path, live: list[str]) -> None:
    """A version that is only derived over history."""
    second = definition_of(version="1.1.0", expression="volts * amps + 1.0", live=False)
    write_definition(folder, second)
    command(nova, "--definition", "power@1.1.0")
    assert len(outputs(nova, "main")) == 2 * len(live)
    counts = command(nova, "diff", "power@1.0.0", "power@1.1.0", "--limit", "1", "--json")
    lines = [msgspec.json.decode(line) for line in counts.splitlines()]
    assert len(lines) == 2
    assert lines[1]["same"] == lines[1]["onlyFirst"] == lines[1]["onlySecond"] == 0
    assert lines[1]["different"] == len({line.split()[0] for line in live})
