"""TCP links: nothing that arrives is lost, and no write outlives its connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nova.hardware.device import DeviceError
from nova.hardware.device_links import DeviceLink, make_link

TIMEOUT_S = 20


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[DeviceLink, socket.socket]]:
    """An open link, and the far end of its connection, which reads nothing by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = make_link("radio", f"tcp://127.0.0.1:{server.getsockname()[1]}", ("tcp",))
        await link.open()
        far, _ = await asyncio.to_thread(server.accept)
        with far:
            yield link, far
        await link.close()


async def test_a_read_gets_all_that_has_arrived() -> None:
    """Of several sendings, in order; the end of the connection is an error."""
    async with linked() as (link, far), asyncio.timeout(TIMEOUT_S):
        far.sendall(b"one ")
        far.sendall(b"two")
        found = b""
        while found != b"one two":
            found += b"".join(await link.read())
        far.close()
        with pytest.raises(DeviceError, match="closed the connection"):
            await link.read()


async def test_a_read_that_is_cancelled_loses_nothing() -> None:
    """Also where data arrives in the moment of its end."""
    async with linked() as (link, far), asyncio.timeout(TIMEOUT_S):
        for number in range(50):
            reading = asyncio.create_task(link.read())
            await asyncio.sleep(0)
            far.sendall(b"%02d" % number)
            if number % 2:
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait((reading,))
            found = b"" if reading.cancelled() else b"".join(reading.result())
            while found != b"%02d" % number:
                found += b"".join(await link.read())


async def test_a_write_that_waits_fails_when_the_link_is_closed() -> None:
    """The peer reads nothing, so the system's buffers fill; the next connection is not affected."""
    async with linked() as (link, _), asyncio.timeout(TIMEOUT_S):
        writing = asyncio.create_task(link.write(bytes(64 * 1024 * 1024)))
        done, _ = await asyncio.wait((writing,), timeout=0.1)
        assert not done
        await link.close()
        with pytest.raises(DeviceError, match="closed while"):
            await writing
        with pytest.raises(DeviceError, match="not connected"):
            await link.write(b"more")


async def test_a_write_that_is_cancelled_leaves_the_link_open() -> None:
    """What arrives later is still read."""
    async with linked() as (link, far), asyncio.timeout(TIMEOUT_S):
        writing = asyncio.create_task(link.write(bytes(64 * 1024 * 1024)))
        await asyncio.sleep(0.05)
        writing.cancel()
        await asyncio.wait((writing,))
        assert writing.cancelled()
        far.sendall(b"here")
        assert await link.read() == [b"here"]


async def test_nobody_listens() -> None:
    """The error says where."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(OSError, match=str(port)):
        await make_link("radio", f"tcp://127.0.0.1:{port}", ("tcp",)).open()
