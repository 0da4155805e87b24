"""Links to devices: TCP, a serial line or UDP, given by a URL.

tcp://host:port connects serial:///dev/ttyUSB0?baud=115200 8 data bits, no parity, one stop bit
(9600 baud by default) udp://host:port listens there, and sends to the last sender
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import termios
import tty
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from nova.hardware.device import DeviceError
from nova.hardware.read_pause import ReadPause
from nova.sdk.errors import SettingsError

READ_MAX_BYTES = 65_536
DATAGRAMS_MAX = 500
UDP_BUFFER_BYTES = 4 * 1024 * 1024
SO_MEMINFO, MEMINFO_DROPS = 55, 8
"""Linux: the option with a socket's counters, and the place of its dropped datagrams in them."""
_MEMINFO = struct.Struct("=9I")
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 0), 10),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", 0), 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", 0), 3),
)
PEER_CLOSED = "the peer closed the connection"


class DeviceLink(Protocol):
    """A byte or datagram connection; raises OSError or DeviceError when it fails."""

    can_wait: bool
    """Whether the peer keeps data that is not read yet."""

    async def open(self) -> None:
        """Connect, or start to listen."""

    async def read(self) -> list[bytes]:
        """Wait for data: one chunk of a stream, or the datagrams that have arrived."""

    async def write(self, data: bytes) -> None:
        """Send bytes."""

    async def close(self) -> None:
        """Release the connection."""


class StreamLink:
    """Base of links over asyncio streams; subclasses open them."""

    can_wait = False

    def __init__(self) -> None:
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def read(self) -> list[bytes]:
        assert self._reader is not None
        data = await self._reader.read(READ_MAX_BYTES)
        if not data:
            raise DeviceError(PEER_CLOSED)
        return [data]

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the buffer is full."""
        if self._writer is None:
            raise DeviceError("not connected")
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Abort the connection and discard unsent bytes: a graceful close could wait for ever."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.transport.abort()


class TcpLink:
    """A TCP client connection; flow control keeps unread data at the server.

    Data stays in the system's buffer until it is read, so that one read gets all that has arrived
    meanwhile: the more, the busier the host is.
    """

    can_wait = True

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._pause = ReadPause()
        self._socket: socket.socket | None = None
        self._sending: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Connect, with keep-alive probes that detect a vanished server."""
        self._socket = await _connect(self._host, self._port)
        for level, option, value in KEEPALIVE:
            if option:
                self._socket.setsockopt(level, option, value)

    async def read(self) -> list[bytes]:
        if self._socket is None:
            raise DeviceError("not connected")
        await self._pause.wait()
        while True:
            try:
                data = self._socket.recv(READ_MAX_BYTES)
            except BlockingIOError:
                # Waiting takes nothing from the socket, so a read that is cancelled loses nothing.
                await readable(self._socket)
                continue
            if not data:
                raise DeviceError(PEER_CLOSED)
            self._pause.count(len(data))
            return [data]

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the buffer is full."""
        connection = self._socket
        if connection is None:
            raise DeviceError("not connected")
        loop = asyncio.get_running_loop()
        self._sending = sending = asyncio.ensure_future(loop.sock_sendall(connection, data))
        try:
            await sending
        except asyncio.CancelledError:
            if self._socket is not connection:
                raise DeviceError("the connection was closed while it was written to") from None
            raise

    async def close(self) -> None:
        """Close the connection and discard unsent bytes; a write that waits fails."""
        closing, self._socket = self._socket, None
        if self._sending is not None and not self._sending.done():
            self._sending.cancel()
            await asyncio.wait((self._sending,))
        if closing is not None:
            closing.close()


async def _connect(host: str, port: int) -> socket.socket:
    """Connect to the first address of a host that accepts; raises the OSError of the last."""
    loop = asyncio.get_running_loop()
    problem = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            await loop.sock_connect(connection, address)
        except BaseException as error:
            connection.close()
            if not isinstance(error, OSError):
                raise
            problem = error
        else:
            return connection
    raise problem


async def readable(connection: socket.socket) -> None:
    """Return when a socket has data, or an error."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(connection, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(connection)


