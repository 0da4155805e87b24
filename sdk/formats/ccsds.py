"""CCSDS recordings: a raw event per space packet, a parsed one where an XTCE file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sdk import address as addresses
from sdk.errors import EnvelopeError, TimestampError
from sdk.event import Event
from sdk.formats import cards, cds, counter
from sdk.formats.packet_scan import packets
from sdk.formats.packets import HEADER_SIZE_BYTES, Damage, Packet
from sdk.formats.recording import RecordingError, Step, no_time, step
from sdk.formats.xtce import Decoded, Definition
from sdk.observation import Entity, Observer
from sdk.updates import Views

SYSTEM_ID = "ccsds"
CONTAINER_ID = "apid"
NOT_DECODED = "raw only: the XTCE file does not describe the packet"
NOT_CDS = "the secondary header holds no CDS time, the packet takes the last known time"
_FIELD = "field:"


@dataclass(frozen=True, slots=True)
class TimeSource:
    """Where a packet's time stands: `cds` secondary headers, or the counter in a decoded field."""

    field: str | None = None
    unit: str = "s"
    epoch_ns: int | None = None

    @classmethod
    def of_option(cls, text: str, unit: str, epoch_ns: int | None) -> TimeSource:
        """From the options `--time cds|field:NAME`, `--time-unit` and `--epoch`."""
        if text == "cds":
            return cls(None, unit, epoch_ns)
        field = text.removeprefix(_FIELD)
        if not text.startswith(_FIELD) or not field:
            raise RecordingError(f"--time {text!r} is neither cds nor field:NAME")
        if epoch_ns is None:
            raise RecordingError(f"--time {text} counts from somewhere: give --epoch, an ISO time")
        if unit not in counter.UNITS_NS:
            raise RecordingError(f"--time-unit {unit!r} is not one of s, ms, us, ns")
        return cls(field, unit, epoch_ns)

    def of(self, packet: Packet, decoded: Decoded | None) -> int | None:
        """The time of a packet; None where it has none."""
        if self.field is None:
            if not packet.has_secondary_header:
                return None
            return cds.decode(packet.data[HEADER_SIZE_BYTES:])
        if decoded is None or self.epoch_ns is None:
            return None
        return counter.to_ns(decoded.fields.get(self.field), self.unit, self.epoch_ns)


class _Read(NamedTuple):
    packet: Packet
    decoded: Decoded | None
    time_ns: int | None


class CcsdsReader:
    """Reads a file of packets."""

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        definition: Definition | None = None,
        time: TimeSource | None = None,
        system_id: str = SYSTEM_ID,
        views: Views | None = None,
    ) -> None:
        self._path = path
        self._views = views
        self._observer = observer
        self._definition = definition
        self._time = time or TimeSource()
        self._system_id = system_id
        if self._time.field is not None:
            if definition is None:
                raise RecordingError(
                    "--time field:NAME needs --xtce, which says where the field is"
                )
            definition.require(self._time.field)

    def steps(self) -> Iterator[Step]:
        """A step per packet, and one per stretch of bytes that hold none."""
        last_ns = self._first_time()
        for read in self._read():
            if isinstance(read, Damage):
                yield _skipped(read)
                continue
            last_ns = read.time_ns if read.time_ns is not None else last_ns
            assert last_ns is not None
            told = self._step(read, last_ns)
            yield told
            for note in read.decoded.notes if read.decoded is not None else ():
                yield Step(told.offset_bytes, told.place, note=note)

    def _first_time(self) -> int | None:
        """The first known time, which packets before it take; None for a file without packets."""
        empty = True
        for read in self._read():
            if isinstance(read, Damage):
                continue
            empty = False
            if read.time_ns is not None:
                return read.time_ns
        if empty or self._time.epoch_ns is not None:
            return self._time.epoch_ns
        raise no_time(
            self._path,
            "its packets have no CDS secondary header; give --xtce FILE --time field:NAME --epoch "
            "TIME for a counter, or --epoch TIME alone for the time of all",
        )

    def _read(self) -> Iterator[_Read | Damage]:
        with self._path.open("rb") as file:
            for packet in packets(file):
                if isinstance(packet, Damage):
                    yield packet
                    continue
                decoded = self._definition.decode(packet.data) if self._definition else None
                yield _Read(packet, decoded, self._time_of(packet, decoded))

    def _time_of(self, packet: Packet, decoded: Decoded | None) -> int | None:
        return self._time.of(packet, decoded)

    def _step(self, read: _Read, at_ns: int) -> Step:
        packet = read.packet
        place = f"byte {packet.offset_bytes}"
        try:
            return step(packet.end_bytes, place, self._events(read, at_ns), self._note(read))
        except (EnvelopeError, TimestampError) as error:
            return Step(packet.end_bytes, place, problem=f"APID {packet.apid}: {error}")

    def _events(self, read: _Read, at_ns: int) -> Iterator[Event]:
        apid = read.packet.apid
        entity = Entity(self._system_id, CONTAINER_ID, str(apid))
        observation = self._observer.observe(entity, at_ns)
        yield observation.raw(read.packet.data, sequence=read.packet.sequence)
        if read.decoded is not None:
            yield observation.parsed(message_type(read.decoded, apid), read.decoded.fields)
            told = cards.of_packet(read.decoded.fields)
            yield from cards.tell(self._views, observation, told)

    def _note(self, read: _Read) -> str | None:
        if self._definition is not None and read.decoded is None:
            return NOT_DECODED
        if self._time.field is None and read.time_ns is None and read.packet.has_secondary_header:
            return NOT_CDS
        return None


def _skipped(damage: Damage) -> Step:
    """What is said of bytes that hold no packet."""
    zeros = "" if damage.data.strip(b"\0") else ", the last of them zeros"
    problem = f"{damage.size_bytes:,} bytes skipped: {damage.reason}{zeros}"
    return Step(damage.end_bytes, f"byte {damage.offset_bytes}", problem=problem)


def message_type(decoded: Decoded, apid: int) -> str:
    """What decoded packets are called: their XTCE container, where that is a name."""
    name = decoded.container
    return name if addresses.is_name(name) else f"APID{apid}"
