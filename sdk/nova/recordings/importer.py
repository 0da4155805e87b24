"""Import of records: through a transport, or into the Core directly for kinds that only a Core
writes.

Both paths acknowledge durable records before more are sent and detect duplicates by eventId. So an
interrupted import can be started again from its beginning, with the same result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from nova.sdk.client.client import Client
from nova.sdk.drivers.driver_stream import stream_of
from nova.sdk.errors import ConnectionLostError, NovaError, ProtocolError
from nova.sdk.events.reserved import reserved_member
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.protocol.messages import FRAME_MAX_BYTES, REQUEST_MAX_BYTES
from nova.sdk.protocol.submission import IMPORT_MAX_EVENTS, ImportAck, ImportEvents
from nova.sdk.transport.base import Receipt, Record, Rejection

FRAME_SLACK_BYTES = 1024
"""Room for the members of a request beside its events."""

TEMPORARY_CODES = frozenset(("rateLimited", "writerAway", "coreUnavailable", "busy"))
"""Temporary refusals: the same request may be sent again."""


def is_reserved(record: Record) -> bool:
    """Whether only a Core may write a record of this kind; False if it cannot be decoded."""
    try:
        stream = stream_of(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return reserved_member(stream.lane, stream.system_id, stream.stream_type) is not None


class AdminAccess(NamedTuple):
    """How an administrator connects to a Core, and the largest request that it accepts."""

    connect: Callable[[], Awaitable[Client]]
    request_max_bytes: int

    @classmethod
    def of_core(cls, connect: Callable[[], Awaitable[Client]], *, is_local: bool) -> AdminAccess:
        return cls(connect, FRAME_MAX_BYTES if is_local else REQUEST_MAX_BYTES)


class Importer:
    """Delivers records; without a door all of them go over the transport."""

    def __init__(self, producer: Producer, access: AdminAccess | None, retry: Retry) -> None:
        self._producer = producer
        self._access = access
        self._retry = retry
        self._client: Client | None = None
        self.reserved_over_transport = 0
        """Events of reserved kinds that went over the transport because there is no door."""

    async def import_records(self, records: Sequence[Record]) -> Receipt:
        """Import records, reserved kinds first so that bindings precede the events they bind."""
        reserved = [place for place, record in enumerate(records) if is_reserved(record)]
        if self._access is None:
            self.reserved_over_transport += len(reserved)
            return await self._producer.publish(records)
        total = Receipt()
        for part in _request_parts(records, reserved, self._access.request_max_bytes, total):
            ack = await self._submit([records[place].value.decode() for place in part])
            total.new += ack.new
            total.duplicate += ack.duplicate
            total.rejected += [
                Rejection(part[one.place], one.code, one.member, one.reason) for one in ack.rejected
            ]
        known = set(reserved)
        others = [place for place in range(len(records)) if place not in known]
        if others:
            receipt = await self._producer.publish([records[place] for place in others])
            total.new += receipt.new
            total.duplicate += receipt.duplicate
            total.rejected += [one._replace(place=others[one.place]) for one in receipt.rejected]
        return total

    async def _submit(self, events: list[str]) -> ImportAck:
        """Submit events. Repeating it after a lost connection is safe: duplicates are detected."""
        assert self._access is not None
        loop = asyncio.get_running_loop()
        give_up_at = None
        if self._retry.deadline_s is not None:
            give_up_at = loop.time() + self._retry.deadline_s
        for delay_s in self._retry.delays_s():
            try:
                if self._client is None:
                    self._client = await self._access.connect()
                message = ImportEvents(events=events, timeline_mode="LIVE")
                return await self._client.import_events(message)
            except (ConnectionLostError, ProtocolError) as error:
                if isinstance(error, ProtocolError) and error.code not in TEMPORARY_CODES:
                    raise
                if give_up_at is not None and loop.time() + delay_s >= give_up_at:
                    raise NovaError(f"the Core does not accept the import: {error}") from error
                if isinstance(error, ConnectionLostError):
                    await self.close()
            await asyncio.sleep(delay_s)
        raise AssertionError("delays never end")

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _request_parts(
    records: Sequence[Record], places: Sequence[int], max_bytes: int, total: Receipt
) -> Iterator[list[int]]:
    """Indexes of records by request; a record over the limit is rejected in `total`."""
    part: list[int] = []
    room = max_bytes - FRAME_SLACK_BYTES
    left = room
    for place in places:
        try:
            size = len(msgspec.json.encode(records[place].value.decode())) + 1
        except UnicodeDecodeError:
            reason = "the envelope is not UTF-8"
            total.rejected.append(Rejection(place, "malformed", "", reason))
            continue
        if size > room:
            reason = f"an event of {size} bytes does not fit into a request of {max_bytes}"
            total.rejected.append(Rejection(place, "tooLarge", "", reason))
            continue
        if part and (size > left or len(part) == IMPORT_MAX_EVENTS):
            yield part
            part, left = [], room
        part.append(place)
        left -= size
    if part:
        yield part
