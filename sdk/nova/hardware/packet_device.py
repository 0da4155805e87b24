"""`type = "ccsds"`: space packets over UDP or TCP, decoded with an XTCE file if there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Never

import msgspec

from nova.hardware.confirmation import AwaitedAnswer, check_arguments
from nova.hardware.device import (
    COMMAND_PREFIX,
    Command,
    CommandRefusedError,
    DeviceError,
    Metadata,
    Output,
    Parsed,
    Progress,
    Raw,
    Reading,
    Setup,
    Target,
)
from nova.hardware.device_links import UDP_BUFFER_BYTES, UdpLink, make_link
from nova.hardware.packet_command import PacketCommand, PacketCommandOptions
from nova.hardware.sequence_counts import SequenceCounts
from nova.recordings.ccsds import CONTAINER_ID, message_type
from nova.recordings.frame_layout import FRAME_LAYOUT, PacketLayouts
from nova.recordings.packet_dating import PacketDating
from nova.recordings.packet_reading import PacketContent, PacketDecoder
from nova.recordings.packet_scan import PacketScanner
from nova.recordings.packet_time import TimeSource
from nova.recordings.packets import Packet, PacketDamage
from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_decoders import DecodedPacket
from nova.sdk import timestamps
from nova.sdk.errors import NovaError, SettingsError, TimestampError
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject

DROPPED = "DatagramsDropped"
INCOMPLETE_SEGMENTS = "SegmentsIncomplete"
UNDATED = "PacketsUndated"
WAIT_MAX_S = 1.0
"""How long a packet waits for a time."""
UNDATED_STEP = 1000
"""Of packets that the host dates, the first of each this many is reported."""
COUNTS_FILE = "sequence_counts.json"


class PacketOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The options of this device type."""

    source: str
    system: str = "ccsds"
    entity: str | None = None
    xtce: str | None = None
    root_container: str | None = None
    time: str = "host"
    time_unit: Literal["s", "ms", "us", "ns"] = "s"
    time_scale: Literal["utc", "gps", "tai"] | None = None
    epoch: str | None = None
    commands: dict[str, str | PacketCommandOptions] = {}

    def time_source(self, name: str) -> TimeSource | None:
        """Where packets have their time; None for the host's time."""
        if self.time == "host":
            return None
        epoch_ns = None if self.epoch is None else timestamps.parse(self.epoch)
        source = TimeSource.from_options(self.time, self.time_unit, epoch_ns, self.time_scale)
        if source.field is not None and self.xtce is None:
            raise SettingsError(f"devices.{name}: time = {self.time!r} requires `xtce`")
        return source


