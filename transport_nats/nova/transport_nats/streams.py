"""Creates a scope's stream before its first record, unless another stream has its subjects."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from nats.aio.client import Client

from nova.sdk.address import Address
from nova.sdk.errors import TransportError
from nova.transport_nats import durability, jetstream
from nova.transport_nats.config import NatsConfig
from nova.transport_nats.jetstream import (
    NAME_IN_USE,
    NS_PER_S,
    SUBJECTS_OVERLAP,
    JetStreamError,
    StreamInfo,
)
from nova.transport_nats.link_health import LinkHealthReporter
from nova.transport_nats.naming import stream_name, subjects_of

S_PER_H = 3_600
UNLIMITED = -1

log = logging.getLogger(__name__)


class StreamCreator:
    """The scopes and lanes that are known to have a stream."""

    def __init__(self, config: NatsConfig, link_health: LinkHealthReporter) -> None:
        self._config = config
        self._link_health = link_health
        self._known: set[tuple[str, str]] = set()

    def clear_cache(self) -> None:
        """Check again before the next record, since a stream may have been deleted."""
        self._known.clear()

    async def ensure(self, client: Client, wanted: Iterable[Address]) -> None:
        """Create missing streams; raises TransportError on failure."""
        for address in wanted:
            lane = (address.scope_id, address.lane)
            if lane not in self._known:
                try:
                    await self._ensure(client, address)
                except JetStreamError as error:
                    raise TransportError(
                        f"{self._config.link} refused a request: {error}"
                    ) from None
                self._known.add(lane)

    async def _ensure(self, client: Client, address: Address) -> None:
        if await self._is_accepted(client, address):
            return
        name = stream_name(address.scope_id)
        try:
            created = await jetstream.create_stream(client, self._stream_config(address.scope_id))
        except JetStreamError as error:
            # Another client may have created it first.
            if error.code not in (NAME_IN_USE, SUBJECTS_OVERLAP):
                raise
            if await self._is_accepted(client, address):
                return
            raise TransportError(
                f"no stream of {self._config.link} accepts {address}, and {name} cannot be created "
                f"beside the existing ones ({error}): add that subject to one of them"
            ) from None
        self._check(created)
        log.info("nats stream created: stream=%s link=%s", name, self._config.link)

    async def _is_accepted(self, client: Client, address: Address) -> bool:
        found = await jetstream.list_streams(client, str(address))
        for info in found:
            self._check(info)
        return bool(found)

    def _check(self, info: StreamInfo) -> None:
        durability.check_stream(info, self._link_health)

    def _stream_config(self, scope_id: str) -> dict[str, object]:
        config = self._config
        return {
            "name": stream_name(scope_id),
            "subjects": [subjects_of(scope_id)],
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "num_replicas": config.replicas or 1,
            "max_age": (config.max_age_h or 0) * S_PER_H * NS_PER_S,
            "max_bytes": config.max_bytes or UNLIMITED,
        }
