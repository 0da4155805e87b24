"""The URL of a NATS server or cluster, and the login options in the file that it names.

    nats://host[:port][,host[:port]…][?config=FILE][&replicas=N][&max_age_h=N][&max_bytes=N]
                                     [&monitor=HOST:PORT]

`config` names a file of `name=value` lines (`#` starts a comment). Logins and TLS settings belong
there, since secrets do not belong in a URL or an argument list. `replicas`, `max_age_h` and
`max_bytes` apply to streams that NOVA creates; the default is one replica and no limit. `monitor`
is the server's monitoring port; only there can NOVA check that acknowledgements are durable.
"""

from __future__ import annotations

import importlib.util
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from nova.sdk.errors import TransportError
from nova.sdk.transport.options_file import TLS_OPTIONS, check_tls, read_options, tls_context

PORT_DEFAULT = 4222
REPLICAS_MAX = 5
AGE_MAX_H = 1_000_000
STREAM_MAX_BYTES = 1 << 60

_HOST = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII)
_PARAMETERS = ("config", "replicas", "max_age_h", "max_bytes", "monitor")
_LOGIN_OPTIONS = ("user", "token", "credentials", "nkey_seed")
_OPTIONS = (*_LOGIN_OPTIONS, "password", *TLS_OPTIONS, "tls_hostname")


@dataclass(frozen=True, slots=True)
class NatsConfig:
    """The server or cluster of a URL; `options` may hold secrets and is left out of the repr.

    The limits of new streams are None if there is no limit.
    """

    servers: tuple[str, ...]
    replicas: int | None = None
    max_age_h: int | None = None
    max_bytes: int | None = None
    monitor: str | None = None
    options: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def link(self) -> str:
        """The link's name: the same for every spelling of the URL, and without secrets."""
        return f"nats://{','.join(sorted(self.servers))}"

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS context, None without TLS; raises TransportError if its files cannot be used."""
        return tls_context(self.options, "nats")


def parse_url(url: str) -> NatsConfig:
    """Parse a URL and the file that it names; raises TransportError with the faulty part."""
    parts = _split(url)
    parameters = _parameters(parts.query)
    config = NatsConfig(
        servers=tuple(_parse_server(text) for text in parts.netloc.split(",")),
        replicas=_parse_count(parameters, "replicas", REPLICAS_MAX),
        max_age_h=_parse_count(parameters, "max_age_h", AGE_MAX_H),
        max_bytes=_parse_count(parameters, "max_bytes", STREAM_MAX_BYTES),
        monitor=_parse_monitor(parameters),
        options=_read_options(Path(parameters["config"])) if "config" in parameters else {},
    )
    config.tls_context()  # Raises now instead of at the first connection.
    return config


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise TransportError(f"cannot parse the nats URL: {error}") from None
    if "@" in parts.netloc:
        raise TransportError("a nats URL takes no user or password: put them in ?config=FILE")
    if parts.path not in ("", "/") or parts.fragment:
        raise TransportError(
            f"a nats URL has no path and no fragment; this one has {parts.path or parts.fragment!r}"
        )
    return parts


def _parse_server(text: str) -> str:
    match = _HOST.fullmatch(text)
    if match is None:
        raise TransportError(f"{text!r} in a nats URL is not host or host:port")
    port = int(match["port"] or PORT_DEFAULT)
    if not 0 < port < 65_536:
        raise TransportError(f"{text!r} in a nats URL has no port between 1 and 65535")
    return f"{match['host'].lower()}:{port}"


def _parse_monitor(parameters: dict[str, str]) -> str | None:
    text = parameters.get("monitor")
    if text is None:
        return None
    match = _HOST.fullmatch(text)
    if match is None or match["port"] is None:
        raise TransportError(f"monitor={text[:64]} in a nats URL is not HOST:PORT")
    return _parse_server(text)


def _parameters(query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise TransportError(f"{name!r} is not a parameter of a nats URL; there are {known}")
        if name in parameters:
            raise TransportError(f"{name!r} is given twice in a nats URL")
        parameters[name] = value
    return parameters


def _parse_count(parameters: dict[str, str], name: str, highest: int) -> int | None:
    if name not in parameters:
        return None
    text = parameters[name]
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or not 1 <= int(text) <= highest:
        raise TransportError(f"{name}={text[:32]} in a nats URL is not between 1 and {highest}")
    return int(text)


def _read_options(path: Path) -> dict[str, str]:
    options = read_options(path, "nats", _OPTIONS)
    _check_options(path, options)
    return options


def _check_options(path: Path, options: dict[str, str]) -> None:
    given = [name for name in _LOGIN_OPTIONS if name in options]
    if len(given) > 1:
        raise TransportError(f"{path}: {' and '.join(given)} are two logins; only one is allowed")
    if ("user" in options) != ("password" in options):
        raise TransportError(f"{path}: user and password must be given together")
    check_tls(path, options)
    for name in ("credentials", "nkey_seed"):
        if name in options and not Path(options[name]).is_file():
            raise TransportError(f"{path}: {name} names a file that does not exist")
        if name in options and importlib.util.find_spec("nkeys") is None:
            raise TransportError(f"{path}: {name} requires the Python package nkeys")
