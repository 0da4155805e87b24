"""The NATS servers of the tests: found or started, faulted and ended."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import nats as client
import pytest
from nats.aio.client import Client

from nova.testkit import nats
from nova.testkit.nats_process import NatsProcess
from nova.testkit.nats_server import NatsServer, address_of

pytestmark = pytest.mark.nats


def streams(server: NatsServer, make: str | None = None) -> set[str | None]:
    async def ask() -> set[str | None]:
        async with await client.connect(server.url) as connection:
            jetstream = connection.jetstream()
            if make is not None:
                await jetstream.add_stream(name=make, subjects=[make])
            return {info.config.name for info in await jetstream.streams_info()}

    return asyncio.run(ask())


def test_a_server_keeps_address_and_data_over_restart_and_kill(own_nats_server: NatsServer) -> None:
    """Fault tests need the same server back."""
    url = own_nats_server.url
    assert streams(own_nats_server, make="kept") == {"kept"}
    own_nats_server.restart()
    assert streams(own_nats_server) == {"kept"}
    own_nats_server.kill()
    own_nats_server.start()
    assert streams(own_nats_server) == {"kept"}
    assert own_nats_server.url == url


def test_a_server_that_is_given_is_used_and_not_stopped(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOVA_TEST_NATS comes first, and it is not ours."""
    monkeypatch.setenv(nats.SERVER_VARIABLE, address_of(nats_server.url))
    with nats.shared_server() as server:
        assert server.url == nats_server.url
        assert nats.SERVER_VARIABLE in server.kind
        for fault in (server.stop, server.kill):
            with pytest.raises(RuntimeError, match="not the tests' to stop"):
                fault()
    streams(nats_server)


def test_a_process_takes_more_configuration_and_leaves_nothing() -> None:
    """Whatever a test wants of a server, it ends with the test."""
    server = NatsProcess('authorization { token: "secret" }')
    try:
        server.start()
        folder, pid = server.data.parent, server.pid
        with pytest.raises(client.errors.Error, match="Authorization Violation"):
            asyncio.run(_connect_once(server.url))
    finally:
        server.close()
    assert pid is not None and not Path(f"/proc/{pid}").exists()
    assert not os.path.exists(folder)


async def _connect_once(url: str) -> None:
    async def nothing(error: Exception) -> None:
        pass

    connection = Client()
    try:
        await connection.connect(url, allow_reconnect=False, error_cb=nothing)
    finally:
        await connection.close()


def test_a_process_that_cannot_start_says_why() -> None:
    """The server's own words, not a timeout."""
    server = NatsProcess("no such setting here!")
    try:
        with pytest.raises(
            ChildProcessError, match="ended while starting:\nnats-server: Parse error"
        ):
            server.start()
    finally:
        server.close()
