"""Pulling: one consumer of one stream, with requests ahead so that data is always in flight.

Each pull request is limited in records and bytes, so the amount in flight is known. Every record
carries two sequences. The consumer's own sequence counts deliveries: a jump in it means that a
record was lost on the way, and the consumer must be replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error
from nats.js.api import Header

from nova.transport_nats import jetstream
from nova.transport_nats.jetstream import NS_PER_S, PREFIX, JetStreamError

WINDOW_RECORDS = 8_000
PULL_EXPIRES_S = 5.0
HEARTBEAT_S = 1.5
SILENCE_TIMEOUT_S = 4.0
REMOVE_TIMEOUT_S = 1.0
PENDING_UNLIMITED = 0
"""Unlimited, since only requested records can be pending."""

SHORT_REPLY_TOKENS = 9
DATA_REPLY = "$JS.ACK."
WINDOW_TOO_SMALL = "Message Size Exceeds MaxBytes"
PULL_ENDS = (WINDOW_TOO_SMALL, "Batch Completed")

OnRecord = Callable[[Msg, int, int, int], bool]
"""(message, stream sequence, time stored in ns, number pending) -> whether it is in sequence."""


class PullConsumer:
    """A consumer and its subscription; `lost_reason` says why it must be replaced, if so.

    `on_room` is called when there is room to request more, `on_lost` when the consumer is lost.
    """

    def __init__(
        self,
        client: Client,
        stream: str,
        generation: int,
        on_record: OnRecord,
        on_room: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.generation = generation
        self.lost_reason: str | None = None
        self.received = 0
        self.is_window_too_small = False
        self._client = client
        self._stream = stream
        self._on_record = on_record
        self._on_room = on_room
        self._on_lost = on_lost
        self._consumer = ""
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._requested_records = 0
        self._requested_bytes = 0
        self._requests: dict[str, int] = {}
        self._last_request = 0
        self._last_message_s = self._last_record_s = self._now_s()

    async def open(self, start: int, filter_subject: str | None) -> None:
        """Create the consumer and subscribe; raises JetStreamError or nats' Error."""
        created = await jetstream.create_consumer(self._client, self._stream, start, filter_subject)
        self._consumer = created.name
        self._last_message_s = self._now_s()
        self._subscription = await self._client.subscribe(
            f"{self._inbox}.*", cb=self._on_message, pending_bytes_limit=PENDING_UNLIMITED
        )

    async def request_more(
        self, buffered_records: int, buffered_bytes: int, window_bytes: int
    ) -> None:
        """Request more records if at least half of the window is neither buffered nor requested."""
        if self.lost_reason is not None:
            return
        records = WINDOW_RECORDS - buffered_records - self._requested_records
        size_bytes = window_bytes - buffered_bytes - self._requested_bytes
        if records < WINDOW_RECORDS // 2 or size_bytes < window_bytes // 2:
            return
        self._last_request += 1
        reply = f"{self._inbox}.{self._last_request}"
        if self._requested_records == 0:
            self._last_message_s = self._last_record_s = self._now_s()  # Nothing was due until now.
        self._requested_records += records
        self._requested_bytes += size_bytes
        self._requests[reply] = size_bytes
        body = {
            "batch": records,
            "max_bytes": size_bytes,
            "expires": int(PULL_EXPIRES_S * NS_PER_S),
            "idle_heartbeat": int(HEARTBEAT_S * NS_PER_S),
        }
        subject = f"{PREFIX}.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        try:
            await self._client.publish(subject, msgspec.json.encode(body), reply=reply)
        except Error as error:
            self._mark_lost(f"the request failed: {error}")

    def is_silent(self) -> bool:
        """Whether the server owes a record, heartbeat or status, and nothing arrives."""
        return (
            self._requested_records > 0 and self._now_s() - self._last_message_s > SILENCE_TIMEOUT_S
        )

    def is_idle(self) -> bool:
        """Whether records were requested but none has arrived for a while."""
        return (
            self._requested_records > 0 and self._now_s() - self._last_record_s > SILENCE_TIMEOUT_S
        )

    async def info(self) -> jetstream.ConsumerInfo:
        """The consumer's state; raises JetStreamError."""
        return await jetstream.consumer_info(self._client, self._stream, self._consumer)

    async def close(self, is_answering: bool) -> None:
        """Unsubscribe; remove the consumer if the server replies, else the server does it later."""
        self.lost_reason = self.lost_reason or "closed"
        if self._subscription is not None:
            with contextlib.suppress(Error):
                await self._subscription.unsubscribe()
        if is_answering and self._consumer:
            with contextlib.suppress(JetStreamError):
                await jetstream.remove_consumer(
                    self._client, self._stream, self._consumer, REMOVE_TIMEOUT_S
                )

    async def _on_message(self, message: Msg) -> None:
        if self.lost_reason is not None:
            return
        self._last_message_s = self._now_s()
        reply = message.reply
        if not reply.startswith(DATA_REPLY):
            self._on_status(message)
            return
        tokens = reply.split(".")
        # Newer servers use a longer form, with domain and account before the stream.
        place = 5 if len(tokens) == SHORT_REPLY_TOKENS else 7
        if int(tokens[place + 1]) != self.received + 1:
            self._mark_lost(f"delivery {tokens[place + 1]} followed {self.received}")
            return
        self.received += 1
        self._last_record_s = self._last_message_s
        self._requested_records -= 1
        self._requested_bytes -= len(message.subject) + len(reply) + len(message.data)
        if message.headers:
            self._requested_bytes -= _header_bytes(message.headers)
        if self._requested_records <= 0:
            self._clear_requests()
        stored_ns, pending = int(tokens[place + 2]), int(tokens[place + 3])
        if not self._on_record(message, int(tokens[place]), stored_ns, pending):
            self._mark_lost(f"sequence {tokens[place]} was delivered again")

    def _on_status(self, message: Msg) -> None:
        headers = message.headers or {}
        status, text = headers.get(Header.STATUS), headers.get(Header.DESCRIPTION, "")
        if status == "100":
            delivered = headers.get("Nats-Last-Consumer", "")
            if delivered.isdigit() and int(delivered) != self.received:
                self._mark_lost(f"{delivered} records were delivered, {self.received} arrived")
            return
        left_bytes = _number(headers, "Nats-Pending-Bytes")
        asked_bytes = self._requests.pop(message.subject, None)
        if status == "408" or (status == "409" and text in PULL_ENDS):
            self._requested_records -= _number(headers, "Nats-Pending-Messages")
            self._requested_bytes -= left_bytes
            if self._requested_records <= 0:
                self._clear_requests()
            self.is_window_too_small |= text == WINDOW_TOO_SMALL and left_bytes == asked_bytes
            self._on_room()
        elif status != "404":
            self._mark_lost(f"{status} {text.strip()}")

    def _clear_requests(self) -> None:
        self._requested_records = self._requested_bytes = 0
        self._requests.clear()

    def _mark_lost(self, reason: str) -> None:
        if self.lost_reason is None:
            self.lost_reason = reason
            self._on_lost()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


HEADER_FRAME = "NATS/1.0\r\n\r\n"
HEADER_LINE = ": \r\n"


def _number(headers: dict[str, str], name: str) -> int:
    text = headers.get(name, "")
    return int(text) if text.isdigit() else 0


def _header_bytes(headers: dict[str, str]) -> int:
    """The size of headers as they are sent."""
    return len(HEADER_FRAME) + sum(
        len(name) + len(value) + len(HEADER_LINE) for name, value in headers.items()
    )