class PacketDevice:
    """Reads packets; its commands are packets on the same link, each with its own sequence count,
    optionally confirmed by telemetry.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        wait_max_s: float = WAIT_MAX_S,
        udp_buffer_bytes: int = UDP_BUFFER_BYTES,
    ) -> None:
        options = setup.options_as(PacketOptions)
        self._link = make_link(setup.name, options.source, ("udp", "tcp"), udp_buffer_bytes)
        self.can_wait = self._link.can_wait
        self._entity = setup.entity(options.entity)
        self._system_id = options.system
        try:
            self._definition = (
                XtceDefinition(Path(options.xtce), options.root_container) if options.xtce else None
            )
            time = options.time_source(setup.name)
            time = time.resolve_fields(self._definition) if time is not None else None
            self._commands = {
                name: _command(name, one, self._definition)
                for name, one in options.commands.items()
            }
            self._counts = SequenceCounts(setup.folder / COUNTS_FILE)
        except (NovaError, TimestampError, ValueError) as error:
            raise SettingsError(f"devices.{setup.name}: {error}") from None
        self._layouts = None if self._definition is None else PacketLayouts(self._definition)
        self._answer: AwaitedAnswer[Mapping[str, object]] = AwaitedAnswer()
        self._scanner = PacketScanner(eager=True, is_framed=isinstance(self._link, UdpLink))
        self._reading = PacketDecoder(self._definition, time)
        self._dating = PacketDating[Never](wait_max_s=wait_max_s) if time is not None else None
        self._entities: dict[int, Entity] = {}
        """By APID, of which there are 2,048."""
        self._undated = 0
        self._dropped = 0

    def targets(self) -> Sequence[Target]:
        """One entity, with a command for each configured packet."""
        commands = tuple(COMMAND_PREFIX + name for name in self._commands)
        return [Target(self._entity, ("telemetry:packets", *commands))]

    async def open(self) -> None:
        self._scanner.reset()
        await self._link.open()

    async def read(self) -> Sequence[Reading]:
        """The packets of the next received data; bytes that are no packet become raw events."""
        try:
            async with asyncio.timeout(self._dating.wait_s if self._dating else None) as limit:
                pieces = await self._link.read()
        except TimeoutError:
            if not limit.expired():
                raise
            return self._dated()
        except (DeviceError, OSError):
            left = [*self._readings(b"", is_end=True), *self._dated(is_end=True)]
            if not left:
                raise
            return left  # The next read raises again.
        if isinstance(self._link, UdpLink):
            found = [one for piece in pieces for one in self._readings(piece, is_end=True)]
            return [*found, *self._drop_readings(self._link)]
        return self._readings(b"".join(pieces), is_end=False)

    def _readings(self, data: bytes, *, is_end: bool) -> list[Reading]:
        """Scan data for packets. A datagram holds whole packets; a stream resyncs after damage."""
        readings: list[Reading] = []
        for found in self._scanner.feed(data, is_end=is_end):
            if isinstance(found, PacketDamage):
                readings.append(Reading(self._entity, [Raw(found.data)]))
            else:
                self._read_packet(found, readings)
        if is_end:
            self._scanner.reset()
        return readings

    def _read_packet(self, packet: Packet, readings: list[Reading]) -> None:
        """Read a packet; add the readings of all whose times are known by now."""
        content = self._reading.read(packet)
        if content.decoded is not None:
            self._answer.receive(content.decoded.fields)
        incomplete = self._reading.incomplete()
        if self._dating is None:
            self._add_content(content, None, readings)
        else:
            self._dating.add(content)
            readings += self._dated()
        for group in incomplete:
            first = group.packets[0]
            missing: JsonObject = {
                "apid": first.apid,
                "firstSequence": first.sequence,
                "segments": len(group.packets),
            }
            readings.append(Reading(self._entity, [Metadata(INCOMPLETE_SEGMENTS, missing)]))

    def _dated(self, *, is_end: bool = False) -> list[Reading]:
        """The readings of packets that wait no longer; those with the host's time are counted."""
        readings: list[Reading] = []
        for dated in self._dating.ready(is_end=is_end) if self._dating is not None else ():
            self._add_content(dated.content, dated.at_ns, readings)
            if dated.at_ns is None:
                self._undated += 1
                if self._undated % UNDATED_STEP == 1:
                    counted: JsonObject = {"packets": self._undated, "apid": dated.packet.apid}
                    readings.append(Reading(self._entity, [Metadata(UNDATED, counted)]))
        return readings

    def _add_content(
        self, content: PacketContent, at_ns: int | None, readings: list[Reading]
    ) -> None:
        """Add the same events as a recording of the packet would yield
        (`nova.recordings.ccsds`).
        """
        packet, decoded = content.packet, content.decoded
        apid = packet.apid
        entity = self._entities.get(apid)
        if entity is None:
            entity = self._entities[apid] = Entity(self._system_id, CONTAINER_ID, str(apid))
        raw = Raw(packet.data, None, packet.sequence)
        if decoded is None:
            readings.append(Reading(entity, [raw], at_ns))
            return
        message = self._message(apid, decoded)
        if content.message_ns is None or content.message_ns == at_ns:
            readings.append(Reading(entity, [raw, *message], at_ns))
        else:
            readings.append(Reading(entity, [raw], at_ns))
            readings.append(Reading(entity, message, content.message_ns))

    def _message(self, apid: int, decoded: DecodedPacket) -> list[Output]:
        """What a packet says, before the first of its kind with the places of its fields."""
        name = message_type(decoded, apid)
        assert self._layouts is not None
        layout = self._layouts.first(apid, name, decoded)
        announced = [] if layout is None else [Metadata(FRAME_LAYOUT, layout)]
        return [*announced, Parsed(name, decoded.fields)]

    def _drop_readings(self, link: UdpLink) -> Iterator[Reading]:
        if link.dropped != self._dropped:
            payload: JsonObject = {"dropped": link.dropped - self._dropped, "total": link.dropped}
            self._dropped = link.dropped
            yield Reading(self._entity, [Metadata(DROPPED, payload)])

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Send the packet of a command; its result comes from telemetry, if that is configured."""
        packet_command = self._commands.get(command.command_type)
        if packet_command is None:
            raise CommandRefusedError(f"no packet is configured for {command.command_type!r}")
        check_arguments(command.command_type, command.payload, ())
        count = await asyncio.to_thread(self._counts.reserve, packet_command.apid)
        write = partial(self._link.write, packet_command.numbered(count))
        if not packet_command.is_confirmed:
            await write()
            return None
        judge = partial(packet_command.interpret, count)
        return await self._answer.send_and_wait(write, judge, packet_command.within_s, progress)

    async def close(self) -> None:
        self._answer.fail_pending()
        await self._link.close()


def _command(
    name: str, options: str | PacketCommandOptions, definition: XtceDefinition | None
) -> PacketCommand:
    try:
        return PacketCommand(options, definition)
    except NovaError as error:
        raise SettingsError(f"commands.{name}: {error}") from None
