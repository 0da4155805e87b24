"""All files of a running NOVA are closed to other users."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.export import Export
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import running_nova


def open_paths(root: Path) -> list[str]:
    """What others may enter or read, sockets too."""
    return [str(path) for path in root.rglob("*") if is_open(path)]


def is_open(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & 0o077)
    except FileNotFoundError:  # A database has put it in the place of another.
        return False


async def use(data: Path, publish: str) -> None:
    """Have an event, an export of it, a plot's samples and daily files made."""
    transport = connect(publish)
    producer = Producer(transport, "sat")
    event = producer.observe(Entity("bus", "eps", "a")).ui("view", "m", "1", {"n": 1})
    await producer.send([event])
    await transport.close()
    async with await Client.to_core(data) as client:
        done = await client.export(Export())
        assert done.events >= 1


async def test_all_that_is_kept_is_its_owners_and_what_was_open_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the umask; an archive of before is mended when it is opened, and that is said."""
    monkeypatch.setenv("NOVA_DRIVERS", "jsonl")
    data = tmp_path / "data"
    before = os.umask(0)
    try:
        with running_nova(data, "--scope", "sat") as nova:
            await use(data, nova.publish)
            wanted = {"truth", "edge", "run", "exports", "files", "samples"}
            while not wanted <= {path.name for path in data.iterdir()}:
                await asyncio.sleep(0.05)
            assert open_paths(data) == []
        assert open_paths(data) == []
        for path in data.rglob("*"):
            if path.name != "jwt.key":
                path.chmod(0o777 if path.is_dir() else 0o666)
        with running_nova(data, "--scope", "sat") as nova:
            await use(data, nova.publish)
            while open_paths(data):  # Processes of a low priority open what is theirs later.
                await asyncio.sleep(0.05)
            nova.kill()
    finally:
        os.umask(before)
    said = [line for line in capfd.readouterr().err.splitlines() if "access removed" in line]
    mended = {Path(msgspec.json.decode(line)["path"]).name for line in said}
    assert {"truth", "edge", "exports", "files", "samples"} <= mended
