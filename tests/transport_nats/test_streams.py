"""Streams that are made, and those of others that are used as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from nats.js import JetStreamContext, JetStreamManager
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Record
from nova.testkit.nats_server import NatsServer
from nova.testkit.record_reader import read_records
from nova.transport_nats.transport import NatsTransport
from tests.transport_nats.consuming import entity, numbered, numbers

pytestmark = pytest.mark.nats

MakeTransport = Callable[..., NatsTransport]


async def test_a_new_stream_keeps_everything_in_files(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Nothing goes by itself unless the URL says so."""
    await make_transport(nats_server.url).publish(numbered(scope, 1))
    config = (await manager.stream_info(f"nova-{scope}")).config
    assert config.subjects == [f"nova.{scope}.>"]
    assert (config.storage, config.retention) == (StorageType.FILE, RetentionPolicy.LIMITS)
    assert (config.discard, config.num_replicas) == (DiscardPolicy.OLD, 1)
    assert (config.max_bytes, config.max_msgs, config.max_age) == (-1, -1, 0)


async def test_the_url_limits_new_streams(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Age in hours and size in bytes."""
    transport = make_transport(f"{nats_server.url}?max_age_h=2&max_bytes=1000000")
    await transport.publish(numbered(scope, 1))
    config = (await manager.stream_info(f"nova-{scope}")).config
    assert (config.max_bytes, config.max_age) == (1_000_000, 2 * 3_600)


async def test_replicas_that_the_server_cannot_make_are_told(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """A lone server keeps one copy: silently less than asked for would be a lie."""
    transport = make_transport(f"{nats_server.url}?replicas=3")
    with pytest.raises(TransportError, match=r"refused a request: STREAM\.CREATE.* replicas"):
        await transport.publish(numbered(scope, 1))


async def test_many_creators_at_once_make_one_stream(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """Whoever is first, all of them publish; also if they want other limits."""
    urls = [f"{nats_server.url}?max_bytes={n}" for n in range(1_000_000, 1_000_008)]
    transports = [make_transport(url) for url in urls]
    await asyncio.gather(*(t.publish(numbered(scope, 1)) for t in transports))
    assert (await read_records(transports[0], scope, 8)).values() == [b"0"] * 8


async def test_a_stream_that_takes_the_subjects_is_used(
    nats_server: NatsServer,
    make_transport: MakeTransport,
    jetstream: JetStreamContext,
    manager: JetStreamManager,
    scope: str,
) -> None:
    """An integrator's stream is theirs to shape."""
    await jetstream.add_stream(name=scope, subjects=[f"nova.{scope}.>", f"else.{scope}"])
    await jetstream.publish(f"else.{scope}", b"not ours")
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 3))
    assert f"nova-{scope}" not in {i.config.name for i in await manager.streams_info()}
    assert (await read_records(transport, scope, 3)).values() == numbers(3)


async def test_a_scope_that_is_taken_in_part_is_told(
    nats_server: NatsServer, make_transport: MakeTransport, jetstream: JetStreamContext, scope: str
) -> None:
    """Two streams cannot take one subject: the integrator has to say where the rest goes."""
    await jetstream.add_stream(name=scope, subjects=[f"nova.{scope}.raw.>"])
    transport = make_transport(nats_server.url)
    await transport.publish([Record(entity(scope, "u", "raw"), b"x")])
    with pytest.raises(TransportError, match=f"no stream .* accepts nova.{scope}.parsed.*overlap"):
        await transport.publish(numbered(scope, 1))
    await jetstream.add_stream(name=f"{scope}x", subjects=[f"nova.{scope}.parsed.>"])
    await transport.publish(numbered(scope, 1))
    assert sorted((await read_records(transport, scope, 2)).values()) == [b"0", b"x"]
