"""SASL and TLS: what the properties file says reaches librdkafka, on a broker that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Record
from nova.testkit.apache_kafka import ApacheKafka
from nova.testkit.ports import LOOPBACK, free_port
from nova.testkit.record_reader import read_records
from nova.transport_kafka.transport import KafkaTransport

pytestmark = pytest.mark.kafka

USER, PASSWORD = "telemetry", "moon-river-42"
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


class SecureKafka(ApacheKafka):
    """A broker with one more listener, which takes TLS and a password and nothing else."""

    def __init__(self, server_pem: Path) -> None:
        self._server_pem = server_pem
        self.secure_port = free_port()
        super().__init__()

    def properties(self, port: int, controller_port: int) -> str:
        """Those of every broker, and the secure listener."""
        lines = (
            f"listeners=PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port},"
            f"SECURE://{LOOPBACK}:{self.secure_port}",
            f"advertised.listeners=PLAINTEXT://{LOOPBACK}:{port},"
            f"SECURE://{LOOPBACK}:{self.secure_port}",
            "listener.security.protocol.map="
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={self._server_pem}",
            "listener.name.secure.sasl.enabled.mechanisms=PLAIN",
            f"listener.name.secure.plain.sasl.jaas.config={LOGIN_MODULE} required "
            f'user_{USER}="{PASSWORD}";',
        )
        return super().properties(port, controller_port) + "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A certificate authority, and a server's key with its certificate, as PEM files."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = ca.issue_cert(LOOPBACK)
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    (folder / "server.pem").write_bytes(_as_pkcs8(certificate.private_key_pem.bytes()) + chain)
    yield folder / "ca.pem", folder / "server.pem"


def _as_pkcs8(key_pem: bytes) -> bytes:
    """A private key in the one form that Java reads."""
    return serialization.load_pem_private_key(key_pem, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture(scope="module")
def secure(authority: tuple[Path, Path]) -> Iterator[SecureKafka]:
    """A running broker of that kind."""
    broker = SecureKafka(authority[1])
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


def properties(folder: Path, ca: Path, password: str = PASSWORD) -> Path:
    """A properties file such as docs/operations.md shows."""
    file = folder / "kafka.properties"
    file.write_text(
        f"""# how to reach the cluster
security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.username={USER}
sasl.password={password}
ssl.ca.location={ca}
"""
    )
    return file


async def test_a_password_over_tls_lets_records_through(
    tmp_path: Path, authority: tuple[Path, Path], secure: SecureKafka, scope: str
) -> None:
    """A-115, pitfalls §3: secrets come from a file, to admin, producer and consumer alike."""
    config = properties(tmp_path, authority[0])
    transport = KafkaTransport(f"kafka://{LOOPBACK}:{secure.secure_port}?config={config}")
    try:
        await transport.publish([Record(f"nova.{scope}.raw.a.b.c.v1", b"sealed")])
        assert (await read_records(transport, scope, 1)).values() == [b"sealed"]
        assert PASSWORD not in transport.link
    finally:
        await transport.close()


async def test_a_wrong_password_is_an_error_that_does_not_show_it(
    tmp_path: Path,
    authority: tuple[Path, Path],
    secure: SecureKafka,
    scope: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Pitfalls §3: secrets are never in logs."""
    config = properties(tmp_path, authority[0], "river-moon-24")
    url = f"kafka://{LOOPBACK}:{secure.secure_port}?config={config}"
    transport = KafkaTransport(url, admin_timeout_s=3.0)
    try:
        with pytest.raises(TransportError) as caught:
            await transport.publish([Record(f"nova.{scope}.raw.a.b.c.v1", b"sealed")])
    finally:
        await transport.close()
    assert "river-moon-24" not in f"{caught.value} {caplog.text}"
    assert "uthentication failed" in f"{caught.value} {caplog.text}"
