"""The URL of a server or cluster and the options file it names."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.errors import TransportError
from nova.transport_nats.config import parse_url

SERVERS = st.tuples(
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,5})?", fullmatch=True), st.integers(1, 65_535)
)


def test_a_url_holds_servers_the_shape_of_new_streams_and_the_monitor() -> None:
    """A-112: everything a cluster needs to be reached, in one setting."""
    config = parse_url(
        "nats://One,[::1]:14222,10.0.0.1:1?replicas=3&max_age_h=24&max_bytes=1000000&monitor=M:8222"
    )
    assert config.servers == ("one:4222", "[::1]:14222", "10.0.0.1:1")
    assert (config.replicas, config.max_age_h, config.max_bytes) == (3, 24, 1_000_000)
    assert config.monitor == "m:8222"
    plain = parse_url("nats://one")
    assert (plain.replicas, plain.max_age_h, plain.max_bytes, plain.monitor) == (None,) * 4


@given(st.lists(SERVERS, min_size=1, max_size=5, unique=True))
def test_every_spelling_of_a_cluster_has_one_link(servers: list[tuple[str, int]]) -> None:
    """The Core keeps positions under the link: another order or case is the same cluster."""
    texts = [f"{host}:{port}" for host, port in servers]
    turned = [f"{host.upper()}:{port}" for host, port in reversed(servers)]
    one, two = parse_url(f"nats://{','.join(texts)}"), parse_url(f"nats://{','.join(turned)}/")
    assert one.link == two.link
    assert parse_url(one.link).link == one.link


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nats://", "'' in a nats URL is not host"),
        ("nats://a,,b", "'' in a nats URL is not host"),
        ("nats://a:b", "'a:b' in a nats URL is not host"),
        ("nats://a:0", "between 1 and 65535"),
        ("nats://a:65536", "between 1 and 65535"),
        ("nats://[::1", "cannot parse"),
        ("nats://a/subject", "no path"),
        ("nats://a?replica=3", "'replica' is not a parameter"),
        ("nats://a?replicas=3&replicas=4", "'replicas' is given twice"),
        ("nats://a?replicas=0", "replicas=0 .* between 1 and 5"),
        ("nats://a?replicas=6", "replicas=6 .* between 1 and 5"),
        ("nats://a?max_age_h=", "max_age_h= .* between 1 and"),
        ("nats://a?max_bytes=-1", "max_bytes=-1 .* between 1 and"),
        ("nats://a?monitor=b", "monitor=b .* not HOST:PORT"),
        ("nats://a?monitor=http://b:1", "monitor=http://b:1 .* not HOST:PORT"),
        ("nats://a?config=/nowhere/at/all", "/nowhere/at/all cannot be read"),
    ],
)
def test_a_url_that_is_wrong_is_told(url: str, told: str) -> None:
    """One clear error that names the part and its rule."""
    with pytest.raises(TransportError, match=told):
        parse_url(url)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    """Secrets never reach an argument list's error."""
    with pytest.raises(TransportError, match="no user or password") as refused:
        parse_url("nats://me:hunter2@a:4222")
    assert "hunter2" not in str(refused.value)


def test_options_are_read_and_never_shown(tmp_path: Path) -> None:
    """Logins and TLS come from a file, and stay out of texts."""
    file = tmp_path / "nats.options"
    file.write_text("# comment\n\nuser = me\npassword=hunter2=\ntls=yes\n")
    config = parse_url(f"nats://a?config={file}")
    assert config.options == {"user": "me", "password": "hunter2=", "tls": "yes"}
    assert isinstance(config.tls_context(), ssl.SSLContext)
    assert parse_url("nats://a").tls_context() is None
    assert "hunter2" not in f"{config!r} {config.link}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hunter2", "line 1: not a name=value pair"),
        ("=hunter2", "line 1: not a name=value pair"),
        ("user=", "line 1: not a name=value pair"),
        ("#\npasswort=hunter2", "line 2: unknown option 'passwort'"),
        ("token=hunter2\ntoken=hunter2", "line 2: token is given twice"),
        ("user=hunter2", "user and password must be given together"),
        ("password=hunter2", "user and password must be given together"),
        ("tls_cert=hunter2", "tls_cert and tls_key must be given together"),
        ("token=hunter2\nuser=me\npassword=x", "user and token are two logins"),
        ("tls=hunter2", "tls can only be yes"),
        ("credentials=hunter2", "credentials names a file that does not exist"),
        ("nkey_seed=hunter2", "nkey_seed names a file that does not exist"),
        ("tls_ca=/nowhere/at/all", "cannot use the nats TLS files"),
        ("tls_cert=/nowhere/at/all\ntls_key=/nowhere", "cannot use the nats TLS files"),
    ],
)
def test_an_options_file_that_is_wrong_is_told_without_its_values(
    tmp_path: Path, text: str, told: str
) -> None:
    """The line is named by its number: it may hold a secret."""
    file = tmp_path / "nats.options"
    file.write_text(text)
    with pytest.raises(TransportError, match=told) as refused:
        parse_url(f"nats://a?config={file}")
    assert "hunter2" not in str(refused.value)


def test_an_options_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """A keystore in its place, for instance."""
    file = tmp_path / "nats.jks"
    file.write_bytes(b"\xfe\xed\xfe\xed")
    with pytest.raises(TransportError, match="cannot be read"):
        parse_url(f"nats://a?config={file}")


def test_a_certificate_file_that_is_none_is_told(tmp_path: Path) -> None:
    """Any other text in its place."""
    (tmp_path / "ca.pem").write_text("hunter2")
    (tmp_path / "nats.options").write_text(f"tls_ca={tmp_path}/ca.pem")
    with pytest.raises(TransportError, match="cannot use the nats TLS files"):
        parse_url(f"nats://a?config={tmp_path}/nats.options")
