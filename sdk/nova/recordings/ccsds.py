"""CCSDS recordings: a raw event per space packet, and a parsed one if an XTCE file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from nova.recordings import view_cards
from nova.recordings.arrivals import Arrivals
from nova.recordings.cds_evidence import CdsEvidence
from nova.recordings.frame_format import FrameFormat
from nova.recordings.frame_layout import FRAME_LAYOUT, PacketLayouts
from nova.recordings.frame_packets import framed_packets
from nova.recordings.packet_dating import DatedPacket, PacketDating
from nova.recordings.packet_file import scan_packets
from nova.recordings.packet_reading import IDLE, INCOMPLETE, PacketContent, PacketDecoder
from nova.recordings.packet_time import CHOICES, TimeSource
from nova.recordings.packets import Packet, PacketDamage
from nova.recordings.recording import Step, undated_error
from nova.recordings.segments import SegmentGroup
from nova.recordings.time_code import CDS
from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_decoders import DecodedPacket
from nova.sdk import address as addresses
from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.observation import Entity, Observation, Observer, record_of
from nova.sdk.events.record_builder import RecordBuilder
from nova.sdk.producer.view_updates import ViewUpdates
from nova.sdk.transport.base import Record

SYSTEM_ID = "ccsds"
CONTAINER_ID = "apid"
NEIGHBOURS_TIME = "the packet has no time of its own: it gets the last known time, or the first"
EPOCHS_TIME = "no packet has a known time: all get the time of --epoch"

EPOCH_UNUSED = "the packets have CDS times of their own: --epoch is not used"


class CcsdsReader:
    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        definition: XtceDefinition | None = None,
        time: TimeSource | None = None,
        system_id: str = SYSTEM_ID,
        views: ViewUpdates | None = None,
        frames: FrameFormat | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._path = path
        self._arrivals = arrivals
        self._has_times = False
        self._frames = frames
        self._views = views
        self._observer = observer
        self._builder = RecordBuilder()
        self._definition = definition
        self._layouts = None if definition is None else PacketLayouts(definition)
        self._time = (time or TimeSource()).resolve_fields(definition)
        self._system_id = system_id

    def steps(self) -> Iterator[Step]:
        """A step per packet, and one per stretch of bytes without packets."""
        time, first_ns = self._find_time_source()
        without_time = NEIGHBOURS_TIME if time.is_given else EPOCHS_TIME
        if time.epoch_ns != self._time.epoch_ns:
            yield Step(0, "the begin", note=EPOCH_UNUSED)
        for found in self._in_order(PacketDecoder(self._definition, time), first_ns):
            if isinstance(found, Step):
                yield found
                continue
            content, at_ns = found
            assert at_ns is not None
            yield self._step(content, at_ns)
            yield from _note_steps(content, without_time)

    def _in_order(
        self, reading: PacketDecoder, first_ns: int | None
    ) -> Iterator[DatedPacket | Step]:
        """Packets with their times, and the steps between them."""
        held: PacketDating[Step] = PacketDating(first_ns)
        end_bytes = 0
        for found in self._packets():
            end_bytes = found.end_bytes
            if isinstance(found, PacketDamage):
                held.add(_damage_step(found))
            else:
                held.add(self._dated(reading.read(found)))
            for group in reading.incomplete():
                held.add(_incomplete_step(group, end_bytes))
            yield from held.ready()
        for group in reading.incomplete(is_end=True):
            held.add(_incomplete_step(group, end_bytes))
        yield from held.ready(is_end=True)

    def _dated(self, content: PacketContent) -> PacketContent:
        """A packet, with the time of its capture where packets have no time of their own."""
        if self._arrivals is None or self._has_times:
            return content
        at_ns = self._arrivals.time_ns(content.packet.end_bytes)
        return content._replace(time_ns=at_ns, message_ns=at_ns)

    def _find_time_source(self) -> tuple[TimeSource, int | None]:
        """The time source, and the first known time, which earlier packets get; None for a file
        without packets.
        """
        time = self._time
        evidence = CdsEvidence(timestamps.now())
        if not time.is_given:
            for found in self._packets():
                if isinstance(found, Packet):
                    evidence.add(found)
            sources = evidence.sources()
            if sources:  # --epoch does not apply to the day counts of a file that dates itself.
                time = replace(time, code=CDS, sources=sources, epoch_ns=None)
        reading = PacketDecoder(self._definition, time)
        packets = headers = 0
        for found in self._packets():
            if isinstance(found, Packet):
                packets += 1
                headers += found.has_secondary_header and not found.is_idle
                content = reading.read(found)
                if content.time_ns is not None:
                    self._has_times = True
                    return time, content.time_ns
        if not packets or self._time.epoch_ns is not None:
            self._has_times = True
            return time, self._time.epoch_ns
        if self._time.is_given:
            raise undated_error(self._path, _misfit(self._time, packets, headers))
        if self._arrivals is not None:
            return time, self._arrivals.first_ns
        raise undated_error(
            self._path,
            f"{evidence.summary()}; give --time {CHOICES}, or --epoch TIME alone for all packets",
        )

    def _packets(self) -> Iterator[Packet | PacketDamage]:
        with self._path.open("rb") as file:
            if self._frames is None:
                yield from scan_packets(file)
            else:
                yield from framed_packets(file, self._frames)

    def _step(self, content: PacketContent, at_ns: int) -> Step:
        packet = content.packet
        place = f"byte {packet.offset_bytes}"
        try:
            records = tuple(self._records(content, at_ns))
            return Step(packet.end_bytes, place, records, at_ns)
        except (EnvelopeError, TimestampError) as error:
            return Step(packet.end_bytes, place, problem=f"APID {packet.apid}: {error}")

    def _records(self, content: PacketContent, at_ns: int) -> Iterator[Record]:
        apid, packet = content.packet.apid, content.packet
        observation = self._observe(apid, at_ns)
        yield self._builder.raw(observation, packet.data, None, packet.sequence)
        if content.decoded is not None:
            if content.message_ns is not None:
                observation = self._observe(apid, content.message_ns)
            fields, name = content.decoded.fields, message_type(content.decoded, apid)
            assert self._layouts is not None
            layout = self._layouts.first(apid, name, content.decoded)
            if layout is not None:
                yield record_of(observation.metadata(FRAME_LAYOUT, layout))
            yield self._builder.parsed(observation, name, fields)
            updates = view_cards.packet_cards(fields)
            yield from map(record_of, view_cards.view_updates(self._views, observation, updates))

    def _observe(self, apid: int, at_ns: int) -> Observation:
        return self._observer.observe(Entity(self._system_id, CONTAINER_ID, str(apid)), at_ns)


def _note_steps(content: PacketContent, without_time: str) -> Iterator[Step]:
    """The notes on a packet, each a step without events."""
    is_dated = content.time_ns is not None or IDLE in content.notes
    for note in content.notes if is_dated else (*content.notes, without_time):
        yield Step(content.packet.end_bytes, f"byte {content.packet.offset_bytes}", note=note)


def _incomplete_step(group: SegmentGroup, end_bytes: int) -> Step:
    return Step(end_bytes, f"byte {group.packets[0].offset_bytes}", note=INCOMPLETE)


def _damage_step(damage: PacketDamage) -> Step:
    """The step of bytes that hold no packet."""
    zeros = "" if damage.data.strip(b"\0") else ", the last of them zeros"
    problem = f"{damage.size_bytes:,} bytes skipped: {damage.reason}{zeros}"
    return Step(damage.end_bytes, f"byte {damage.offset_bytes}", problem=problem)


def _misfit(time: TimeSource, packets: int, headers: int) -> str:
    """Why a time code that was given dates no packet, and what to give instead."""
    return (
        f"--time {time.text} fits none of {packets:,} packets, of which {headers:,} have a "
        "secondary header: check the code, its widths and the bytes before it. "
        f"--time is {CHOICES}; --epoch TIME alone dates all packets alike"
    )


def message_type(decoded: DecodedPacket, apid: int) -> str:
    """The messageType of a decoded packet: its XTCE container if that is a valid name."""
    return decoded.container if _is_name(decoded.container) else f"APID{apid}"


@cache
def _is_name(container: str) -> bool:
    """Whether a container's name is a messageType; a definition has a limited number of them."""
    return addresses.is_name(container)
