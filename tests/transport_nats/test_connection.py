"""Servers that are away, come back, refuse, fall silent: the connection lives on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import nkeys  # type: ignore[import-untyped]
import pytest
from nats.aio.client import Client

from nova.sdk.transport.base import Subscription
from nova.testkit.nats_process import NatsProcess
from nova.testkit.nats_server import NatsServer
from nova.testkit.ports import LOOPBACK
from nova.testkit.record_reader import read_records
from nova.transport_nats.connection import close_client
from nova.transport_nats.transport import NatsTransport
from tests.transport_nats.consuming import numbered, numbers, take, until

pytestmark = pytest.mark.nats

MakeTransport = Callable[..., NatsTransport]
PASSWORD = "correct-horse"


@contextmanager
def server_with(more: str) -> Iterator[NatsProcess]:
    """A server of this configuration."""
    server = NatsProcess(more)
    try:
        server.start()
        yield server
    finally:
        server.close()


async def test_a_server_that_is_down_at_the_start_is_waited_for(
    own_nats_server: NatsServer, make_transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 12: consuming begins when the server comes up; one outage is reported once."""
    publisher = make_transport(own_nats_server.url)
    await publisher.publish(numbered("s", 3))
    await publisher.close()
    own_nats_server.stop()
    transport = make_transport(own_nats_server.url)
    waiting = asyncio.create_task(read_records(transport, "s", 3))
    await until(lambda: transport.state().outages == 1)
    assert not transport.state().connected
    own_nats_server.start()
    assert (await waiting).values() == numbers(3)
    state = transport.state()
    assert state.connected and state.outages == 1
    assert state.last_outage is not None and state.last_outage.to_ns is not None
    told = [r for r in caplog.records if "nats unreachable" in r.message]
    assert len(told) == 1


@pytest.mark.parametrize("ending", ["kill", "stop"])
async def test_a_server_that_ends_in_flight_is_resumed_exactly(
    own_nats_server: NatsServer, make_transport: MakeTransport, ending: str
) -> None:
    """Fault 12: nothing is missed and nothing comes twice, five times over."""
    transport = make_transport(own_nats_server.url)
    batches = transport.consume(Subscription("s"), {})
    for first in range(0, 250, 50):
        await transport.publish(numbered("s", 50, first))
        reading = await take(batches, 50)
        assert reading.values() == numbers(50, first)
        assert not reading.gaps()
        getattr(own_nats_server, ending)()
        await until(lambda: not transport.state().connected)
        own_nats_server.start()
        await until(lambda: transport.state().connected)
    assert transport.state().outages == 5


async def test_a_server_that_falls_silent_is_noticed(make_transport: MakeTransport) -> None:
    """No connection breaks, but nothing answers: pings show it."""
    with server_with("") as server:
        transport = make_transport(server.url)
        batches = transport.consume(Subscription("s"), {})
        await transport.publish(numbered("s", 1))
        await take(batches, 1)
        assert server.pid is not None
        server.suspend()
        try:
            await until(lambda: not transport.state().connected)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await until(lambda: transport.state().connected)
        await transport.publish(numbered("s", 1, first=1))
        assert (await take(batches, 1)).values() == numbers(1, first=1)


async def test_a_server_without_jetstream_is_told(make_transport: MakeTransport) -> None:
    """It connects and still is of no use."""
    with server_with("accounts { PLAIN: { users: [{user: a, password: b}] } }") as server:
        transport = make_transport(server.url, user="a", password="b")
        reading = asyncio.ensure_future(anext(transport.consume(Subscription("s"), {})))
        await until(lambda: transport.state().outages == 1)
        outage = transport.state().last_outage
        assert outage is not None and "JetStream" in outage.reason.replace("jetstream", "JetStream")
        assert not transport.state().connected
        reading.cancel()


async def test_a_password_opens_and_a_wrong_one_is_told_without_it(
    make_transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """The right login works, the wrong one is an outage with its reason, never shown."""
    more = f'authorization {{ user: me, password: "{PASSWORD}" }}'
    with server_with(more) as server:
        right = make_transport(server.url, user="me", password=PASSWORD)
        await right.publish(numbered("s", 2))
        assert (await read_records(right, "s", 2)).values() == numbers(2)
        wrong = make_transport(server.url, user="me", password="hunter2")
        reading = asyncio.ensure_future(anext(wrong.consume(Subscription("s"), {})))
        await until(lambda: wrong.state().outages == 1)
        outage = wrong.state().last_outage
        assert outage is not None and "Authorization Violation" in outage.reason
        assert "hunter2" not in caplog.text
        reading.cancel()


async def test_an_nkey_opens(make_transport: MakeTransport, tmp_path: Path) -> None:
    """The seed stays in its file."""
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    (tmp_path / "seed").write_bytes(seed)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    with server_with(f"authorization {{ users: [{{ nkey: {public} }}] }}") as server:
        transport = make_transport(server.url, nkey_seed=str(tmp_path / "seed"))
        await transport.publish(numbered("s", 2))
        assert (await read_records(transport, "s", 2)).values() == numbers(2)


async def test_tls_both_ways_opens_and_a_stranger_is_told(
    make_transport: MakeTransport, tmp_path: Path
) -> None:
    """Each side shows a certificate of one authority; without it there is no connection."""
    make_certificates(tmp_path)
    more = (
        f'tls {{ cert_file: "{tmp_path}/host.pem", key_file: "{tmp_path}/host.key", '
        f'ca_file: "{tmp_path}/ca.pem", verify: true }}'
    )
    with server_with(more) as server:
        options = {
            f"tls_{name}": f"{tmp_path}/{file}"
            for name, file in (("ca", "ca.pem"), ("cert", "host.pem"), ("key", "host.key"))
        }
        transport = make_transport(server.url, **options)
        await transport.publish(numbered("s", 2))
        assert (await read_records(transport, "s", 2)).values() == numbers(2)
        stranger = make_transport(server.url, tls="yes")
        reading = asyncio.ensure_future(anext(stranger.consume(Subscription("s"), {})))
        await until(lambda: stranger.state().outages == 1)
        outage = stranger.state().last_outage
        assert outage is not None and "certificate verify failed" in outage.reason
        reading.cancel()


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate of its for the loopback address."""
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2",
        "-addext", "keyUsage=critical,keyCertSign", folder=folder)  # fmt: skip
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=host", folder=folder)  # fmt: skip
    (folder / "names").write_text(
        f"subjectAltName=IP:{LOOPBACK}\nextendedKeyUsage=serverAuth,clientAuth\n"
        "authorityKeyIdentifier=keyid\n"
    )
    run("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-out", "host.pem", "-days", "2", "-extfile", "names", folder=folder)  # fmt: skip


def run(*arguments: str, folder: Path) -> None:
    """One openssl command."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class _WaitingClient:
    """A client whose close waits for its socket."""

    def __init__(self) -> None:
        self.waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        await self.waiter


@pytest.mark.parametrize("is_caller", [False, True])
async def test_a_close_whose_wait_another_task_cancels_ends_in_peace(is_caller: bool) -> None:
    """A caller that is itself cancelled ends as such."""
    client = _WaitingClient()
    closing = asyncio.create_task(close_client(cast(Client, client)))
    await asyncio.sleep(0)
    (closing if is_caller else client.waiter).cancel()
    await asyncio.wait((closing,))
    assert closing.cancelled() == is_caller
