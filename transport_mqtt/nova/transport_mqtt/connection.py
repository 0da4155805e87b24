"""One connection to a broker: paho-mqtt's client, served by the event loop.

A client lives as long as its connection, so that nothing is sent again behind the caller's back.
Received messages are acknowledged only when the caller says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTMessageInfo,
)
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from nova.sdk.errors import TransportError
from nova.transport_mqtt.config import MqttConfig
from nova.transport_mqtt.mqtt_message import MqttMessage
from nova.transport_mqtt.paho_client import CONNECT_TIMEOUT_S, make_client, properties

ANSWER_TIMEOUT_S: Final = 20.0
KEEPALIVE_S: Final = 15
MAINTENANCE_INTERVAL_S: Final = 1.0
DISCONNECT_TIMEOUT_S: Final = 2.0
RECEIVE_MAX_MESSAGES: Final = 1_000
"""Messages that the broker sends without an acknowledgement."""

SEND_MAX_MESSAGES: Final = 1_000
"""Messages under way to the broker, if it does not want fewer."""

READS_PER_TURN: Final = 32
FIRST_ERROR: Final = 0x80
NO_RETAINED: Final = 2
"""Retain handling of subscriptions: what a broker retains is older than the subscription."""

CHANGES_TO_SAVE: Final = 50
"""A broker that saves after as many changes, or fewer, keeps what is published: `settle`."""

SETTLING_TOPIC: Final = "nova/settled"
"""Nobody subscribes to it."""


T = TypeVar("T")


class MqttConnection:
    """A connection that is opened once; `closed` resolves with the reason of its end."""

    def __init__(
        self,
        config: MqttConfig,
        client_id: str,
        *,
        expiry_s: int,
        on_message: Callable[[MqttConnection, MqttMessage], None],
        receive_max_messages: int = RECEIVE_MAX_MESSAGES,
    ) -> None:
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.max_packet_bytes: int | None = None
        """The largest packet that the broker takes, if it says so."""

        self.window = asyncio.Semaphore(SEND_MAX_MESSAGES)
        self._config = config
        self._expiry_s = expiry_s
        self._receive_max_messages = receive_max_messages
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._settle_lock = asyncio.Lock()
        self._settlings = 0
        self._settled = 0
        self._is_reading = True
        self._descriptor: int | None = None
        self._maintenance: asyncio.Task[None] | None = None
        self._client = make_client(config, client_id)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_client_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._client.on_unsubscribe = self._on_answer

    # --- beginning and end ----------------------------------------------------------------------

    async def open(self) -> bool:
        """Connect; returns whether the broker had a session of this client. Raises OSError or
        TransportError.
        """
        thread = ThreadPoolExecutor(1, "mqtt-connect")
        try:
            await self._loop.run_in_executor(thread, self._connect)
        finally:
            thread.shutdown(wait=False)  # It ends with the call, also with one that was cancelled.
        self._serve_socket()
        self._maintenance = asyncio.create_task(self._maintain(), name="nova-mqtt-maintenance")
        return await self._within(CONNECT_TIMEOUT_S, self._connected)

    async def close(self, *, ends_session: bool = False) -> None:
        """Send what is waiting, disconnect and release the socket; `ends_session` makes the broker
        forget the session.
        """
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.wait((self._maintenance,))
        if self._client.is_connected() and not self.closed.done():
            with contextlib.suppress(OSError, TimeoutError, TransportError):
                async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                    await self._disconnect(ends_session)
        self.abort("closed")

    async def _disconnect(self, ends_session: bool) -> None:
        # An answer shows that the broker has read what was sent before. Else the next connection
        # of this client could be faster, and the broker would never read our acknowledgements.
        await self._answer(*self._client.unsubscribe(SETTLING_TOPIC))
        given = properties(PacketTypes.DISCONNECT)
        if ends_session:
            given.SessionExpiryInterval = 0
        self._client.disconnect(properties=given)
        await asyncio.shield(self.closed)

    def abort(self, reason: str) -> None:
        """End the connection at once."""
        self._end(reason)
        self._stop_serving()
        self._close_socket()

    # --- what can be asked ------------------------------------------------------------------------

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe to topics with QoS 1; raises TransportError if the broker refuses one."""
        if not filters:
            return
        options = SubscribeOptions(qos=1, retainHandling=NO_RETAINED)
        code, mid = self._client.subscribe([(name, options) for name in filters])
        answers = await self._answer(code, mid)
        for name, answer in zip(filters, answers, strict=False):
            if answer.value >= FIRST_ERROR:
                raise TransportError(f"the broker refuses the subscription to {name}: {answer}")

    async def settle(self) -> None:
        """Return when the broker has saved what it has acknowledged before; callers share it.

        Mosquitto answers before it saves, saves after a number of changes, and does not count a
        message that goes straight to a connected client as one. So make that many changes; one
        more is answered after they were saved.
        """
        self._settlings += 1
        wanted = self._settlings
        async with self._settle_lock:
            if self._settled >= wanted:
                return
            covered = self._settlings
            unsubscribe = self._client.unsubscribe
            changes = [self._expect(*unsubscribe(SETTLING_TOPIC)) for _ in range(CHANGES_TO_SAVE)]
            await self._within(ANSWER_TIMEOUT_S, asyncio.gather(*changes))
            await self._answer(*unsubscribe(SETTLING_TOPIC))
            self._settled = covered

    def publish(self, topic: str, payload: bytes) -> asyncio.Future[list[ReasonCode]]:
        """Send a message with QoS 1; resolves with the broker's reason code. Take a slot of the
        window first: it is given back with the answer.
        """
        info: MQTTMessageInfo = self._client.publish(topic, payload, qos=1)
        answer = self._expect(info.rc, info.mid)
        answer.add_done_callback(lambda _: self.window.release())
        return answer

    def acknowledge(self, mid: int) -> None:
        """Acknowledge a message to the broker."""
        if not self.closed.done():
            self._client.ack(mid, 1)

    def pause_reading(self) -> None:
        """Leave what arrives in the socket."""
        if self._is_reading and self._descriptor is not None:
            self._is_reading = False
            self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        if not self._is_reading and self._descriptor is not None:
            self._is_reading = True
            self._loop.add_reader(self._descriptor, self._read)

    # --- the socket -------------------------------------------------------------------------------

    def _connect(self) -> None:
        given = properties(PacketTypes.CONNECT)
        given.SessionExpiryInterval = self._expiry_s
        given.ReceiveMaximum = self._receive_max_messages
        host, port = self._config.host, self._config.port
        self._client.connect(host, port, KEEPALIVE_S, clean_start=False, properties=given)
        if self.closed.done():  # Nobody waits for it any more.
            self._close_socket()

    def _close_socket(self) -> None:
        socket = self._client.socket()
        if socket is not None:
            socket.close()

    def _serve_socket(self) -> None:
        socket = self._client.socket()
        if socket is None:
            raise TransportError("the broker closed the connection")
        self._descriptor = socket.fileno()
        self._client.on_socket_close = lambda *_: self._stop_serving()
        self._client.on_socket_register_write = lambda *_: self._start_writing()
        self._client.on_socket_unregister_write = lambda *_: self._stop_writing()
        self._loop.add_reader(self._descriptor, self._read)
        self._start_writing()

    def _stop_serving(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _start_writing(self) -> None:
        if self._descriptor is not None:
            self._loop.add_writer(self._descriptor, self._write)

    def _stop_writing(self) -> None:
        if self._descriptor is not None:
            self._loop.remove_writer(self._descriptor)

    def _read(self) -> None:
        """Read some packets; TLS may hold more of them than the socket shows."""
        for _ in range(READS_PER_TURN):
            if not self._is_reading or self._descriptor is None:
                return
            self._guard(self._client.loop_read)
        pending = getattr(self._client.socket(), "pending", None)
        if pending is not None and pending() > 0:
            self._loop.call_soon(self._read)

    def _write(self) -> None:
        self._guard(self._client.loop_write)

    def _guard(self, act: Callable[[], MQTTErrorCode]) -> None:
        """Whatever the client stumbles over, also a packet that is none, ends the connection."""
        try:
            code = act()
        except Exception as error:
            self.abort(f"{type(error).__name__}: {error}")
            return
        if code not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN):
            self.abort("the connection was lost")

    async def _maintain(self) -> None:
        """Keep the connection alive, also while nothing is read."""
        paused_s = 0.0
        while not self.closed.done():
            await asyncio.sleep(MAINTENANCE_INTERVAL_S)
            if self._is_reading:
                paused_s = 0.0
                self._guard(self._client.loop_misc)
                continue
            paused_s += MAINTENANCE_INTERVAL_S
            if paused_s % (KEEPALIVE_S // 3) == 0:
                self._client.unsubscribe(SETTLING_TOPIC)

    # --- answers ----------------------------------------------------------------------------------

    def _expect(self, code: MQTTErrorCode, mid: int | None) -> asyncio.Future[list[ReasonCode]]:
        answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        if self.closed.done() or code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            answer.set_exception(TransportError("the connection was lost"))
        else:
            self._answers[mid] = answer
        return answer

    async def _answer(self, code: MQTTErrorCode, mid: int | None) -> list[ReasonCode]:
        return await self._within(ANSWER_TIMEOUT_S, self._expect(code, mid))

    async def _within(self, timeout_s: float, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise TransportError(f"the broker did not answer within {timeout_s:.0f} s") from None

    def _on_connect(
        self,
        client: Client,
        data: Any,
        flags: ConnectFlags,
        code: ReasonCode,
        given: Properties | None,
    ) -> None:
        if self._connected.done():
            return
        if code.value >= FIRST_ERROR:
            self._connected.set_exception(TransportError(f"the broker refuses: {code}"))
            return
        self.max_packet_bytes = getattr(given, "MaximumPacketSize", None)
        receive_max = getattr(given, "ReceiveMaximum", SEND_MAX_MESSAGES)
        self.window = asyncio.Semaphore(min(receive_max, SEND_MAX_MESSAGES))
        self._connected.set_result(flags.session_present)

    def _on_disconnect(
        self,
        client: Client,
        data: Any,
        flags: DisconnectFlags,
        code: ReasonCode,
        given: Properties | None,
    ) -> None:
        reason = f"the broker ended the connection: {code}"
        self._end(reason if flags.is_disconnect_packet_from_server else "the connection was lost")

    def _end(self, reason: str) -> None:
        if self.closed.done():
            return
        self.closed.set_result(reason)
        lost = functools.partial(TransportError, reason)
        waiting: list[asyncio.Future[Any]] = [*self._answers.values(), self._connected]
        for answer in waiting:
            if not answer.done():
                answer.set_exception(lost())
                answer.exception()  # Whoever waited may have gone.
        self._answers.clear()

    def _on_publish(
        self, client: Client, data: Any, mid: int, code: ReasonCode, given: Properties
    ) -> None:
        self._on_answer(client, data, mid, [code], given)

    def _on_answer(
        self, client: Client, data: Any, mid: int, codes: list[ReasonCode], given: Properties | None
    ) -> None:
        answer = self._answers.pop(mid, None)
        if answer is not None and not answer.done():
            answer.set_result(codes)

    def _on_client_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        mid = message.mid if message.qos else None
        self._on_message(self, MqttMessage(message.topic, bytes(message.payload), mid, message.dup))
