"""Commands without a timebase use their instance's, whether it is running or not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from zipfile import ZipFile

import msgspec
import pytest

from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import Record, connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.command_here import command_here

SPAN = ("--types", "Count", "--from", "2026-01-01T00:00:00Z", "--to", "now")


def record(number: int, second: int) -> Record:
    """The event that comes as this one, of this second."""
    envelope = {
        "scopeId": "sat",
        "lane": "parsed",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": "u",
        "sourceTruthTime": f"2026-01-02T00:00:{second:02}Z",
        "messageType": "Count",
        "schemaVersion": "1",
        "payload": {"n": number},
    }
    return Record(None, msgspec.json.encode(envelope))


async def publish(nova: RunningNova) -> None:
    """Three events, of which the second is the latest by its source."""
    transport = connect(nova.publish)
    for number, second in ((0, 1), (1, 3), (2, 2)):
        await Producer(transport, "sat").publish([record(number, second)])
    await transport.close()


def numbers(done: bytes) -> list[int]:
    """The numbers of the events of an output, in its order."""
    return [json.loads(line)["payload"]["n"] for line in done.splitlines()]


@pytest.mark.parametrize(
    ("variables", "timebase", "order"),
    [
        ({"NOVA_SCOPE": "sat"}, "source", [0, 2, 1]),
        pytest.param(
            {"NOVA_SCOPE": "sat", "NOVA_TIMEBASE": "canonical"},
            *("canonical", [0, 1, 2]),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_commands_use_the_default_of_their_instance(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    timebase: str,
    order: list[int],
) -> None:
    """Before, `export` and `replay` read a payload's archive in canonical time by default."""
    data = tmp_path / "data"
    told = ("--data", str(data))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with running_nova(data) as nova:
        for name in variables:
            monkeypatch.delenv(name)  # Commands know of them by the instance alone.
        asyncio.run(publish(nova))
        assert numbers(command_here("query", *told, *SPAN, "--json").stdout) == order
        assert numbers(command_here("replay", *told, *SPAN).stdout) == order
        out = tmp_path / "out.zip"
        done = command_here("export", *told, "--driver", "jsonl", "--out", str(out))
        assert done.returncode == 0, done.stderr
        with ZipFile(out) as archive:
            assert json.loads(archive.read("export.json"))["query"]["timebase"] == timebase
    assert numbers(command_here("replay", *told, *SPAN).stdout) == order
    other = "source" if timebase == "canonical" else "canonical"
    forced = numbers(command_here("replay", *told, *SPAN, "--timebase", other).stdout)
    assert forced == ([0, 2, 1] if other == "source" else [0, 1, 2])
