"""Made telemetry of a TCP device: space packets of four kinds with 20 parameters each, and the XTCE
file that describes them.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import NamedTuple

FIRST_APID = 100
KINDS = 4
PARAMETERS = 20
TEXT_BYTES = 8
STATES = ("OFF", "STANDBY", "SAFE", "NOMINAL")
COUNT_BITS = 14
ROOT = "CCSDSPacket"
_HEADER = {
    "VERSION": 3,
    "TYPE": 1,
    "SEC_HDR_FLG": 1,
    "PKT_APID": 11,
    "SEQ_FLGS": 2,
    "SRC_SEQ_CTR": COUNT_BITS,
    "PKT_LEN": 16,
}
_BODY = ("U32", "U8", "U16", "I16", "I8", "I32", "U64", "F32", "F32", "F64", "U4", "U12")
_MORE = ("STATE", "STATE2", "FLAG", "SPARE", "VOLT", "TEMP", "LIGHT", "TEXT")
_INTEGERS = {"U3": 3, "U1": 1, "U11": 11, "U2": 2, "U14": 14, "U5": 5}


class TelemetryPacket(NamedTuple):
    """A packet, and the number in its first parameter."""

    number: int
    data: bytes


def parameter(kind: int, place: int) -> str:
    """The name of a parameter of one kind of packets."""
    return f"K{kind}_P{place:02d}"


def packets(count: int, *, first: int = 0, seed: int = 1) -> list[TelemetryPacket]:
    """Packets of all kinds in turns, with random contents."""
    drawn = random.Random(seed)
    return [
        TelemetryPacket(number, _packet(number, drawn)) for number in range(first, first + count)
    ]


def _packet(number: int, drawn: random.Random) -> bytes:
    states = drawn.randrange(4) << 6 | drawn.randrange(4) << 4 | drawn.randrange(2) << 3
    body = struct.pack(
        ">IBHhbiQffdHBHH",
        number,
        drawn.randrange(256),
        drawn.randrange(65_536),
        drawn.randrange(-32_768, 32_768),
        drawn.randrange(-128, 128),
        drawn.randrange(-(2**31), 2**31),
        drawn.randrange(2**50),
        drawn.uniform(-100, 100),
        drawn.gauss(20, 5),
        drawn.gauss(0, 1e5),
        drawn.randrange(65_536),
        states,
        drawn.randrange(4096),
        drawn.randrange(4096),
    )
    body += struct.pack(">H", drawn.randrange(1024)) + f"UNIT{number % 1000:04d}".encode()
    kind = number % KINDS
    sequence = 0xC000 | number // KINDS % (1 << COUNT_BITS)
    return struct.pack(">HHH", FIRST_APID + kind, sequence, len(body) - 1) + body


def write_xtce(path: Path) -> Path:
    """The definition of `packets`."""
    fields = {name: f"U{bits}" for name, bits in _HEADER.items()}
    bodies = [
        {parameter(kind, place): name for place, name in enumerate((*_BODY, *_MORE))}
        for kind in range(KINDS)
    ]
    parameters = "".join(
        f'<Parameter name="{name}" parameterTypeRef="{of}"/>'
        for group in (fields, *bodies)
        for name, of in group.items()
    )
    heirs = "".join(_container(kind, body) for kind, body in enumerate(bodies))
    path.write_text(
        '<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="Bench">'
        f"<TelemetryMetaData><ParameterTypeSet>{_types()}</ParameterTypeSet>"
        f"<ParameterSet>{parameters}</ParameterSet><ContainerSet>"
        f'<SequenceContainer name="{ROOT}" abstract="true">{_entries(fields)}</SequenceContainer>'
        f"{heirs}</ContainerSet></TelemetryMetaData></SpaceSystem>"
    )
    return path


def _container(kind: int, body: dict[str, str]) -> str:
    restriction = (
        f'<Comparison parameterRef="PKT_APID" value="{FIRST_APID + kind}" '
        'useCalibratedValue="false"/>'
    )
    return (
        f'<SequenceContainer name="KIND{kind}"><BaseContainer containerRef="{ROOT}">'
        f"<RestrictionCriteria>{restriction}</RestrictionCriteria></BaseContainer>"
        f"{_entries(body)}</SequenceContainer>"
    )


def _entries(names: dict[str, str]) -> str:
    entries = "".join(f'<ParameterRefEntry parameterRef="{name}"/>' for name in names)
    return f"<EntryList>{entries}</EntryList>"


def _types() -> str:
    integers = _INTEGERS | {"U4": 4, "U12": 12, "U8": 8, "U16": 16, "U32": 32, "U64": 64}
    found = [_integer(name, "unsigned", bits) for name, bits in integers.items()]
    found += [_integer(f"I{bits}", "twosComplement", bits) for bits in (8, 16, 32)]
    found += [
        f'<FloatParameterType name="F{bits}"><FloatDataEncoding sizeInBits="{bits}" '
        'encoding="IEEE754"/></FloatParameterType>'
        for bits in (32, 64)
    ]
    labels = "".join(
        f'<Enumeration value="{value}" label="{label}"/>' for value, label in enumerate(STATES)
    )
    for name in ("STATE", "STATE2"):
        found.append(
            f'<EnumeratedParameterType name="{name}"><IntegerDataEncoding sizeInBits="2"/>'
            f"<EnumerationList>{labels}</EnumerationList></EnumeratedParameterType>"
        )
    found += [
        '<BooleanParameterType name="FLAG"><IntegerDataEncoding sizeInBits="1"/>'
        "</BooleanParameterType>",
        _integer("SPARE", "unsigned", 3),
        _calibrated("VOLT", 16, _polynomial(0.25, 0.0125)),
        _calibrated("TEMP", 16, _polynomial(-50.0, 0.05, 1e-6)),
        _calibrated("LIGHT", 16, _SPLINE),
        '<StringParameterType name="TEXT"><StringDataEncoding encoding="UTF-8"><SizeInBits><Fixed>'
        f"<FixedValue>{TEXT_BYTES * 8}</FixedValue></Fixed></SizeInBits></StringDataEncoding>"
        "</StringParameterType>",
    ]
    return "".join(found)


def _integer(name: str, encoding: str, bits: int) -> str:
    coded = f'<IntegerDataEncoding sizeInBits="{bits}" encoding="{encoding}"/>'
    return f'<IntegerParameterType name="{name}">{coded}</IntegerParameterType>'


def _calibrated(name: str, bits: int, calibrator: str) -> str:
    return (
        f'<FloatParameterType name="{name}"><IntegerDataEncoding sizeInBits="{bits}" '
        f'encoding="unsigned"><DefaultCalibrator>{calibrator}</DefaultCalibrator>'
        "</IntegerDataEncoding></FloatParameterType>"
    )


def _polynomial(*coefficients: float) -> str:
    terms = "".join(
        f'<Term exponent="{exponent}" coefficient="{value}"/>'
        for exponent, value in enumerate(coefficients)
    )
    return f"<PolynomialCalibrator>{terms}</PolynomialCalibrator>"


_SPLINE = (
    '<SplineCalibrator order="1" extrapolate="true">'
    + "".join(f'<SplinePoint raw="{raw}" calibrated="{raw**0.5}"/>' for raw in (0, 64, 256, 1024))
    + "</SplineCalibrator>"
)
