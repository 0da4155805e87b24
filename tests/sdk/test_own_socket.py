"""The file of a socket lives as long as the process that listens there."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from nova.sdk.errors import NovaError
from nova.sdk.own_socket import OwnSocket


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[web.AppRunner]:
    """A server at a path, which ends in order."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await OwnSocket(runner, path).start()
        yield runner
    finally:
        await runner.cleanup()


async def test_the_file_goes_with_an_orderly_end(tmp_path: Path) -> None:
    """Also of a site that stops before its runner does, as at the start of a drain."""
    path = tmp_path / "run" / "reader.sock"
    async with listening(path):
        assert path.is_socket()
        with pytest.raises(NovaError, match="another process listens at"):
            async with listening(path):
                pass
        assert path.is_socket()
    assert not path.exists()
    async with listening(path) as runner:
        (site,) = runner.sites
        await site.stop()
        assert not path.exists()


async def test_the_file_of_a_killed_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "reader.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    async with listening(path):
        assert path.is_socket()
    assert not path.exists()


async def test_the_file_of_another_process_stays(tmp_path: Path) -> None:
    """It has taken the place of one that was removed while its process lived."""
    path = tmp_path / "reader.sock"
    async with listening(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.is_socket()
