"""The URL of an MQTT broker, and the options in the file that it names.

    mqtt://host[:port][?config=FILE][&devices=FILE][&expiry_h=N]

`config` names a file of `name=value` lines (`#` starts a comment). Logins and TLS settings belong
there, since secrets do not belong in a URL or an argument list. `devices` names a mapping of
devices that publish plain values. `expiry_h` is how long the broker keeps the session of a Core
that is away, and the records in it; the default is a week.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from nova.sdk.errors import TransportError
from nova.sdk.transport.options_file import (
    TLS_OPTIONS,
    check_tls,
    has_tls,
    read_options,
    tls_context,
)

PORT_DEFAULT: Final = 1883
PORT_TLS_DEFAULT: Final = 8883
EXPIRY_DEFAULT_H: Final = 7 * 24
EXPIRY_MAX_H: Final = 1_000_000
S_PER_H: Final = 3600

_HOST = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII)
_PARAMETERS = ("config", "devices", "expiry_h")
_OPTIONS = ("user", "password", *TLS_OPTIONS)


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """The broker of a URL; `options` may hold secrets and is left out of the repr."""

    host: str
    port: int
    devices: Path | None = None
    expiry_h: int = EXPIRY_DEFAULT_H
    options: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def link(self) -> str:
        """The link's name: the same for every spelling of the URL, and without secrets."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def expiry_s(self) -> int:
        """How long the broker keeps a session whose client is away."""
        return min(self.expiry_h * S_PER_H, 0xFFFFFFFF)

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS context, None without TLS; raises TransportError if its files cannot be used."""
        return tls_context(self.options, "mqtt")


def parse_url(url: str) -> MqttConfig:
    """Parse a URL and the file that it names; raises TransportError with the faulty part."""
    parts = _split(url)
    parameters = _parameters(parts.query)
    options = _read_options(Path(parameters["config"])) if "config" in parameters else {}
    host, port = _parse_server(parts.netloc, has_tls(options))
    config = MqttConfig(
        host=host,
        port=port,
        devices=Path(parameters["devices"]) if "devices" in parameters else None,
        expiry_h=_parse_expiry(parameters),
        options=options,
    )
    config.tls_context()  # Raises now instead of at the first connection.
    return config


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise TransportError(f"cannot parse the mqtt URL: {error}") from None
    if "@" in parts.netloc:
        raise TransportError("an mqtt URL takes no user or password: put them in ?config=FILE")
    if parts.path not in ("", "/") or parts.fragment:
        given = parts.path or parts.fragment
        raise TransportError(f"an mqtt URL has no path and no fragment; this one has {given!r}")
    return parts


def _parse_server(text: str, has_tls: bool) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    if match is None:
        raise TransportError(f"{text!r} in an mqtt URL is not one host or host:port")
    port = int(match["port"] or (PORT_TLS_DEFAULT if has_tls else PORT_DEFAULT))
    if not 0 < port < 65_536:
        raise TransportError(f"{text!r} in an mqtt URL has no port between 1 and 65535")
    return match["host"].lower(), port


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise TransportError(f"{name!r} is not a parameter of an mqtt URL; there are {known}")
        if name in parameters:
            raise TransportError(f"{name!r} is given twice in an mqtt URL")
        if not value:
            raise TransportError(f"{name} in an mqtt URL has no value")
        parameters[name] = value
    return parameters


def _parse_expiry(parameters: dict[str, str]) -> int:
    text = parameters.get("expiry_h", str(EXPIRY_DEFAULT_H))
    if not re.fullmatch(r"\d{1,7}", text, re.ASCII) or not 1 <= int(text) <= EXPIRY_MAX_H:
        raise TransportError(
            f"expiry_h={text[:32]} in an mqtt URL is not between 1 and {EXPIRY_MAX_H}"
        )
    return int(text)


def _read_options(path: Path) -> dict[str, str]:
    options = read_options(path, "mqtt", _OPTIONS)
    _check_options(path, options)
    return options


def _check_options(path: Path, options: dict[str, str]) -> None:
    if "password" in options and "user" not in options:
        raise TransportError(f"{path}: password needs a user")
    check_tls(path, options)
