"""Space packets that tests make, with the XTCE definitions that decode them."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from nova.recordings import cds
from nova.sdk import timestamps

START_NS = timestamps.parse("2026-03-01T12:00:00.25Z")
ORBIT_APID = 11
ORBIT_PACKET_BYTES = 54
ORBIT_FIRST_COUNT = 100
COUNTER_APID = 20
COUNTER_FIRST_S = 1_000
COUNTER_PACKET_BYTES = 12
_RADIUS_M, _SPEED_M_S = 7_200_000.0, 7_400.0
_TURN_S = 6_000

_AXES = [f"ADGPS{what}{axis}" for what in ("POS", "VEL") for axis in "XYZ"]
_PARTS = [f"ADCFAQ{number}" for number in range(1, 5)]
ORBIT_FIELDS = ("DAY", "MS", "US", *_AXES, *_PARTS)


def packet(apid: int, count: int, data: bytes, *, secondary: bool) -> bytes:
    """One unsegmented space packet of telemetry."""
    identification = apid | secondary << 11
    return struct.pack(">HHH", identification, 0xC000 | count % 0x4000, len(data) - 1) + data


def orbit_packets(count: int) -> bytes:
    """A satellite's place, speed and attitude each second, with the packets' own CDS time."""
    return b"".join(_orbit_packet(number) for number in range(count))


def _orbit_packet(number: int) -> bytes:
    turn = 2 * math.pi * number / _TURN_S
    x, y = math.cos(turn), math.sin(turn)
    place = (_RADIUS_M * x, _RADIUS_M * y, 0.0)
    speed = (-_SPEED_M_S * y, _SPEED_M_S * x, 0.0)
    attitude = (0.0, 0.0, math.sin(turn / 2), math.cos(turn / 2))
    data = cds.encode(START_NS + number * 10**9) + struct.pack(">10f", *place, *speed, *attitude)
    return packet(ORBIT_APID, ORBIT_FIRST_COUNT + number, data, secondary=True)


def counter_packets(count: int) -> bytes:
    """Packets of two APIDs that count seconds since an epoch of their own: they say no date."""
    return b"".join(_counter_packet(number) for number in range(count))


def _counter_packet(number: int) -> bytes:
    data = struct.pack(">IH", COUNTER_FIRST_S + number, number)
    return packet(COUNTER_APID + number % 2, number, data, secondary=False)


def orbit_xtce() -> str:
    """The definition of `orbit_packets`."""
    types = {"DAY": "U16", "MS": "U32", "US": "U16"}
    body = {name: types.get(name, "F32") for name in ORBIT_FIELDS}
    return _xtce("CCSDSPacket", {ORBIT_APID: ("ORBIT", body)})


def counter_xtce() -> str:
    """The definition of `counter_packets`; its root container is called `Telemetry`."""
    return _xtce(
        "Telemetry",
        {
            COUNTER_APID: ("EVEN", {"SHCOARSE": "U32", "EVEN_COUNT": "U16"}),
            COUNTER_APID + 1: ("ODD", {"SHCOARSE": "U32", "ODD_COUNT": "U16"}),
        },
    )


_HEADER = {
    "VERSION": "U3",
    "TYPE": "U1",
    "SEC_HDR_FLG": "U1",
    "PKT_APID": "U11",
    "SEQ_FLGS": "U2",
    "SRC_SEQ_CTR": "U14",
    "PKT_LEN": "U16",
}


def _xtce(root: str, packets: Mapping[int, tuple[str, Mapping[str, str]]]) -> str:
    """A definition with one container for each APID, all of them heirs of `root`."""
    fields = dict(_HEADER)
    for _, body in packets.values():
        fields |= body
    types = "".join(_type(name) for name in sorted(set(fields.values())))
    parameters = "".join(
        f'<Parameter name="{name}" parameterTypeRef="{of}"/>' for name, of in fields.items()
    )
    heirs = "".join(_heir(root, apid, name, body) for apid, (name, body) in packets.items())
    return (
        '<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="Made">'
        f"<TelemetryMetaData><ParameterTypeSet>{types}</ParameterTypeSet>"
        f"<ParameterSet>{parameters}</ParameterSet>"
        f'<ContainerSet><SequenceContainer name="{root}" abstract="true">{_entries(_HEADER)}'
        f"</SequenceContainer>{heirs}</ContainerSet></TelemetryMetaData></SpaceSystem>"
    )


def _type(name: str) -> str:
    bits = name[1:]
    if name.startswith("F"):
        encoding = f'<FloatDataEncoding sizeInBits="{bits}" encoding="IEEE754"/>'
        return f'<FloatParameterType name="{name}">{encoding}</FloatParameterType>'
    encoding = f'<IntegerDataEncoding sizeInBits="{bits}" encoding="unsigned"/>'
    return f'<IntegerParameterType name="{name}" signed="false">{encoding}</IntegerParameterType>'


def _heir(root: str, apid: int, name: str, body: Mapping[str, str]) -> str:
    comparison = f'<Comparison parameterRef="PKT_APID" value="{apid}" useCalibratedValue="false"/>'
    return (
        f'<SequenceContainer name="{name}"><BaseContainer containerRef="{root}">'
        f"<RestrictionCriteria><ComparisonList>{comparison}</ComparisonList></RestrictionCriteria>"
        f"</BaseContainer>{_entries(body)}</SequenceContainer>"
    )


def _entries(names: Mapping[str, str]) -> str:
    entries = "".join(f'<ParameterRefEntry parameterRef="{name}"/>' for name in names)
    return f"<EntryList>{entries}</EntryList>"
