"""Where packets carry their time: a code in the secondary header, or decoded counter fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nova.recordings import counter
from nova.recordings.packets import HEADER_SIZE_BYTES, Packet
from nova.recordings.recording import RecordingError
from nova.recordings.time_code import TimeCode, parse_time_code
from nova.recordings.time_scale import SCALES, to_utc
from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_decoders import DecodedPacket
from nova.sdk import timestamps

CHOICES = (
    "cds or cds:DAYS+SUB (days since 1958 or --epoch), cuc:COARSE+FINE (seconds since --epoch, "
    "widths in bytes), cuc (with its P-field), each with @BYTES for the bytes before it, "
    "field:NAME or field:SECONDS+FRACTION (decoded by --xtce, since --epoch)"
)
_FIELD = "field:"
_FIELDS = re.compile(r"([^+]+)(?:\+([^+]+?)(?::(s|ms|us|ns|\d{1,3}))?)?")
BITS_MAX = 64


@dataclass(frozen=True, slots=True)
class Fraction:
    """The field with the fraction of a second, in a unit or in 1 / 2^bits of a second."""

    field: str
    unit: str | None = None
    bits: int | None = None

    def of_ns(self, value: object) -> int:
        """Nanoseconds; 0 if the field is not a number."""
        if self.unit is not None:
            return counter.to_ns(value, self.unit, 0) or 0
        count = counter.to_ns(value, "s", 0)
        if count is None or self.bits is None:
            return 0
        return (count + (1 << self.bits >> 1)) >> self.bits


@dataclass(frozen=True, slots=True)
class TimeSource:
    """How to read the time of packets; without `field` and `code`, packets have none."""

    field: str | None = None
    unit: str = "s"
    epoch_ns: int | None = None
    fraction: Fraction | None = None
    code: TimeCode | None = None
    scale: str | None = None
    sources: frozenset[int] | None = None
    """Sources (type and APID) whose packets have the code; None for all."""
    text: str | None = None
    """The option that it was parsed from."""

    @classmethod
    def from_options(
        cls, text: str | None, unit: str, epoch_ns: int | None, scale: str | None = None
    ) -> TimeSource:
        """Parse `--time`, `--time-unit`, `--epoch` and `--time-scale`; raises RecordingError."""
        if scale is not None and scale not in SCALES:
            raise RecordingError(f"--time-scale {scale!r} is not one of {', '.join(SCALES)}")
        if text is None:
            return cls(None, unit, epoch_ns, scale=scale)
        code = parse_time_code(text)
        fields = _FIELDS.fullmatch(text.removeprefix(_FIELD)) if text.startswith(_FIELD) else None
        if code is None and fields is None:
            raise RecordingError(f"--time {text!r} is not one of {CHOICES}")
        if epoch_ns is None and (code is None or code.needs_epoch):
            raise RecordingError(f"--time {text} counts from an epoch: give --epoch, an ISO time")
        if code is not None:
            return cls(None, unit, epoch_ns, code=code, scale=scale, text=text)
        assert fields is not None
        if unit not in counter.UNITS_NS:
            raise RecordingError(f"--time-unit {unit!r} is not one of s, ms, us, ns")
        fraction = _fraction(fields[2], fields[3])
        return cls(fields[1], unit, epoch_ns, fraction, scale=scale, text=text)

    @property
    def is_given(self) -> bool:
        """Whether it says where packets have their time."""
        return self.field is not None or self.code is not None

    @property
    def secondary_bytes(self) -> int:
        """The size of the secondary header as far as the time code determines it."""
        return self.code.size_bytes if self.code is not None else 0

    def resolve_fields(self, definition: XtceDefinition | None) -> TimeSource:
        """Resolve the fields; raises RecordingError if the definition lacks them."""
        if self.field is None:
            return self
        if definition is None:
            raise RecordingError("--time field:NAME requires --xtce, which defines the field")
        definition.require_parameter(self.field)
        fraction = self.fraction
        if fraction is None:
            return self
        definition.require_parameter(fraction.field)
        if fraction.unit is None and fraction.bits is None:
            bits = definition.width_bits(fraction.field)
            if bits is None:
                raise RecordingError(
                    f"the width of {fraction.field} is unknown: give its unit or bits, "
                    f"--time field:{self.field}+{fraction.field}:us or :16"
                )
            fraction = replace(fraction, bits=bits)
        return replace(self, fraction=fraction)

    def time_of(self, packet: Packet, decoded: DecodedPacket | None) -> int | None:
        """The time of a packet in UTC (ns since 1970), None if it has none."""
        ns = self._read_ns(packet, decoded)
        return ns if ns is not None and timestamps.NS_MIN <= ns <= timestamps.NS_MAX else None

    def _read_ns(self, packet: Packet, decoded: DecodedPacket | None) -> int | None:
        if self.code is not None:
            return self._read_code_ns(packet, self.code)
        if self.field is None or decoded is None or self.epoch_ns is None:
            return None
        ns = counter.to_ns(decoded.fields.get(self.field), self.unit, self.epoch_ns)
        if ns is None:
            return None
        if self.fraction is not None:
            ns += self.fraction.of_ns(decoded.fields.get(self.fraction.field))
        return to_utc(ns, self.scale or "utc")

    def _read_code_ns(self, packet: Packet, code: TimeCode) -> int | None:
        if not packet.has_secondary_header or packet.is_idle:
            return None
        if self.sources is not None and packet.source not in self.sources:
            return None
        reading = code.read(packet.data[HEADER_SIZE_BYTES:], self.epoch_ns)
        if reading is None:
            return None
        return to_utc(reading.ns, self.scale or reading.scale or "utc")


def _fraction(field: str | None, unit: str | None) -> Fraction | None:
    if field is None:
        return None
    if unit is None or not unit.isdigit():
        return Fraction(field, unit)
    if not 1 <= int(unit) <= BITS_MAX:
        raise RecordingError(f"a fraction of a second has 1 to {BITS_MAX} bits, not {unit}")
    return Fraction(field, None, int(unit))
