"""The bytes that a stored event becomes in a TCP stream. They depend on the stored envelope and on
the stream's definition alone, and values are those of the envelope byte for byte.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Raw

from nova.edge.framing import FRAMINGS, largest_message
from nova.edge.tcp_closing import Reached
from nova.sdk import timestamps
from nova.sdk.errors import TimestampError
from nova.sdk.events.stored_body import StoredBody, carried
from nova.sdk.protocol.message import Timebase
from nova.sdk.protocol.tcp_streams import STREAM_SYSTEM_ID, TcpStreamDefinition

log = logging.getLogger(__name__)

NO_TYPE = Raw(b'""')
OWN_SYSTEM = msgspec.json.encode(STREAM_SYSTEM_ID)


class _StoredEvent(StoredBody, kw_only=True):
    """What the formats need of an envelope; `Raw` members are its own bytes."""

    scope_id: Raw
    system_id: Raw
    container_id: Raw
    unique_id: Raw
    source_truth_time: str
    canonical_truth_time: str
    message_type: Raw = NO_TYPE


_EVENT_ID = re.compile(rb'"eventId":"([0-9a-f]{64})"')
_decoder = msgspec.json.Decoder(_StoredEvent)
_frame = msgspec.json.Decoder(bytes)


class MessageBatch(NamedTuple):
    """Whole messages, joined; all clients of a stream share the bytes. `reached`: up to where a
    client has the stream once it has them, None within a chunk.
    """

    data: bytes
    messages: int
    reached: Reached | None = None


class MessageFormat:
    """Format and framing of one stream. `too_large` counts the messages left out because their
    length does not fit the framing.
    """

    def __init__(self, definition: TcpStreamDefinition, timebase: Timebase) -> None:
        """`timebase` is that of the times in the messages."""
        self.too_large = 0
        self._with_address = definition.with_address
        self._is_canonical = timebase == "canonical"
        self._framed = FRAMINGS[definition.framing]
        self._message_max_bytes = largest_message(definition.framing)
        self._encode: Callable[[_StoredEvent, bytes | Raw], bytes | None] = (
            self._payload_only if definition.format == "payloadOnly" else self._hierarchy
        )

    def batches(self, envelopes: Iterable[bytes | Raw], max_bytes: int) -> Iterator[MessageBatch]:
        """The messages of envelopes, in batches that end with the message that reaches
        `max_bytes`. What another Core's streams have published is left out.
        """
        waiting: list[bytes] = []
        size = 0
        for envelope in envelopes:
            message = self._message(envelope)
            if message is None:
                continue
            waiting.append(message)
            size += len(message)
            if size >= max_bytes:
                yield MessageBatch(b"".join(waiting), len(waiting))
                waiting, size = [], 0
        if waiting:
            yield MessageBatch(b"".join(waiting), len(waiting))

    def _message(self, envelope: bytes | Raw) -> bytes | None:
        """The message of an envelope, None if there is none. One that cannot be read must not cost
        those behind it.
        """
        try:
            stored = _decoder.decode(envelope)
            if _is_of_streams(stored):
                return None
            message = self._encode(stored, envelope)
        except (msgspec.DecodeError, TimestampError, RecursionError) as error:
            found = _EVENT_ID.search(bytes(envelope))
            ids = {"eventId": found[1].decode()} if found else {}
            log.error("event left out of a TCP stream: %s", error, extra={"context": ids})
            return None
        self.too_large += message is None
        return message

    def _payload_only(self, stored: _StoredEvent, envelope: bytes | Raw) -> bytes | None:
        is_raw = stored.lane == "raw"
        message = _frame.decode(stored.frame) if is_raw else bytes(carried(stored, envelope))
        if self._message_max_bytes is not None and len(message) > self._message_max_bytes:
            return None
        return self._framed(message)

    def _hierarchy(self, stored: _StoredEvent, envelope: bytes | Raw) -> bytes:
        time = stored.canonical_truth_time if self._is_canonical else stored.source_truth_time
        parts: list[bytes | Raw] = [
            *(b'{"s":', stored.system_id, b',"c":', stored.container_id),
            *(b',"u":', stored.unique_id, b',"t":"', _normal_time(time), b'","p":'),
            carried(stored, envelope),
        ]
        if self._with_address:
            lane = stored.lane.encode()
            parts += (b',"scope":', stored.scope_id, b',"l":"', lane)
            parts += (b'","m":', stored.message_type)
        return b"".join((*parts, b"}\n"))


def _is_of_streams(stored: _StoredEvent) -> bool:
    """Whether an event has the systemId of TCP streams, however its producer wrote it."""
    system = bytes(stored.system_id)
    return system == OWN_SYSTEM or (
        b"\\" in system and bool(msgspec.json.decode(system) == STREAM_SYSTEM_ID)
    )


def _normal_time(text: str) -> bytes:
    """A time in UTC with nine digits; producers may write it in other ways."""
    if len(text) != timestamps.NORMAL_CHARS or text[-1] != "Z":
        text = timestamps.normal(text)
    return text.encode()
