"""Logs of GNSS receivers: u-blox's UBX and RTCM 3, also with NMEA sentences between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from nova.recordings.gnss_time import Values, full_ns, near_ns
from nova.recordings.recorded_message import MessageEvents, RecordedMessage
from nova.recordings.recording import DatedReader, Step, undated_error
from nova.recordings.view_cards import POSITION, ViewCard
from nova.sdk.optional_imports import import_optional

ALL_PROTOCOLS = 7
RAISE = 2
UBX_MAGIC = b"\xb5\x62"
FIX_2D = 2
SKIPPED = "bytes that are no message of UBX, RTCM or NMEA"
TEXT = "skipped: text between messages"
NO_TIME = "the message has no time of its own: it gets the last known time, or the first"
HINT = (
    "no NAV-PVT, NAV-TIMEGPS, NAV-TIMEUTC or RXM-RAWX says the date; "
    "give --epoch, an ISO time within half a week of its start"
)


class ReceiverMessage(NamedTuple):
    """A message of a receiver, or bytes that are none (`values` is None, `reason` says why)."""

    end_bytes: int
    data: bytes
    protocol: str
    kind: str
    values: Values | None
    reason: str = ""

    @property
    def place(self) -> str:
        return f"byte {self.end_bytes - len(self.data)}"


class GnssReader(DatedReader):
    """Reads a log twice: up to the first date, which dates what is before it, then to publish."""

    SYSTEM_ID = "gnss"

    def steps(self) -> Iterator[Step]:
        """A step per message, and one per stretch of bytes without."""
        last_ns = self._start_ns()
        events = MessageEvents(self._observer, self._system_id, self._views)
        for found in self._messages():
            if found.values is None:
                yield _skipped(found)
                continue
            own_ns = full_ns(found.values)
            if self._arrivals is not None:
                last_ns = self._arrivals.time_ns(found.end_bytes)
            if own_ns is None:
                own_ns = near_ns(found.values, last_ns)
            last_ns = last_ns if own_ns is None else own_ns
            message = RecordedMessage(
                found.end_bytes,
                found.place,
                found.protocol,
                found.kind,
                found.kind,
                found.values,
                last_ns,
                frame=found.data,
                cards=_cards(found.kind, found.values),
            )
            is_dated = own_ns is not None or self._arrivals is not None
            yield events.step(message, None if is_dated else NO_TIME)

    def _start_ns(self) -> int:
        """The first time of the log, or `--epoch`; raises RecordingError without either."""
        if self._arrivals is not None:
            return self._arrivals.first_ns
        is_empty = True
        for found in self._messages():
            is_empty = is_empty and found.values is None
            at_ns = None if found.values is None else full_ns(found.values)
            if at_ns is not None:
                return at_ns
        if self._epoch_ns is None and not is_empty:
            raise undated_error(self._path, HINT)
        return self._epoch_ns or 0

    def _messages(self) -> Iterator[ReceiverMessage]:
        library: Any = import_optional("pyubx2", "recordings")
        with self._path.open("rb") as file:
            reader = library.UBXReader(file, protfilter=ALL_PROTOCOLS, quitonerror=RAISE)
            begin = 0
            while True:
                reason = SKIPPED
                try:
                    data, message = reader.read()
                except Exception as error:  # Each of the three libraries has errors of its own.
                    data, message = b"", None
                    reason = " ".join(str(error).split()) or type(error).__name__
                end = file.tell()
                skipped = end - begin - len(data or b"")
                if skipped:
                    yield _between(file.name, begin, skipped, reason)
                if data is None and end == self._path.stat().st_size:
                    return
                begin = end
                if message is not None:
                    protocol = type(message).__name__.removesuffix("Message")
                    values = {k: v for k, v in vars(message).items() if not k.startswith("_")}
                    kind = str(message.identity)
                    yield ReceiverMessage(end, data, protocol, kind, values)


def _between(path: str, begin: int, size: int, reason: str) -> ReceiverMessage:
    """Bytes without a message; what they are is read again, as the library does not keep them."""
    with open(path, "rb") as file:
        file.seek(begin)
        head = file.read(min(size, 4096))
    is_text = head.isascii() and all(byte >= 32 or byte in b"\r\n\t" for byte in head)
    reason = TEXT if is_text and reason == SKIPPED else f"{size:,} bytes skipped: {reason}"
    return ReceiverMessage(begin + size, head, "", "", None, reason)


def _skipped(found: ReceiverMessage) -> Step:
    if found.reason == TEXT:
        return Step(found.end_bytes, found.place, note=TEXT)
    return Step(found.end_bytes, found.place, problem=found.reason)


def _cards(kind: str, values: Mapping[str, Any]) -> Iterator[ViewCard]:
    """The fix of a receiver."""
    if kind == "NAV-PVT" and values.get("fixType", 0) >= FIX_2D:
        yield ViewCard(
            POSITION,
            {
                "latitude": values["lat"],
                "longitude": values["lon"],
                "altitude": values["hMSL"] / 1000,
                "speed": values["gSpeed"] / 1000,
                "satellites": values["numSV"],
            },
        )
