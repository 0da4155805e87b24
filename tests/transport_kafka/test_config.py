"""The URL of a cluster and the properties file it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.errors import TransportError
from nova.transport_kafka.config import BROKER_DEFAULT, parse_url

SERVERS = st.tuples(
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,5})?", fullmatch=True), st.integers(1, 65_535)
)


def test_a_url_holds_servers_and_the_shape_of_new_topics() -> None:
    """A-112: everything a cluster needs to be reached, in one setting."""
    config = parse_url("kafka://One,[::1]:19092,10.0.0.1:1?partitions=12&replication=3")
    assert config.servers == ("one:9092", "[::1]:19092", "10.0.0.1:1")
    assert (config.partitions, config.replication) == (12, 3)
    assert config.client_properties()["bootstrap.servers"] == "one:9092,[::1]:19092,10.0.0.1:1"
    assert parse_url("kafka://one").partitions == BROKER_DEFAULT


@given(st.lists(SERVERS, min_size=1, max_size=5, unique=True))
def test_every_spelling_of_a_cluster_has_one_link(
    servers: list[tuple[str, int]],
) -> None:
    """The Core keeps positions under the link: another order or case is the same cluster."""
    texts = [f"{host}:{port}" for host, port in servers]
    turned = [f"{host.upper()}:{port}" for host, port in reversed(servers)]
    one, two = parse_url(f"kafka://{','.join(texts)}"), parse_url(f"kafka://{','.join(turned)}/")
    assert one.link == two.link
    assert parse_url(one.link).link == one.link


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("kafka://", "'' in a kafka URL is not host"),
        ("kafka://a,,b", "'' in a kafka URL is not host"),
        ("kafka://a:b", "'a:b' in a kafka URL is not host"),
        ("kafka://a:0", "between 1 and 65535"),
        ("kafka://a:65536", "between 1 and 65535"),
        ("kafka://a/topic", "no path"),
        ("kafka://a?partition=3", "'partition' is not a parameter"),
        ("kafka://a?partitions=3&partitions=4", "'partitions' is given twice"),
        ("kafka://a?partitions=0", "partitions=0 .* between 1 and"),
        ("kafka://a?partitions=", "partitions= .* between 1 and"),
        ("kafka://a?replication=many", "replication=many .* between 1 and"),
        ("kafka://a?config=/nowhere/at/all", "/nowhere/at/all cannot be read"),
    ],
)
def test_a_url_that_is_wrong_is_told(url: str, told: str) -> None:
    """One clear error that names the part and its rule."""
    with pytest.raises(TransportError, match=told):
        parse_url(url)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    """Secrets never reach an argument list's error."""
    with pytest.raises(TransportError, match="no user or password") as refused:
        parse_url("kafka://me:hunter2@a:9092")
    assert "hunter2" not in str(refused.value)


def test_properties_pass_through_to_every_client_and_are_never_shown(tmp_path: Path) -> None:
    """SASL and TLS are librdkafka's business; what we rely on stays as it is."""
    file = tmp_path / "kafka.properties"
    file.write_text("# comment\n\nsasl.password = hunter2=\nclient.id=me\nmessage.timeout.ms=5\n")
    config = parse_url(f"kafka://a?config={file}")
    for properties in (
        config.client_properties(),
        config.producer_properties(),
        config.consumer_properties(),
    ):
        assert properties["sasl.password"] == "hunter2="
        assert properties["client.id"] == "me"
    assert config.producer_properties()["message.timeout.ms"] == "5"
    assert config.producer_properties()["acks"] == "all"
    assert config.consumer_properties()["auto.offset.reset"] == "error"
    assert "hunter2" not in f"{config!r} {config.link}"
    assert config.redact('Invalid value "hunter2=" for "x"') == 'Invalid value "…" for "x"'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hunter2", "line 2: not a name=value pair"),
        ("=hunter2", "line 2: not a name=value pair"),
        ("acks=0", "line 2: acks is set by NOVA"),
        ("auto.offset.reset = earliest", "line 2: auto.offset.reset is set by NOVA"),
    ],
)
def test_a_properties_file_that_is_wrong_is_told_without_its_values(
    tmp_path: Path, line: str, told: str
) -> None:
    """The line is named by its number: it may hold a secret."""
    file = tmp_path / "kafka.properties"
    file.write_text(f"client.id=me\n{line}\n")
    with pytest.raises(TransportError, match=told) as refused:
        parse_url(f"kafka://a?config={file}")
    assert "hunter2" not in str(refused.value)


def test_a_properties_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """A keystore in its place, for instance."""
    file = tmp_path / "kafka.jks"
    file.write_bytes(b"\xfe\xed\xfe\xed")
    with pytest.raises(TransportError, match="cannot be read"):
        parse_url(f"kafka://a?config={file}")
