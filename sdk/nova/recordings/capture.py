"""Captures of a network: the payloads of UDP datagrams, as they are or in a format of recordings.

For a format the payloads are written one behind the other to a private temporary file, which its
reader then reads; what has no time of its own gets that of its capture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

import msgspec

from nova.recordings.arrivals import Arrivals
from nova.recordings.capture_file import CaptureDamageError, captured_packets
from nova.recordings.datagram import FRAGMENT_MISSING, Datagram, DatagramError, DatagramJoiner
from nova.recordings.mavlink import stamped
from nova.recordings.recorded_message import MessageEvents, RecordedMessage
from nova.recordings.recording import RecordingError, Step
from nova.recordings.spooling import CHUNK_BYTES, RESERVE_BYTES, require_room
from nova.sdk.events.observation import Observer

SYSTEM_ID = "udp"
OF_LINES = frozenset({"nmea", "influx", "jsonl"})
"""Formats of lines: a datagram ends its last one, whether or not it has a line end."""
PAYLOADS = ("raw", "text", "json", "ccsds", "gnss", "influx", "jsonl", "mavlink", "nmea")
MESSAGE_TYPE = "Datagram"
NO_TIME = "a packet without a time, which the capture should have given it"
NOT_JSON = "raw only: a datagram that is not one JSON object"
NOT_TEXT = "raw only: a datagram that is not UTF-8"

_Opened = Callable[[Path, Arrivals], Iterator[Step]]


class _Captured(NamedTuple):
    """A datagram with its time, in the packet that completed it."""

    number: int
    end_bytes: int
    at_ns: int
    datagram: Datagram


class CaptureReader:
    """Reads the datagrams to one port; without `port`, all of a capture that has one only, or of
    any port if they are published as they are. `opened` reads a file of payloads.
    """

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        port: int | None = None,
        payload: str = "raw",
        system_id: str | None = None,
        opened: _Opened | None = None,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._path = path
        self._port = port
        self._payload = payload
        self._events = MessageEvents(observer, system_id or SYSTEM_ID)
        self._opened = opened
        self._reserve_bytes = reserve_bytes
        self._lost: Counter[str] = Counter()
        self._lost_first: dict[str, int] = {}
        self._damage: str | None = None

    def steps(self) -> Iterator[Step]:
        """The steps of the payloads, then one problem for each way in which packets were lost."""
        if self._opened is None:
            yield from map(self._step, self._datagrams())
        else:
            with TemporaryDirectory(prefix="nova-") as folder:
                yield from self._format_steps(Path(folder), self._opened)
        yield from self._problems()

    def _format_steps(self, folder: Path, opened: _Opened) -> Iterator[Step]:
        payloads, arrivals = folder / self._path.name, Arrivals()
        with payloads.open("xb") as file:
            self._spool(file, folder, arrivals)
        if not len(arrivals):
            return
        for step in opened(payloads, arrivals):
            number, end_bytes = arrivals.place(step.offset_bytes)
            yield replace(step, offset_bytes=end_bytes, place=f"packet {number}, {step.place}")

    def _spool(self, file: BinaryIO, folder: Path, arrivals: Arrivals) -> None:
        size_bytes = checked_bytes = 0
        ports: Counter[int] = Counter()
        for found in self._datagrams():
            data = self._spooled(found)
            size_bytes += file.write(data)
            if size_bytes - checked_bytes >= CHUNK_BYTES:
                require_room(folder, self._reserve_bytes, CHUNK_BYTES, size_bytes)
                checked_bytes = size_bytes
            if data:
                arrivals.add(size_bytes, found.at_ns, found.number, found.end_bytes)
                ports[found.datagram.port] += 1
        if len(ports) > 1:
            listed = ", ".join(f"{port} ({count:,})" for port, count in ports.most_common(10))
            raise RecordingError(
                f"{self._path} has datagrams to several ports: give --port, one of {listed}"
            )

    def _spooled(self, found: _Captured) -> bytes:
        data = found.datagram.payload
        if self._payload == "mavlink":
            return stamped(data, found.at_ns)
        is_open = self._payload in OF_LINES and data and not data.endswith(b"\n")
        return data + b"\n" if is_open else data

    def _datagrams(self) -> Iterator[_Captured]:
        joiner = DatagramJoiner()
        with self._path.open("rb") as file:
            number = 0
            try:
                for packet in captured_packets(file):
                    number = packet.number
                    try:
                        found = joiner.add(packet.link, packet.data, packet.is_whole)
                    except DatagramError as error:
                        self._lose(str(error), number)
                        continue
                    if found is None or self._port not in (None, found.port):
                        continue
                    if packet.at_ns is None:
                        self._lose(NO_TIME, number)
                        continue
                    yield _Captured(number, packet.end_bytes, packet.at_ns, found)
            except CaptureDamageError as error:
                self._damage = f"behind packet {number}: {error}"
        for _ in range(joiner.end()):
            self._lose(FRAGMENT_MISSING, number)

    def _lose(self, reason: str, number: int) -> None:
        self._lost[reason] += 1
        self._lost_first.setdefault(reason, number)

    def _problems(self) -> Iterator[Step]:
        size_bytes = self._path.stat().st_size
        for reason, count in self._lost.items():
            place = f"packet {self._lost_first[reason]}"
            yield Step(size_bytes, place, problem=f"{count:,} × {reason}")
        if self._damage is not None:
            yield Step(size_bytes, f"the end of {self._path.name}", problem=self._damage)

    def _step(self, found: _Captured) -> Step:
        data = found.datagram.payload
        fields, note = self._fields(data)
        return self._events.step(
            RecordedMessage(
                found.end_bytes,
                f"packet {found.number}",
                str(found.datagram.port),
                _sender_id(found.datagram.source),
                MESSAGE_TYPE,
                fields or {},
                found.at_ns,
                frame=data,
                is_parsed=fields is not None,
            ),
            note,
        )

    def _fields(self, data: bytes) -> tuple[dict[str, object] | None, str | None]:
        """The fields of a datagram, and why it has none where it should."""
        try:
            if self._payload == "text":
                return {"text": data.decode().rstrip("\r\n\0")}, None
            if self._payload == "json":
                return msgspec.json.decode(data, type=dict[str, object]), None
        except UnicodeDecodeError:
            return None, NOT_TEXT if self._payload == "text" else NOT_JSON
        except (msgspec.DecodeError, RecursionError):
            return None, NOT_JSON
        return None, None


def _sender_id(address: str) -> str:
    """An address as an id: 192-0-2-1, 2001-db8--1."""
    return address.replace(".", "-").replace(":", "-")