class SerialLink(StreamLink):
    """A serial line, raw and without flow control: data that is not read soon is lost."""

    def __init__(self, path: str, speed: int) -> None:
        super().__init__()
        self._path, self._speed = path, speed
        self._pipes: list[asyncio.BaseTransport] = []

    async def open(self) -> None:
        """Open the line and set its speed."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        receiving = os.fdopen(self._descriptor(), "rb", buffering=0)
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), receiving
        )
        self._pipes.append(pipe)
        sending = os.fdopen(os.dup(receiving.fileno()), "wb", buffering=0)
        flow, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sending)
        self._pipes.append(flow)
        self._reader, self._writer = reader, asyncio.StreamWriter(flow, protocol, None, loop)

    def _descriptor(self) -> int:
        line = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(line, termios.TCSANOW)
            settings = termios.tcgetattr(line)
            settings[4] = settings[5] = self._speed
            settings[2] |= termios.CLOCAL | termios.CREAD
            termios.tcsetattr(line, termios.TCSANOW, settings)
        except (OSError, termios.error) as error:
            os.close(line)
            raise DeviceError(f"{self._path} is not a serial line: {error}") from None
        return line

    async def close(self) -> None:
        await super().close()
        pipes, self._pipes = self._pipes, []
        for pipe in pipes:
            pipe.close()


class UdpLink:
    """A UDP port; `dropped` counts the datagrams that the system had no buffer for."""

    can_wait = False

    def __init__(self, host: str, port: int, buffer_bytes: int = UDP_BUFFER_BYTES) -> None:
        self._host, self._port = host, port
        self._buffer_bytes = buffer_bytes
        self._socket: socket.socket | None = None
        self._peer: tuple[object, ...] | None = None
        self._dropped_before = 0
        self._left: list[bytes] = []

    @property
    def dropped(self) -> int:
        """Datagrams dropped since this link was made; the system counts per socket."""
        return self._dropped_before + self._counter()

    def _counter(self) -> int:
        """The count of the open socket; 0 on systems that have none."""
        if self._socket is None:
            return 0
        try:
            counters = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)
        except OSError:  # Not Linux.
            return 0
        if len(counters) < _MEMINFO.size:  # An older kernel.
            return 0
        return int(_MEMINFO.unpack(counters)[MEMINFO_DROPS])

    async def open(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer_bytes)
        self._socket.bind((self._host, self._port))

    async def read(self) -> list[bytes]:
        """Wait for a datagram; returns all that have arrived."""
        while True:
            found, self._left = self._left or self._received(), []
            if found:
                return found
            assert self._socket is not None
            await readable(self._socket)

    def _received(self) -> list[bytes]:
        assert self._socket is not None
        found: list[bytes] = []
        while len(found) < DATAGRAMS_MAX:
            try:
                data, self._peer = self._socket.recvfrom(READ_MAX_BYTES)
            except BlockingIOError:
                break
            found.append(data)
        return found

    async def write(self, data: bytes) -> None:
        """Send a datagram to the last sender."""
        if self._socket is None or self._peer is None:
            raise DeviceError("no datagram received yet, so there is no address to send to")
        await asyncio.get_running_loop().sock_sendto(self._socket, data, self._peer)

    async def close(self) -> None:
        """Stop listening. Datagrams that have arrived are returned by the next read."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._take_arrived()
            self._dropped_before, before = self.dropped, self._socket
            self._socket = None
            before.close()

    def _take_arrived(self) -> None:
        while found := self._received():
            self._left += found
            if sum(map(len, self._left)) > self._buffer_bytes:
                break  # The sender does not pause.


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def make_link(
    name: str, url: str, schemes: tuple[str, ...], udp_buffer_bytes: int = UDP_BUFFER_BYTES
) -> DeviceLink:
    """Create the link of a URL; raises SettingsError that names the device and the rule."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"devices.{name}: {url!r} is not a URL: {error}") from None
    if parts.scheme not in schemes:
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        raise SettingsError(f"devices.{name}: {url!r} does not start with one of {known}")
    if parts.scheme == "serial":
        return _serial_link(name, parts.path, parse_qs(parts.query))
    if not parts.hostname or port is None:
        raise SettingsError(f"devices.{name}: {url!r} is not {parts.scheme}://HOST:PORT")
    if parts.scheme == "udp":
        return UdpLink(parts.hostname, port, udp_buffer_bytes)
    return TcpLink(parts.hostname, port)


def _serial_link(name: str, path: str, query: dict[str, list[str]]) -> DeviceLink:
    baud = query.pop("baud", ["9600"])[0]
    speed = getattr(termios, f"B{baud}", None) if baud.isdigit() else None
    if not path or query or not isinstance(speed, int):
        raise SettingsError(
            f"devices.{name}: a serial line is serial:///dev/NAME?baud=N with a standard speed N, "
            f"not path {path!r}, baud {baud!r}{', ' if query else ''}{', '.join(query)}"
        )
    return SerialLink(path, speed)
