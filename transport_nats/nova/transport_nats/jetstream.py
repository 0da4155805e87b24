"""The JetStream API requests that NOVA uses, with typed replies.

Times are ns since 1970. A refusal, or the lack of a reply, raises JetStreamError.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError

from nova.sdk.timestamps import parse as parse_time

PREFIX = "$JS.API"
REQUEST_TIMEOUT_S = 5.0
CONSUMER_IDLE_MAX_S = 30
"""The server removes a consumer that nobody has pulled from for this long."""

NO_REPLY = 0
NO_MESSAGE = 10037
NAME_IN_USE = 10058
SUBJECTS_OVERLAP = 10065
NS_PER_S = 1_000_000_000


class JetStreamError(Exception):
    """A request failed; `code` is the server's error code, or NO_REPLY."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class StreamConfig(msgspec.Struct):
    """A stream's settings. `persist_mode` "async" acknowledges before writing, and with a
    `retention` other than "limits", reading removes records. `allow_atomic`: it takes batches that
    are stored as a whole.
    """

    name: str
    subjects: list[str] = []
    storage: str = "file"
    retention: str = "limits"
    persist_mode: str = "default"
    allow_atomic: bool = False


class StreamState(msgspec.Struct):
    """A stream's extent; an empty one has first_seq = last_seq + 1, or 0 if it is new."""

    messages: int
    first_seq: int
    last_seq: int


class StreamInfo(msgspec.Struct):
    config: StreamConfig
    state: StreamState
    created: str

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def created_ns(self) -> int:
        """When the stream was created, ns since 1970."""
        return parse_time(self.created)

    @property
    def first(self) -> int:
        """The sequence of its oldest record, or of the next one if it is empty."""
        return self.state.first_seq if self.state.messages else self.end

    @property
    def end(self) -> int:
        """The sequence after its newest record."""
        return self.state.last_seq + 1


class ConsumerProgress(msgspec.Struct):
    """A consumer's progress, in its own sequence and in the stream's."""

    consumer_seq: int
    stream_seq: int


class ConsumerInfo(msgspec.Struct):
    """A consumer's state; `num_pending` matching records are undelivered."""

    name: str
    delivered: ConsumerProgress
    num_pending: int = 0


class _ApiError(msgspec.Struct):
    err_code: int = NO_REPLY
    description: str = "no reason given"


class _Reply(msgspec.Struct):
    error: _ApiError | None = None


class _StreamList(msgspec.Struct):
    total: int = 0
    streams: list[StreamInfo] | None = None


class _StoredMessage(msgspec.Struct):
    time: str


class _StoredReply(msgspec.Struct):
    message: _StoredMessage


class _AnyReply(msgspec.Struct):
    pass


ReplyT = TypeVar("ReplyT")


async def probe(client: Client) -> None:
    """Return if JetStream replies; raises JetStreamError."""
    await _request(client, "INFO", {}, _AnyReply)


async def list_streams(client: Client, subjects: str) -> list[StreamInfo]:
    """The streams with any of these subjects."""
    found: list[StreamInfo] = []
    while True:
        body: dict[str, object] = {"offset": len(found), "subject": subjects}
        page = await _request(client, "STREAM.LIST", body, _StreamList)
        found += page.streams or []
        if not page.streams or len(found) >= page.total:
            return found


async def create_stream(client: Client, config: dict[str, object]) -> StreamInfo:
    """Create a stream; succeeds if it exists with the same configuration."""
    return await _request(client, f"STREAM.CREATE.{config['name']}", config, StreamInfo)


async def stored_ns(client: Client, stream: str, sequence: int) -> int | None:
    """When a record was stored (ns), or None if the stream does not hold it."""
    try:
        reply = await _request(client, f"STREAM.MSG.GET.{stream}", {"seq": sequence}, _StoredReply)
    except JetStreamError as error:
        if error.code == NO_MESSAGE:
            return None
        raise
    return parse_time(reply.message.time)


async def create_consumer(
    client: Client, stream: str, start: int, filter_subject: str | None
) -> ConsumerInfo:
    """Create a pull consumer that delivers each record once, in order, from `start` on."""
    config: dict[str, object] = {
        "ack_policy": "none",
        "deliver_policy": "by_start_sequence",
        "inactive_threshold": CONSUMER_IDLE_MAX_S * NS_PER_S,
        "max_deliver": 1,
        "mem_storage": True,
        "num_replicas": 1,
        "opt_start_seq": start,
        "replay_policy": "instant",
    }
    if filter_subject is not None:
        config["filter_subject"] = filter_subject
    body: dict[str, object] = {"stream_name": stream, "config": config}
    return await _request(client, f"CONSUMER.CREATE.{stream}", body, ConsumerInfo)


async def consumer_info(client: Client, stream: str, name: str) -> ConsumerInfo:
    """The current state of a consumer."""
    return await _request(client, f"CONSUMER.INFO.{stream}.{name}", {}, ConsumerInfo)


async def remove_consumer(client: Client, stream: str, name: str, timeout_s: float) -> None:
    """Remove a consumer; without this the server does so after CONSUMER_IDLE_MAX_S."""
    await _request(client, f"CONSUMER.DELETE.{stream}.{name}", {}, _AnyReply, timeout_s)


async def _request(
    client: Client,
    verb: str,
    body: dict[str, object],
    reply_type: type[ReplyT],
    timeout_s: float = REQUEST_TIMEOUT_S,
) -> ReplyT:
    try:
        payload = msgspec.json.encode(body) if body else b""
        message = await client.request(f"{PREFIX}.{verb}", payload, timeout=timeout_s)
        refusal = msgspec.json.decode(message.data, type=_Reply).error
        if refusal is None:
            return msgspec.json.decode(message.data, type=reply_type)
    except NoRespondersError:
        raise JetStreamError(NO_REPLY, "JetStream is not enabled on the server") from None
    except Error as error:
        raise JetStreamError(NO_REPLY, f"no reply to {verb}: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JetStreamError(NO_REPLY, f"invalid reply to {verb}: {error}") from None
    raise JetStreamError(refusal.err_code, f"{verb}: {refusal.description} ({refusal.err_code})")
