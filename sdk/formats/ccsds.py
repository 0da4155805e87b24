"""CCSDS recordings: a raw event per space packet, and a parsed one if an XTCE file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sdk import address as addresses
from sdk import timestamps
from sdk.errors import EnvelopeError, TimestampError
from sdk.event import Event
from sdk.formats import cards
from sdk.formats.cds_evidence import CdsEvidence
from sdk.formats.packet_reading import IDLE, INCOMPLETE, PacketReading, Said
from sdk.formats.packet_scan import packets
from sdk.formats.packet_time import CHOICES, TimeSource
from sdk.formats.packets import Damage, Packet
from sdk.formats.recording import Step, no_time, step
from sdk.formats.segments import Group
from sdk.formats.time_code import CDS
from sdk.formats.xtce import Decoded, Definition
from sdk.observation import Entity, Observation, Observer
from sdk.updates import Views

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
        definition: Definition | None = None,
        time: TimeSource | None = None,
        system_id: str = SYSTEM_ID,
        views: Views | None = None,
    ) -> None:
        self._path = path
        self._views = views
        self._observer = observer
        self._definition = definition
        self._time = (time or TimeSource()).settled(definition)
        self._system_id = system_id

    def steps(self) -> Iterator[Step]:
        """A step per packet, and one per stretch of bytes without packets."""
        time, first_ns = self._looked_through()
        last_ns, end_bytes = first_ns, 0
        has_time = time.field is not None or time.code is not None
        without_time = NEIGHBOURS_TIME if has_time else EPOCHS_TIME
        reading = PacketReading(self._definition, time)
        if time.epoch_ns != self._time.epoch_ns:
            yield Step(0, "the begin", note=EPOCH_UNUSED)
        for found in self._found():
            end_bytes = found.end_bytes
            if isinstance(found, Damage):
                yield _skipped(found)
                continue
            content = reading.read(found)
            last_ns = content.time_ns if content.time_ns is not None else last_ns
            assert last_ns is not None
            yield self._step(content, last_ns)
            yield from _notes(content, without_time)
            yield from (_incomplete(group, end_bytes) for group in reading.incomplete())
        for group in reading.incomplete(is_end=True):
            yield _incomplete(group, end_bytes)

    def _looked_through(self) -> tuple[TimeSource, int | None]:
        """The time source, and the first known time, which earlier packets get; None for a file
        without packets.
        """
        time = self._time
        evidence = CdsEvidence(timestamps.now())
        if time.field is None and time.code is None:
            for found in self._found():
                if isinstance(found, Packet):
                    evidence.add(found)
            sources = evidence.sources()
            if sources:  # --epoch does not apply to the day counts of a file that dates itself.
                time = replace(time, code=CDS, sources=sources, epoch_ns=None)
        reading = PacketReading(self._definition, time)
        is_empty = True
        for found in self._found():
            if isinstance(found, Packet):
                is_empty = False
                content = reading.read(found)
                if content.time_ns is not None:
                    return time, content.time_ns
        if is_empty or self._time.epoch_ns is not None:
            return time, self._time.epoch_ns
        raise no_time(
            self._path,
            f"{evidence.words()}; give --time {CHOICES}, or --epoch TIME alone for the time of all",
        )

    def _found(self) -> Iterator[Packet | Damage]:
        with self._path.open("rb") as file:
            yield from packets(file)

    def _step(self, said: Said, at_ns: int) -> Step:
        packet = said.packet
        place = f"byte {packet.offset_bytes}"
        try:
            return step(packet.end_bytes, place, self._events(said, at_ns))
        except (EnvelopeError, TimestampError) as error:
            return Step(packet.end_bytes, place, problem=f"APID {packet.apid}: {error}")

    def _events(self, said: Said, at_ns: int) -> Iterator[Event]:
        apid = said.packet.apid
        observation = self._observed(apid, at_ns)
        yield observation.raw(said.packet.data, sequence=said.packet.sequence)
        if said.decoded is not None:
            if said.message_ns is not None:
                observation = self._observed(apid, said.message_ns)
            yield observation.parsed(message_type(said.decoded, apid), said.decoded.fields)
            updates = cards.of_packet(said.decoded.fields)
            yield from cards.tell(self._views, observation, updates)

    def _observed(self, apid: int, at_ns: int) -> Observation:
        return self._observer.observe(Entity(self._system_id, CONTAINER_ID, str(apid)), at_ns)


def _notes(said: Said, without_time: str) -> Iterator[Step]:
    """The notes on a packet, each a step without events."""
    is_dated = said.time_ns is not None or IDLE in said.notes
    for note in said.notes if is_dated else (*said.notes, without_time):
        yield Step(said.packet.end_bytes, f"byte {said.packet.offset_bytes}", note=note)


def _incomplete(group: Group, end_bytes: int) -> Step:
    return Step(end_bytes, f"byte {group.packets[0].offset_bytes}", note=INCOMPLETE)


def _skipped(damage: Damage) -> Step:
    """The step of bytes that hold no packet."""
    zeros = "" if damage.data.strip(b"\0") else ", the last of them zeros"
    problem = f"{damage.size_bytes:,} bytes skipped: {damage.reason}{zeros}"
    return Step(damage.end_bytes, f"byte {damage.offset_bytes}", problem=problem)


def message_type(decoded: Decoded, apid: int) -> str:
    """The messageType of a decoded packet: its XTCE container if that is a valid name."""
    name = decoded.container
    return name if addresses.is_name(name) else f"APID{apid}"
