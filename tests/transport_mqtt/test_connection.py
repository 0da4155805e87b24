"""Connections to real brokers: logins, TLS, refusals, and servers that are none."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from nova.sdk.errors import NotSentError
from nova.sdk.transport.base import Receipt, Record, Subscription
from nova.testkit.ports import LOOPBACK, free_port
from nova.transport_mqtt.transport import MqttTransport
from tests.transport_mqtt.conftest import MakeBroker, MakeTransport

pytestmark = pytest.mark.mqtt

WAIT_S = 30.0
PASSWORD = "only-for-tests"


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, since a link's state cannot notify."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def consume(transport: MqttTransport, scope: str) -> None:
    """Consume and acknowledge for ever."""
    async for batch in transport.consume(Subscription(scope), {}):
        await transport.acknowledge(batch, Receipt())


async def reason_of_outage(transport: MqttTransport, scope: str) -> str:
    """Why the link does not connect."""
    work = asyncio.create_task(consume(transport, scope))
    await wait_until(lambda: transport.state().outages > 0)
    work.cancel()
    await asyncio.wait((work,))
    outage = transport.state().last_outage
    assert outage is not None
    return outage.reason


async def exchange(transport: MqttTransport, scope: str) -> None:
    """Publish something that is subscribed to."""
    work = asyncio.create_task(consume(transport, scope))
    await wait_until(lambda: transport.state().connected)
    await transport.publish([Record(f"nova.{scope}.parsed.a.b.c.v1", b"value")])
    work.cancel()
    await asyncio.wait((work,))


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """Mosquitto's file of users."""
    file = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "nova", PASSWORD], check=True)
    return file


async def test_a_login_is_needed_where_the_broker_wants_one(
    make_broker: MakeBroker, make_transport: MakeTransport, password_file: Path, scope: str
) -> None:
    """A refusal is an outage with the broker's reason."""
    broker = make_broker(f"allow_anonymous false\npassword_file {password_file}")
    await exchange(make_transport(broker.url, user="nova", password=PASSWORD), scope)
    for options in ({}, {"user": "nova", "password": "wrong"}):
        reason = await reason_of_outage(make_transport(broker.url, **options), scope)
        assert reason == "the broker refuses: Not authorized"


async def test_tls_needs_a_certificate_that_is_trusted(
    make_broker: MakeBroker, make_transport: MakeTransport, tmp_path: Path, scope: str
) -> None:
    """The broker's is checked against the CA that is given."""
    ca, other, port = trustme.CA(), trustme.CA(), free_port()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    issued = ca.issue_cert(LOOPBACK)
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    make_broker(
        f"listener {port} {LOOPBACK}\ncertfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem"
    )
    url = f"mqtt://{LOOPBACK}:{port}"
    await exchange(make_transport(url, tls_ca=str(tmp_path / "ca.pem")), scope)
    untrusted = make_transport(url, tls_ca=str(tmp_path / "other.pem"))
    assert "certificate verify failed" in await reason_of_outage(untrusted, scope)


async def test_what_a_user_may_not_do_is_refused_with_the_reason(
    make_broker: MakeBroker, make_transport: MakeTransport, tmp_path: Path, scope: str
) -> None:
    """Neither a record nor a subscription gets lost in silence."""
    rules = tmp_path / "acl"
    rules.write_text(f"topic read nova/{scope}/#\ntopic write nova/other/#\n")
    transport = make_transport(make_broker(f"acl_file {rules}").url)
    with pytest.raises(NotSentError, match=r"refuses a record for nova/\w+/parsed/a/b/c/v1: Not"):
        await exchange(transport, scope)


async def test_a_record_that_is_too_large_for_the_broker_names_both_sizes(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str
) -> None:
    """Before it is sent: the broker would end the connection."""
    transport = make_transport(make_broker("max_packet_size 2000").url)
    await exchange(transport, scope)
    large = [Record(f"nova.{scope}.parsed.a.b.c.v1", bytes(3_000))]
    with pytest.raises(NotSentError, match=r"of 3000 bytes .* the broker takes 2000"):
        await transport.publish(large)
    assert transport.state().outages == 0


async def test_a_record_that_nobody_reads_is_not_acknowledged(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str
) -> None:
    """The broker would drop it."""
    transport = make_transport(make_broker("").url)
    with pytest.raises(NotSentError, match="nobody is subscribed to nova/"):
        await transport.publish([Record(f"nova.{scope}.parsed.a.b.c.v1", b"value")])


@pytest.mark.parametrize("seed", range(6))
async def test_a_server_that_speaks_no_mqtt_is_an_outage(
    make_transport: MakeTransport, scope: str, seed: int
) -> None:
    """Whatever it sends, the transport tries again and nothing crashes."""
    dice = random.Random(seed)
    connections = 0

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(100)
        # A right answer first, in half of the cases: CONNACK without properties.
        writer.write(b"\x20\x03\x00\x00\x00" if seed % 2 else b"")
        writer.write(dice.randbytes(200))
        writer.close()

    async with await asyncio.start_server(babble, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        transport = make_transport(f"mqtt://{LOOPBACK}:{port}")
        work = asyncio.create_task(consume(transport, scope))
        await wait_until(lambda: connections > 2)
        assert not work.done()
        assert transport.state().outages >= 1
        work.cancel()
        await asyncio.wait((work,))
        await transport.close()
