"""Creates a scope's stream before its first record, unless another stream has its subjects."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from nats.aio.client import Client

from nova.sdk.address import Address
from nova.sdk.errors import TransportError
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_nats import durability, jetstream
from nova.transport_nats.config import NatsConfig
from nova.transport_nats.jetstream import (
    NAME_IN_USE,
    NS_PER_S,
    SUBJECTS_OVERLAP,
    JetStreamError,
    StreamInfo,
)
from nova.transport_nats.naming import is_within, stream_name, subjects_of

S_PER_H = 3_600
UNLIMITED = -1
OLDEST_BATCHING_VERSION = (2, 12)

log = logging.getLogger(__name__)


class StreamCreator:
    """The scopes and lanes that are known to have a stream."""

    def __init__(self, config: NatsConfig, link_health: LinkHealthReporter) -> None:
        self._config = config
        self._link_health = link_health
        self._known: dict[tuple[str, str], str | None] = {}
        """By scope and lane, the one stream that takes all its records in batches."""

    def clear_cache(self) -> None:
        """Check again before the next record, since a stream may have been deleted."""
        self._known.clear()

    async def ensure(self, client: Client, wanted: Iterable[Address]) -> None:
        """Create missing streams; raises TransportError on failure."""
        for address in wanted:
            lane = (address.scope_id, address.lane)
            if lane not in self._known:
                try:
                    found = await self._ensure(client, address)
                except JetStreamError as error:
                    raise TransportError(
                        f"{self._config.link} refused a request: {error}"
                    ) from None
                self._known[lane] = _batched_stream(found, address)

    def batched_stream(self, targets: Iterable[Address]) -> str | None:
        """The stream that takes these records as one batch; None if they may belong to several, or
        to one that takes no batches.
        """
        streams = {self._known.get((target.scope_id, target.lane)) for target in targets}
        return streams.pop() if len(streams) == 1 else None

    async def _ensure(self, client: Client, address: Address) -> list[StreamInfo]:
        found = await self._accepting(client, address)
        if found:
            return found
        name = stream_name(address.scope_id)
        try:
            created = await jetstream.create_stream(client, self._stream_config(client, address))
        except JetStreamError as error:
            # Another client may have created it first.
            if error.code not in (NAME_IN_USE, SUBJECTS_OVERLAP):
                raise
            found = await self._accepting(client, address)
            if found:
                return found
            raise TransportError(
                f"no stream of {self._config.link} accepts {address}, and {name} cannot be created "
                f"beside the existing ones ({error}): add that subject to one of them"
            ) from None
        self._check(created)
        log.info("nats stream created: stream=%s link=%s", name, self._config.link)
        return [created]

    async def _accepting(self, client: Client, address: Address) -> list[StreamInfo]:
        """The streams that accept records of an address."""
        found = await jetstream.list_streams(client, str(address))
        for info in found:
            self._check(info)
        return found

    def _check(self, info: StreamInfo) -> None:
        durability.check_stream(info, self._link_health)

    def _stream_config(self, client: Client, address: Address) -> dict[str, object]:
        config = self._config
        version = client.connected_server_version
        is_batching = (version.major, version.minor) >= OLDEST_BATCHING_VERSION
        batches = {"allow_atomic": True} if is_batching else {}
        return {
            **batches,
            "name": stream_name(address.scope_id),
            "subjects": [subjects_of(address.scope_id)],
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "num_replicas": config.replicas or 1,
            "max_age": (config.max_age_h or 0) * S_PER_H * NS_PER_S,
            "max_bytes": config.max_bytes or UNLIMITED,
        }


def _batched_stream(accepting: Sequence[StreamInfo], address: Address) -> str | None:
    """The stream that takes batches of all of a scope and lane, if there is one."""
    if len(accepting) != 1 or not accepting[0].config.allow_atomic:
        return None
    of_lane = f"nova.{address.scope_id}.{address.lane}."
    whole = [subject for subject in accepting[0].config.subjects if subject.endswith(".>")]
    is_whole = any(is_within([of_lane], subject) for subject in whole)
    return accepting[0].name if is_whole else None
