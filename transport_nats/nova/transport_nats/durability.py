"""Warnings about the durability of a server's acknowledgements.

A NATS server acknowledges a record when it is written, and by default syncs its files every two
minutes: a power cut can lose what was acknowledged since. Clients cannot read that setting, but
the monitoring port reports it.
"""

from __future__ import annotations

import aiohttp
import msgspec
from nats.aio.client import Client

from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_nats.config import NatsConfig
from nova.transport_nats.jetstream import NS_PER_S, StreamInfo

OLDEST_SAFE_VERSION = (2, 10, 25)
MONITOR_TIMEOUT_S = 2.0


class _Jetstream(msgspec.Struct):
    sync_always: bool = False
    sync_interval: int = 0


class _Jsz(msgspec.Struct):
    config: _Jetstream = msgspec.field(default_factory=_Jetstream)


async def check_server(
    config: NatsConfig,
    client: Client,
    link_health: LinkHealthReporter,
    oldest_safe: tuple[int, int, int] = OLDEST_SAFE_VERSION,
) -> None:
    """Warn if acknowledged records can be lost, or if that cannot be checked."""
    version = client.connected_server_version
    number = (version.major, version.minor, version.patch)
    old = None
    if number < oldest_safe:
        version_text, oldest = (".".join(map(str, n)) for n in (number, oldest_safe))
        old = f"the server is version {version_text}, which can lose records: use {oldest} or later"
    link_health.set_warning("version", old)
    link_health.set_warning("sync", await _sync_warning(config.monitor))


def check_stream(info: StreamInfo, link_health: LinkHealthReporter) -> None:
    """Warn while a stream's records do not survive the server, or are acknowledged unwritten."""
    text = None
    if info.config.storage != "file":
        text = f"stream {info.name} is in memory: its records are lost when the server stops"
    elif info.config.persist_mode == "async":
        text = f"stream {info.name} acknowledges before writing (persist_mode async)"
    link_health.set_warning(f"storage of {info.name}", text)


async def _sync_warning(monitor: str | None) -> str | None:
    if monitor is None:
        return (
            "it is unknown whether acknowledgements are durable: "
            "set sync_interval: always on the server and give ?monitor=HOST:PORT"
        )
    try:
        jetstream = await _request_config(monitor)
    except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError, ValueError) as error:
        reason = str(error) or type(error).__name__
        return (
            "it is unknown whether acknowledgements are durable: "
            f"no reply from the monitor {monitor}: {reason}"
        )
    if jetstream.sync_always:
        return None
    return (
        "acknowledgements are not durable: the server syncs every "
        f"{jetstream.sync_interval / NS_PER_S:g} s; set sync_interval: always on it"
    )


async def _request_config(monitor: str) -> _Jetstream:
    timeout = aiohttp.ClientTimeout(MONITOR_TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
        session.get(f"http://{monitor}/jsz") as reply,
    ):
        return msgspec.json.decode(await reply.read(), type=_Jsz).config
