"""URLs of MQTT brokers and their options: what each says, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import connect
from nova.transport_mqtt.config import EXPIRY_DEFAULT_H, MqttConfig, parse_url
from nova.transport_mqtt.transport import MqttTransport


@pytest.mark.parametrize(
    ("url", "config"),
    [
        ("mqtt://Broker", MqttConfig("broker", 1883)),
        ("mqtt://10.0.0.1:1884/", MqttConfig("10.0.0.1", 1884)),
        ("mqtt://[::1]:1884", MqttConfig("[::1]", 1884)),
        ("mqtt://b?expiry_h=3", MqttConfig("b", 1883, expiry_h=3)),
        ("mqtt://b?devices=/d.toml", MqttConfig("b", 1883, devices=Path("/d.toml"))),
    ],
)
def test_a_url_names_a_broker(url: str, config: MqttConfig) -> None:
    """The port has a default, and a session a week."""
    assert parse_url(url) == config
    assert parse_url(url).expiry_s == config.expiry_h * 3600
    assert EXPIRY_DEFAULT_H == 7 * 24


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mqtt://me:secret@b", "takes no user or password"),
        ("mqtt://b/path", "has no path and no fragment; this one has '/path'"),
        ("mqtt://a,b", "'a,b' in an mqtt URL is not one host or host:port"),
        ("mqtt://", "'' in an mqtt URL is not one host"),
        ("mqtt://b:0", "no port between 1 and 65535"),
        ("mqtt://b?qos=2", "'qos' is not a parameter of an mqtt URL; there are config, devices"),
        ("mqtt://b?expiry_h=1&expiry_h=2", "'expiry_h' is given twice"),
        ("mqtt://b?expiry_h=0", "expiry_h=0 in an mqtt URL is not between 1 and"),
        ("mqtt://b?expiry_h=x", "expiry_h=x in an mqtt URL is not between 1 and"),
        ("mqtt://b?devices=", "devices in an mqtt URL has no value"),
        ("mqtt://[b", "cannot parse the mqtt URL"),
        ("mqtt://b?config=/no/such/file", "the mqtt options file /no/such/file cannot be read"),
    ],
)
def test_a_bad_url_says_which_part(url: str, reason: str) -> None:
    """And never repeats a secret."""
    with pytest.raises(TransportError) as raised:
        parse_url(url)
    assert reason in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("user", "line 1: not a name=value pair"),
        ("# me\npasword=secret", "line 2: unknown option 'pasword'; there are user"),
        ("user=a\nuser=b", "line 2: user is given twice"),
        ("password=secret", "password needs a user"),
        ("tls=no", "tls can only be yes"),
        ("tls_cert=/a", "tls_cert and tls_key must be given together"),
        ("tls_ca=/no/such/file", "cannot use the mqtt TLS files"),
    ],
)
def test_a_bad_option_says_which_line(tmp_path: Path, text: str, reason: str) -> None:
    """And never repeats a secret."""
    file = tmp_path / "options"
    file.write_text(text)
    with pytest.raises(TransportError) as raised:
        parse_url(f"mqtt://b?config={file}")
    assert reason in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_secret_is_in_no_name_and_no_repr(tmp_path: Path) -> None:
    """The link's name is in logs and on the page."""
    file = tmp_path / "options"
    file.write_text("user=me\npassword=secret\ntls=yes\n")
    config = parse_url(f"mqtt://B?config={file}")
    assert config.link == "mqtt://b:8883"
    assert "secret" not in repr(config)
    assert config.options["password"] == "secret"


async def test_the_scheme_finds_the_transport() -> None:
    """Wherever NOVA takes a URL."""
    assert isinstance(connect("mqtt://broker"), MqttTransport)
