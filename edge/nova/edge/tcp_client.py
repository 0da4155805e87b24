"""One client of a TCP stream: its socket, and the messages that wait for it."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from nova.edge.peer_socket import has_peer_ended, has_peer_gone
from nova.edge.tcp_closing import Reached
from nova.edge.tcp_format import MessageBatch
from nova.edge.tcp_limits import TcpLimits
from nova.sdk.protocol.tcp_streams import Backpressure

log = logging.getLogger(__name__)

DISCARDED_BYTES = 4096
DISCARD_PAUSE_S = 1.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_discarded = bytearray(DISCARDED_BYTES)
"""Where the bytes of all clients go."""


LastMessage = Callable[[Reached], bytes]
"""Makes the last message for a client that has got this far; it may be empty."""


class ClientGroup(Protocol):
    """What a client reports of itself to the stream that it belongs to."""

    def admit(self, client: TcpClient) -> bool:
        """Take a new client, unless a limit is reached."""

    def discard(self, client: TcpClient) -> None:
        """Forget a client whose connection has ended."""

    def sent(self, batch: MessageBatch) -> None:
        """Count what a client was sent."""

    def dropped(self, messages: int) -> None:
        """Count what a slow client did not get."""


class TcpClient(asyncio.BufferedProtocol):
    """Sends whole messages in their order. The kernel and the transport hold one batch of which a
    part is sent; the others wait here, and are dropped whole when there are too many.
    """

    def __init__(self, group: ClientGroup, backpressure: Backpressure, limits: TcpLimits) -> None:
        self._group = group
        self._disconnects = backpressure == "disconnect"
        self._limits = limits
        self._queue: deque[MessageBatch] = deque()
        self._queued_bytes = 0
        self._is_blocked = False
        self._is_half_closed = False
        self._read_bytes = 0
        self.connected_s = self._moved_s = time.monotonic()
        self._dropped = 0
        self.has_room = asyncio.Event()
        """Whether less than half of the queue is used."""

        self.is_late = False
        """Whether a replay has waited for this client in vain; until it has taken everything."""

        self._last_message: LastMessage | None = None
        self._has_ended = False
        self.has_room.set()
        self.reached = Reached()
        """Up to where it was sent the stream."""

    # --- asyncio's side ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)
        self._socket: socket.socket = self._transport.get_extra_info("socket")
        _set_options(self._socket, self._limits)
        if not self._group.admit(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended = True
        self._forget_queue()
        if self._dropped:
            log.info("slow TCP client has gone", extra={"context": {"dropped": self._dropped}})
        self._group.discard(self)

    def get_buffer(self, sizehint: int) -> bytearray:
        return _discarded

    def buffer_updated(self, nbytes: int) -> None:
        """Ignore what the client says, and slowly if it says much."""
        self._read_bytes += nbytes
        if self._read_bytes >= self._limits.discard_bytes_per_s:
            self._read_bytes = 0
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(DISCARD_PAUSE_S, self._read_on)

    def eof_received(self) -> bool:
        """A client that has nothing to say may still listen, as `nc </dev/null` does. The kernel
        asks its peer from now on whether it has closed the connection altogether.
        """
        self._is_half_closed = True
        probe_s = self._limits.half_closed_probe_s
        _set_keepalive(self._socket, probe_s, probe_s, self._limits.keepalive_probes)
        return True

    def pause_writing(self) -> None:
        self._is_blocked = True

    def resume_writing(self) -> None:
        """The kernel has taken all of the last batch."""
        self._is_blocked = False
        self._moved_s = time.monotonic()
        while self._queue and not self._is_blocked:
            batch = self._queue.popleft()
            self._queued_bytes -= len(batch.data)
            self._write(batch)
        if self._queued_bytes <= self._limits.queue_max_bytes // 2:
            self.has_room.set()
        if not self._queue and not self._is_blocked:
            self.is_late = False
            self._finish()

    # --- the stream's side ------------------------------------------------------------------------

    def send(self, batch: MessageBatch) -> None:
        """Send a batch now, or when the client has taken those before it."""
        if self._transport.is_closing() or self._last_message is not None:
            return
        if not self._is_blocked:
            self._moved_s = time.monotonic()
            self._write(batch)
            return
        if self._queue and self._queued_bytes + len(batch.data) > self._limits.queue_max_bytes:
            self._overflow()
            if self._disconnects:
                self._count_dropped(batch.messages)
                self._reset()
                return
        self._queue.append(batch)
        self._queued_bytes += len(batch.data)
        if self._queued_bytes > self._limits.queue_max_bytes // 2:
            self.has_room.clear()

    def reach(self, reached: Reached) -> None:
        """Nothing more comes of the stream up to here than was sent, or waits."""
        if self._queue:
            self._queue[-1] = self._queue[-1]._replace(reached=reached)
        else:
            self.reached = reached

    def check(self) -> None:
        """Disconnect a client that has taken nothing for too long, or has gone unnoticed."""
        stalled_s = time.monotonic() - self._moved_s if self._is_blocked else 0.0
        if stalled_s > self._limits.stalled_max_s:
            log.info("TCP client disconnected: it takes nothing")
            self._reset()
        elif self._is_half_closed and self.has_gone():
            self._transport.abort()

    def is_half_closed(self) -> bool:
        """Whether the client has ended its own direction, also if that is not yet read."""
        return self._is_half_closed or has_peer_ended(self._socket)

    def has_gone(self) -> bool:
        """Whether nobody reads at the other end, as far as the kernel knows."""
        return has_peer_gone(self._socket)

    def give_way(self) -> None:
        """Leave at once, for another client."""
        self._group.discard(self)
        self._reset()

    def close(self, last_message: LastMessage) -> None:
        """Close when the client has taken what waits for it and a last message. One that takes
        nothing meanwhile is cut, and so is one that is not done at the deadline.
        """
        self._last_message = last_message
        if not self._queue and not self._is_blocked:
            self._finish()
        deadline_s = time.monotonic() + self._limits.drain_s
        self._cut_unless_taken(self._waiting_bytes(), deadline_s)

    def _finish(self) -> None:
        """Everything that waited is with the kernel, or in the transport."""
        if self._last_message is not None and not self._transport.is_closing():
            self._transport.write(self._last_message(self.reached))
            self._transport.close()

    def _cut_unless_taken(self, before_bytes: int, deadline_s: float) -> None:
        """Look regularly whether a client that is to end takes something."""

        def look() -> None:
            waiting = self._waiting_bytes()
            if waiting >= before_bytes or time.monotonic() >= deadline_s:
                self._reset()
            else:
                self._cut_unless_taken(waiting, deadline_s)

        if not self._has_ended:
            left_s = max(0.0, deadline_s - time.monotonic())
            wait_s = min(self._limits.close_timeout_s, left_s)
            asyncio.get_running_loop().call_later(wait_s, look)

    def _waiting_bytes(self) -> int:
        return self._queued_bytes + self._transport.get_write_buffer_size()

    def _reset(self) -> None:
        """End the connection at once. A reset shows the client that its last message may be cut."""
        if self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    def _write(self, batch: MessageBatch) -> None:
        self._transport.write(batch.data)
        self.reached = batch.reached or self.reached
        self._group.sent(batch)

    def _overflow(self) -> None:
        self._count_dropped(sum(batch.messages for batch in self._queue))
        self._forget_queue()

    def _forget_queue(self) -> None:
        self._queue.clear()
        self._queued_bytes = 0
        self.has_room.set()

    def _count_dropped(self, messages: int) -> None:
        if not self._dropped:
            log.info("TCP client does not read in time: messages are dropped")
        self._dropped += messages
        self._group.dropped(messages)

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()


def _set_options(sock: socket.socket, limits: TcpLimits) -> None:
    """Small messages leave at once, old ones do not pile up in the kernel, and a peer that vanished
    without a word is noticed.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.send_buffer_bytes)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    _set_keepalive(
        sock, limits.keepalive_idle_s, limits.keepalive_interval_s, limits.keepalive_probes
    )


def _set_keepalive(sock: socket.socket, idle_s: int, interval_s: int, probes: int) -> None:
    """When the kernel probes a silent peer (Linux; elsewhere when the system says)."""
    for name, value in (
        ("TCP_KEEPIDLE", idle_s),
        ("TCP_KEEPINTVL", interval_s),
        ("TCP_KEEPCNT", probes),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
