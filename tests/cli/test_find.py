"""`nova find` asks a running Core and prints what it found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from nova.cli.find import find, message_type
from nova.sdk.client.client import Client
from nova.sdk.field_types import JsonObject
from nova.sdk.settings import Settings
from tests.core.running import running_core
from tests.core.telling import START_NS, telling

SECOND_NS = 10**9
SERIES = [
    "--scope",
    "sat",
    "--system",
    "bus",
    "--container",
    "eps",
    "--unique",
    "u",
    "--type",
    "Numbers",
]


async def test_findings_are_printed(tmp_path: Path) -> None:
    """Runs, changes and gaps, all pages of them, or the newest few."""

    def run(*arguments: str) -> list[dict[str, object]]:
        result = asked(*arguments, "--data", str(tmp_path))
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    async with running_core(Settings(data=str(tmp_path), mode="ground")) as core:
        payloads: list[JsonObject] = [
            {"n": n % 4, "below": -n, "mode": "safe" if n < 6 else "on", "port": str(n % 4)}
            for n in range(12)
        ]
        await core.publish(
            [telling(START_NS + n * SECOND_NS, payload) for n, payload in enumerate(payloads)]
        )
        await core.publish([telling(START_NS, {"heat": 5}, lane="ui")])
        async with await Client.to_core(core.data) as client:
            await core.settled(client, 13)
        runs = await asyncio.to_thread(run, "n", ">=", "2", "--samples", "2")
        assert [(one["samples"], one["min"], one["max"]) for one in runs] == [(2, 2, 3)] * 3
        newest = await asyncio.to_thread(run, "n", ">=", "2", "--reverse", "--limit", "1")
        assert newest == runs[-1:]
        (change,) = await asyncio.to_thread(run, "mode", "--changes")
        assert (change["before"], change["after"]) == ("safe", "on")
        assert await asyncio.to_thread(run, "mode", "=", "safe", "--seconds", "9") == []
        assert await asyncio.to_thread(run, "n", "--gaps", "1.5") == []
        steady = await asyncio.to_thread(run, "mode", "--steady", "--samples", "6")
        assert [one["samples"] for one in steady] == [6, 6]
        (low,) = await asyncio.to_thread(run, "below", "<", "-5")
        assert (low["min"], low["max"]) == (-11, -6)
        assert await asyncio.to_thread(run, "port", "=", "1") == []
        assert len(await asyncio.to_thread(run, "port", "=", "1", "--text")) == 3
        here = ("--data", str(tmp_path))
        unknown = await asyncio.to_thread(asked, "never", ">", "1", *here)
        assert "No event of this series has never" in unknown.stderr
        nobody = await asyncio.to_thread(asked, "n", ">", "1", *here, "--unique", "x")
        assert "No event of this series was ever received" in nobody.stderr
        ui = ["heat", ">", "1", *SERIES[:-2], "--lane", "ui", "--view", "v", *here]
        hot = await asyncio.to_thread(CliRunner().invoke, find, ui)
        assert json.loads(hot.stdout)["min"] == 5, hot.output
        nothing = await asyncio.to_thread(asked, "n", ">", "99", *here)
        assert nothing.stderr == "Nothing found.\n"
        await texts_are_found(partial(asyncio.to_thread, run))


async def texts_are_found(run: Callable[..., Awaitable[list[dict[str, Any]]]]) -> None:
    """As flag and argument in either order, newest first, in one lane or in any."""
    found = await run("--text", "SAFE", "--lane", "parsed")
    assert [one["payload"]["n"] for one in found] == [n % 4 for n in range(6)]
    assert await run("safe", "--text", "--reverse", "--limit", "2") == found[:3:-1]
    assert await run("safe", "--text", "--lane", "command") == []


def test_what_a_text_has_not_is_refused() -> None:
    for arguments, words in (
        (["x", "--text", "--samples", "2"], "--samples: a text has no duration"),
        (["x" * 257, "--text"], "TEXT: a text has 1 to 256 characters"),
    ):
        result = CliRunner().invoke(find, arguments)
        assert result.exit_code == 2 and words in result.output
    result = CliRunner().invoke(find, ["n", ">", "1", "--scope", "sat"])
    assert result.exit_code == 2 and "give --system too" in result.output
    result = asked("n", ">", "1", "--lane", "command")
    assert (
        result.exit_code == 2 and "--lane: fields are of the lanes parsed and ui" in result.output
    )


def test_the_lane_ui_names_its_message_type() -> None:
    options: dict[str, object] = {"type": None, "lane": "ui"}
    assert message_type(options) == "UiUpdate"
    assert message_type({**options, "type": "Other"}) == "Other"
    for lane in (None, "parsed"):
        with pytest.raises(click.UsageError, match="give --type too"):
            message_type({**options, "lane": lane})


def test_one_condition_has_to_be_stated() -> None:
    for arguments in (
        [],
        [">"],
        ["--changes", "--gaps", "1"],
        ["--steady", "--changes"],
        [">", "1", "--changes"],
    ):
        result = asked("n", *arguments)
        assert result.exit_code == 2 and "state one condition" in result.output


def test_what_is_no_finite_number_is_refused() -> None:
    for arguments in (["--gaps", "nan"], ["--changes", "--seconds", "inf"], [">", "1e400"]):
        result = asked("n", *arguments)
        assert result.exit_code == 2 and arguments[-1] in result.output
    result = asked("n", ">", "5", "--smaples", "3")
    assert result.exit_code == 2 and "--smaples" in result.output


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(find, [*SERIES, *arguments])
