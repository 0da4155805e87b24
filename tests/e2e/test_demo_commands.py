"""Commands to the demo's satellite, from the shell to its telemetry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from nova.testkit.running_nova import RunningNova, running_nova
from tests.command_here import command_here


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A demo; what it keeps is gone with it."""
    with running_nova(tmp_path_factory.mktemp("demo"), command="demo") as running:
        yield running
        running.kill()


def told(demo: RunningNova, *arguments: str) -> tuple[int, str]:
    """The exit status and the output of a command that is waited for."""
    done = command_here(
        "command", *arguments, "--scope", "demo", "--data", str(demo.data), "--wait"
    )
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def newest(demo: RunningNova, message_type: str) -> dict[str, object]:
    """The newest payload of one type."""
    span = ("--from", "2020-01-01T00:00:00Z", "--to", "now", "--types", message_type)
    found = command_here("query", "--data", str(demo.data), *span, "--json")
    event = msgspec.json.decode(found.stdout.splitlines()[-1], type=dict[str, object])
    return msgspec.convert(event["payload"], dict[str, object])


async def test_the_satellite_obeys_out_of_the_box(demo: RunningNova) -> None:
    """Progress, result, and telemetry that shows it."""
    for on in (True, False):
        status, said = await asyncio.to_thread(
            told, demo, "temperature", "heater.set", f"on={str(on).lower()}"
        )
        assert status == 0, said
        assert "50 %" in said and "success" in said
        async with asyncio.timeout(30):
            while (await asyncio.to_thread(newest, demo, "Temperatures"))["heaterOn"] is not on:
                await asyncio.sleep(0.2)
    status, said = await asyncio.to_thread(told, demo, "computer", "camera.capture")
    assert status == 0, said
    async with asyncio.timeout(30):
        while (await asyncio.to_thread(newest, demo, "Computer"))["images"] != 1:
            await asyncio.sleep(0.2)


async def test_what_it_cannot_do_is_refused_before_it_hears_of_it(demo: RunningNova) -> None:
    """A-171: by its descriptor, and by the arguments of the card's action."""
    status, said = await asyncio.to_thread(told, demo, "temperature", "heater.explode")
    assert status != 0
    assert "heater.explode" in said
    status, said = await asyncio.to_thread(told, demo, "computer", "mode.set", "mode=PARTY")
    assert status != 0
    assert "mode" in said
