"""`nova columns` and the function `columns` read fields from a running Core."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.ipc
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from nova.cli.columns_command import columns
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.field_types import JsonObject
from nova.sdk.settings import Settings
from tests.cli.test_find import SERIES
from tests.core.running import running_core
from tests.core.telling import START_NS, telling

SECOND_NS = 10**9
EVENTS = 12


def payload_of(number: int) -> JsonObject:
    """A number of every third event, a boolean, an enumerated text, and a field of two kinds."""
    members: JsonObject = {"on": number % 2 == 0, "mode": "safe, dark" if number < 6 else "on"}
    if number % 3 == 0:
        members |= {"n": number / 10, "mixed": number if number % 2 else "odd"}
    return members


TIMES = [START_NS + number * SECOND_NS for number in range(EVENTS)]
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Runs the command in source time; one of the events came late."""
    data = tmp_path / "data"
    data.mkdir()

    def invoke(*arguments: str) -> Result:
        wanted = [*SERIES, *arguments, "--data", str(data), "--timebase", "source"]
        result = CliRunner().invoke(columns, wanted)
        assert result.exit_code == 0, result.output
        return result

    async with running_core(Settings(data=str(data), mode="ground")) as core:
        late = [*range(3), *range(4, EVENTS), 3]
        await core.publish([telling(TIMES[number], payload_of(number)) for number in late])
        async with await Client.to_core(core.data) as client:
            await core.settled(client, EVENTS)
        yield partial(asyncio.to_thread, invoke)


async def test_columns_are_printed_as_lines(run: Run) -> None:
    answer = await run("n", "mode", "on", "mixed")
    lines = list(csv.DictReader(answer.stdout.splitlines()))
    assert [line["sourceTruthTime"] for line in lines] == list(map(timestamps.text, TIMES))
    assert [line["n"] for line in lines[:4]] == ["0.0", "", "", "0.3"]
    assert [line["mode"] for line in lines[5:7]] == ["safe, dark", "on"]
    assert [line["on"] for line in lines[:2]] == ["true", "false"]
    assert [line["mixed"] for line in lines[:4]] == ["", "", "", "3.0"]
    assert lines[0]["mixed (text)"] == "odd"

    answer = await run("n", "on", "never", "--json", "--to", timestamps.text(TIMES[1]))
    assert [json.loads(line) for line in answer.stdout.splitlines()] == [
        {"sourceTruthTime": timestamps.text(TIMES[0]), "n": 0.0, "on": True},
        {"sourceTruthTime": timestamps.text(TIMES[1]), "on": False},
    ]
    assert answer.stderr.startswith("No event of this series has never, at any time")
    assert "of the span" not in answer.stderr
    answer = await run("n", "mode", "--to", timestamps.text(TIMES[0] - 1))
    assert answer.stderr.startswith("No event of the span has n, mode")
    answer = await run("n", "--unique", "nobody")
    assert answer.stderr.startswith("No event of this series was ever received")


async def test_columns_are_written_to_files(run: Run, tmp_path: Path) -> None:
    npz, parquet, arrow = (tmp_path / f"all.{end}" for end in ("npz", "parquet", "arrow"))
    await run("n", "mode", "--out", str(npz))
    arrays = np.load(npz)
    assert arrays["sourceTruthTime"].astype(np.int64).tolist() == TIMES
    assert arrays["n.present"].tolist() == [number % 3 == 0 for number in range(EVENTS)]
    assert np.isnan(arrays["n"][1]) and arrays["mode"][0] == "safe, dark"
    await run("n", "mode", "on", "--out", str(parquet))
    await run("n", "mode", "on", "--out", str(arrow))
    for table in (pyarrow.parquet.read_table(parquet), pyarrow.ipc.open_file(arrow).read_all()):
        assert table.column("sourceTruthTime").cast("int64").to_pylist() == TIMES
        assert table.column("n").to_pylist()[:4] == [0.0, None, None, 0.3]
        assert table.column("mode").to_pylist()[5:7] == ["safe, dark", "on"]
        assert table.column("on").to_pylist()[:2] == [True, False]


def test_what_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["n", *SERIES, "--data", str(tmp_path)]
    result = CliRunner().invoke(columns, [*asked, "--out", "volts.xlsx"])
    assert result.exit_code == 2 and "'volts.xlsx' names no format" in result.output
    result = CliRunner().invoke(columns, [*asked, "--out", "volts.csv", "--json"])
    assert result.exit_code == 2 and "one of --out and --json" in result.output
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = CliRunner().invoke(columns, [*asked, "--out", str(tmp_path / "volts.parquet")])
    assert isinstance(result.exception, NovaError)
    assert "pyarrow is not installed" in str(result.exception)
    assert "nova-sdk[arrow]" in str(result.exception)
