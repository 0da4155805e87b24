"""Configuration and limits of an edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nova.edge.display_folder import FolderDisplays
from nova.edge.oidc_config import OidcConfig
from nova.edge.tcp_limits import TcpLimits
from nova.sdk.default_view import DefaultView
from nova.sdk.errors import SettingsError
from nova.sdk.request_limit import LimitKind, RequestLimit
from nova.sdk.settings import DRAIN_S, ProxyNetwork

STATIC_FOLDER = Path(__file__).parent / "static"
FOLDER_NAME = "edge"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLimits:
    """Deadlines and caps of one edge. All but `requests` are constants in production; tests shorten
    them.
    """

    request_timeout_s: float = 30.0
    """From the start of a connection, or from the previous reply, to the end of a request's
    headers; then again to the end of its body.
    """

    lingering_s: float = 10.0
    """How long to keep reading the rest of a request that was answered before its end."""

    auth_timeout_s: float = 5.0
    send_timeout_s: float = 15.0
    unsent_max_bytes: int = 64 * MIB
    """Unsent bytes of all clients together. Above it, clients that have been slow for longer than
    `unsent_grace_s` are disconnected, slowest first.
    """

    unsent_grace_s: float = 2.0
    close_timeout_s: float = 2.0
    heartbeat_s: float = 20.0
    access_check_s: float = 2.0
    access_cache_s: float = 2.0
    users_poll_s: float = 0.25
    """Poll interval for changes to the users by another process, such as a new password."""

    connections_max: int = 10_000
    unauthenticated_max: int = 512
    unauthenticated_per_address_max: int = 64
    streams_per_connection_max: int = 10_000
    answers_max: int = 64
    """Answers of all pages over HTTP at once. Each has up to three pages in memory."""

    answers_per_principal_max: int = 16
    start_reply_timeout_s: float = 5.0
    """How long a submission waits for the reader's reply to an earlier stream start."""

    requests: Mapping[LimitKind, RequestLimit] | None = None
    """What each principal may request, over all edges together; they become the limits of all edges
    of the archive. None: those of the edges that run, else the defaults.
    """

    lease_s: float = 0.5
    """How long an edge may spend a part of a principal's limit before it returns the rest."""

    upstream_connect_timeout_s: float = 5.0
    upstream_retry_min_s: float = 0.1
    upstream_retry_max_s: float = 2.0
    ready_timeout_s: float = 2.0
    reader_poll_interval_s: float = 1.0
    reader_reply_timeout_s: float = 3.5
    """A reader that has not replied for this long counts as hung; its connections are dropped."""

    token_lifetime_s: int = 15 * 60
    """Of an access token; the page and the clients of the sdk renew theirs before."""

    provider_timeout_s: float = 10.0
    """How long a login waits for the OpenID Connect provider, at its start and at its end."""

    export_link_s: int = 3_600
    """How long a link to the files of an export is valid."""

    export_links_max: int = 16
    """Links of a principal at an edge; a further one ends its oldest."""

    streams_poll_s: float = 0.5
    """Poll interval for changes to the TCP streams by another process, and for their lock."""

    audit_poll_s: float = 0.25
    audit_reply_timeout_s: float = 30.0
    hash_workers: int = 2
    hash_queue_max: int = 64
    strangers_per_s: float = 20.0
    """Password checks per second for clients that are not known to the account."""

    tcp: TcpLimits = field(default_factory=TcpLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """An edge's addresses, its paths and its limits."""

    data: Path
    reader_socket: Path
    host: str = "127.0.0.1"
    port: int = 0
    static: Path = STATIC_FOLDER
    metrics_token: str | None = field(default=None, repr=False)
    open_metrics: bool = False
    """Whether `/metrics` needs no key from programs of this machine."""

    trusted_proxies: tuple[ProxyNetwork, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    default_view: DefaultView | None = None
    displays: FolderDisplays = field(default_factory=dict)
    oidc: OidcConfig | None = None
    limits: EdgeLimits = field(default_factory=EdgeLimits)
    drain_s: float = DRAIN_S

    @property
    def folder(self) -> Path:
        """The edge's private folder in the data folder: users, logins and the token key."""
        return self.data / FOLDER_NAME


def parse_listen(text: str) -> tuple[str, int]:
    """Split `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (loopback); raises SettingsError."""
    host, colon, digits = text.rpartition(":")
    if not colon or not digits.isascii() or not digits.isdigit() or int(digits) > 65_535:
        raise SettingsError(f"listen {text!r} is not HOST:PORT with a port from 0 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise SettingsError(f"listen {text!r}: write an IPv6 address as [ADDRESS]:PORT")
    return host or "127.0.0.1", int(digits)
