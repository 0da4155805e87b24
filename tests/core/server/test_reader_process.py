"""The reader as a process: the archives that it refuses, and the conditions that it waits for."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from nova.core.errors import ArchiveError
from nova.core.server import reader_process
from nova.core.store.archive import Archive
from nova.sdk.settings import Settings
from tests.core.running import running_writer


async def test_a_reader_refuses_an_archive_of_another_layout(data: Path) -> None:
    """Pitfalls row 36: a newer format is refused by older code in words."""
    archive = Archive.open_primary(data)
    try:
        batch = archive.batch()
        batch.put_record(b"schema/version", b"999")
        archive.write(batch)
        with pytest.raises(ArchiveError, match="layout"):
            async with reader_process.open_reader(Settings(data=str(data), mode="ground")):
                pass
    finally:
        archive.close()


async def test_a_reader_without_an_archive_says_what_to_start(data: Path) -> None:
    """A mistyped folder is an error in words."""
    with pytest.raises(ArchiveError, match="start its writer first"):
        async with reader_process.open_reader(Settings(data=str(data / "typo"), mode="ground")):
            pass


@asynccontextmanager
async def reading(data: Path, temporary: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A reader's process that is ready, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nova.cli", "core", "reader", "--data", str(data)),
        "--exit-with-stdin",
        stdin=PIPE,
        stdout=PIPE,
        env={"PATH": "/usr/bin:/bin", "NOVA_MODE": "ground", "TMPDIR": str(temporary)},
    )
    try:
        assert process.stdout is not None
        assert msgspec.json.decode(await process.stdout.readline())["ready"] == "reader"
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_what_a_killed_reader_leaves_is_removed_by_the_next(
    data: Path, tmp_path: Path
) -> None:
    """Pitfalls row 33: SIGKILL leaves its folder; the next reader removes it, and leaves that of
    one that lives and reads another archive. On a clean stop nothing stays.
    """
    temporary, other = tmp_path / "tmp", data / "other"
    temporary.mkdir()

    def folders() -> set[Path]:
        return set(temporary.glob("nova-reader-*"))

    async with (
        running_writer(Settings(data=str(data), mode="ground")),
        running_writer(Settings(data=str(other), mode="ground")),
    ):
        async with reading(data, temporary) as killed:
            (left,) = folders()
            killed.kill()
            await killed.wait()
        async with reading(other, temporary):
            assert left not in folders()
            (living,) = folders()
            async with reading(data, temporary):
                assert living in folders()
                assert len(folders()) == 2
        assert folders() == set()
