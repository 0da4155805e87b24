"""`nova recordings` asks a running Core and prints its recordings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result

from nova.cli.recordings_command import recordings
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.note_messages import SubmitNote
from nova.sdk.settings import Settings
from tests.core.running import running_core
from tests.core.telling import START_NS, telling

SECOND_NS = 10**9


def name_of(title: str, start_ns: int, unit: str | None) -> SubmitNote:
    """The name of a recording's begin, on an entity or the scope."""
    return SubmitNote(
        scope_id="sat",
        title=title,
        from_time=timestamps.text(start_ns - SECOND_NS),
        to_time=timestamps.text(start_ns),
        timeline_mode="LIVE",
        system_id=unit and "bus",
        container_id=unit and "eps",
        unique_id=unit,
    )


async def test_recordings_are_printed(tmp_path: Path) -> None:
    """All of them or the newest, of everything or of an entity, by a learnt gap or a given one."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(recordings, [*arguments, "--data", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result

    async with running_core(Settings(data=str(tmp_path), mode="ground")) as core:
        starts = [START_NS + day * 86_400 * SECOND_NS for day in range(3)]
        await core.publish(
            [
                telling(start + n * SECOND_NS, {"n": n}, unit="u" if start == starts[0] else "v")
                for start in starts
                for n in range(10)
            ]
        )
        async with await Client.to_core(core.data) as client:
            await core.settled(client, 30)
            for title, start, unit in (("first", 0, "u"), ("second", 1, "u"), ("all", 0, None)):
                await client.submit_note(name_of(title, starts[start], unit))
        found = await asyncio.to_thread(run, "--timebase", "source")
        assert "silences of more than 60 s" in found.stderr
        listed = [json.loads(line) for line in found.stdout.splitlines()]
        assert [one["startTime"] for one in listed] == [
            timestamps.text(start) for start in reversed(starts)
        ]
        assert {(one["events"], one["entities"]) for one in listed} == {(10, 1)}
        assert [one.get("names") for one in listed] == [None, ["second"], ["all", "first"]]
        newest = await asyncio.to_thread(run, "--timebase", "source", "--limit", "1", "--json")
        assert [json.loads(line) for line in newest.stdout.splitlines()] == listed[:1]
        one = await asyncio.to_thread(run, "--timebase", "source", "--unique", "u")
        assert [json.loads(line) for line in one.stdout.splitlines()] == listed[2:]
        other = await asyncio.to_thread(run, "--timebase", "source", "--unique", "v")
        assert "names" not in other.stdout
        wide = await asyncio.to_thread(run, "--timebase", "source", "--gap", "90000")
        assert json.loads(wide.stdout)["events"] == 30
        nothing = await asyncio.to_thread(run, "--unique", "nobody")
        assert nothing.stdout == "" and nothing.stderr.startswith("No recordings")
