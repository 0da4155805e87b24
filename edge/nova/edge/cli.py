"""`nova edge`: runs one edge process."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import secrets
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import click
from aiohttp import web

from nova.edge.app import Edge
from nova.edge.display_folder import load_folder
from nova.edge.edge_address import EdgeAddress
from nova.edge.edge_config import EdgeConfig, EdgeLimits, parse_listen
from nova.edge.edge_stores import open_stores
from nova.edge.login import FIRST_USER, first_admin
from nova.edge.login_throttle import LoginThrottle
from nova.edge.metrics import TOKEN_VARIABLE
from nova.edge.oidc_config import oidc_config
from nova.edge.passwords import PasswordHashing
from nova.edge.upstream import reader_client
from nova.edge.user_store import UserStore
from nova.sdk import archive_id, durable, endpoints, lifecycle, logs, private
from nova.sdk.default_view import load as load_default_view
from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.request_limit import LimitKind, RequestLimit, request_limits
from nova.sdk.settings import DRAIN_MAX_S, DRAIN_S, LIST_SEPARATOR, host_names, proxy_networks
from nova.sdk.web_origins import web_origins

PASSWORD_VARIABLE = "NOVA_ADMIN_PASSWORD"
FIRST_PASSWORD_FILE = "first-password"
SHUTDOWN_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default="./nova-data",
    envvar="NOVA_DATA",
    show_default=True,
    help="Folder of the archive; the edge keeps its users and its key in DATA/edge.",
)
@click.option(
    "--listen",
    default="127.0.0.1:8800",
    envvar="NOVA_LISTEN",
    show_default=True,
    help="HOST:PORT for browsers and clients; port 0 picks a free one.",
)
@click.option(
    "--reader-socket",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Unix socket of the Core reader; by default that of DATA.",
)
@click.option(
    "--archive",
    metavar="ID",
    envvar="NOVA_ARCHIVE",
    help="Do not start unless DATA holds the archive with this id.",
)
@click.option(
    "--trusted-proxies",
    metavar="NETWORK,…",
    default="",
    envvar="NOVA_TRUSTED_PROXIES",
    help="Addresses or networks of reverse proxies whose X-Forwarded-For or Forwarded is trusted.",
)
@click.option(
    "--allowed-hosts",
    metavar="NAME,…",
    default="",
    envvar="NOVA_ALLOWED_HOSTS",
    help="Further host names to accept, such as a proxy's; *.NAME accepts all below it, * any.",
)
@click.option(
    "--cors-origins",
    metavar="ORIGIN,…",
    default="",
    envvar="NOVA_CORS_ORIGINS",
    help="Origins of pages of other sites that may read over HTTP; see docs/http.md.",
)
@click.option(
    "--limits",
    metavar="KIND=COUNT/SECONDS,…",
    default="",
    envvar="NOVA_LIMITS",
    help="Most requests of each user or key, such as query=6000/60; see docs/operations.md.",
)
@click.option(
    "--default-view",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="NOVA_DEFAULT_VIEW",
    help="File with the initial layout for users who have not chosen one.",
)
@click.option(
    "--displays",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="NOVA_DISPLAYS",
    help="Folder of displays that every user sees and nobody changes.",
)
@click.option(
    "--open-metrics",
    is_flag=True,
    envvar="NOVA_OPEN_METRICS",
    help="Serve /metrics to programs of this machine without a key.",
)
@click.option(
    "--drain-s",
    type=click.FloatRange(0, DRAIN_MAX_S),
    default=DRAIN_S,
    envvar="NOVA_DRAIN_S",
    show_default=True,
    help="How long a stop waits for requests and exports that are under way.",
)
@click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin closes (for supervisors).")
def edge(
    data: Path,
    listen: str,
    reader_socket: Path | None,
    archive: str | None,
    trusted_proxies: str,
    allowed_hosts: str,
    cors_origins: str,
    limits: str,
    default_view: Path | None,
    displays: Path | None,
    open_metrics: bool,
    drain_s: float,
    exit_with_stdin: bool,
) -> None:
    """Serve the web page and the client protocol of one archive.

    The first start creates the user `admin`, with the password from NOVA_ADMIN_PASSWORD or a
    generated one, which is printed once on a terminal, and else is in DATA/edge/first-password.
    When ready, the edge prints one JSON line with its URL.
    Login with OpenID Connect is configured by NOVA_OIDC_*; see docs/settings.md.

    \b
    Examples:
      nova edge --data ./archive
      nova edge --data ./archive --listen 0.0.0.0:8800
    """
    host, port = parse_listen(listen)
    logs.configure("edge")
    archive_id.require_at_start(data, archive)
    private.restrict_umask()
    config = EdgeConfig(
        data=data,
        reader_socket=reader_socket or endpoints.reader_socket(data),
        host=host,
        port=port,
        metrics_token=_secret_from_environment(TOKEN_VARIABLE),
        open_metrics=open_metrics,
        trusted_proxies=proxy_networks(filter(None, trusted_proxies.split(LIST_SEPARATOR))),
        allowed_hosts=host_names(filter(None, allowed_hosts.split(LIST_SEPARATOR))),
        cors_origins=web_origins(filter(None, cors_origins.split(LIST_SEPARATOR))),
        limits=EdgeLimits(requests=_request_limits(limits)),
        default_view=None if default_view is None else load_default_view(default_view),
        displays={} if displays is None else load_folder(displays),
        oidc=oidc_config(os.environ),
        drain_s=drain_s,
    )
    asyncio.run(serve(config, exit_with_stdin=exit_with_stdin))


def _request_limits(text: str) -> Mapping[LimitKind, RequestLimit] | None:
    """The given limits; None if none are."""
    texts = [part for part in text.split(LIST_SEPARATOR) if part.strip()]
    return request_limits(texts) if texts else None


async def serve(config: EdgeConfig, *, exit_with_stdin: bool = False) -> None:
    """Run an edge until SIGTERM, SIGINT or, with `exit_with_stdin`, the end of stdin."""
    stop = lifecycle.stop_event(exit_with_stdin)
    _raise_file_limit()
    lifecycle.keep_freed_memory()
    async with AsyncExitStack() as stack:
        stores = open_stores(config.folder)
        for store in stores:
            stack.callback(store.close)
        passwords = PasswordHashing(config.limits)
        stack.callback(passwords.close)
        first_password = await _ensure_first_admin(stores.users, passwords)
        reader = await stack.enter_async_context(reader_client(config.reader_socket))
        throttle = LoginThrottle(stores.logins)
        edge = Edge(config, stores, passwords, throttle, reader)
        runner = edge.runner(SHUTDOWN_TIMEOUT_S)
        stack.push_async_callback(runner.cleanup)
        facts = {} if first_password is None else _show_password(first_password, config.folder)
        lifecycle.print_ready("edge", url=await _listen(runner, config), **facts)
        await stop.wait()
        await lifecycle.drain(edge.drain(), stop, config.drain_s)


async def _listen(runner: web.AppRunner, config: EdgeConfig) -> str:
    """Open the port; returns the URL by which this machine reaches it."""
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port).start()
    except OSError as error:
        raise NovaError(
            f"cannot listen on {config.host}:{config.port}: {error.strerror}; "
            "choose another with --listen HOST:PORT (port 0 picks a free one)"
        ) from None
    address = EdgeAddress(config.host)
    address.runner = runner
    url = address.url()
    assert url is not None
    return url


async def _ensure_first_admin(users: UserStore, passwords: PasswordHashing) -> str | None:
    """Create the first admin if there are no users; returns the password if it was generated."""
    given = _secret_from_environment(PASSWORD_VARIABLE)
    password = given or secrets.token_urlsafe()
    if not await first_admin(users, passwords, password):
        if given:
            log.info("%s is ignored: users already exist", PASSWORD_VARIABLE)
        return None
    return password if given is None else None


def _show_password(password: str, folder: Path) -> dict[str, str]:
    """Print a generated password on a terminal, or write it to a private file, because stderr is a
    log; returns the file as a fact of the ready line.
    """
    if sys.stderr.isatty():
        note = f"(user {FIRST_USER}; keep it, it is not shown again)"
        click.echo(f"admin password: {password}   {note}", err=True)
        return {}
    path = folder / FIRST_PASSWORD_FILE
    durable.replace(path, f"{password}\n".encode())
    return {lifecycle.FIRST_PASSWORD_FACT: str(path)}


def _secret_from_environment(variable: str) -> str | None:
    """The value of an environment variable, None if unset; raises SettingsError if empty."""
    given = os.environ.get(variable)
    if given == "":
        raise SettingsError(f"{variable} is empty: set a value, or unset it")
    return given


def _raise_file_limit() -> None:
    """Raise the soft limit of open files: a client takes two descriptors, and the usual soft limit
    of 1,024 would mean about 500 clients.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
