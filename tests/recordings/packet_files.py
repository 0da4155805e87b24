"""Space packets and XTCE files that tests make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

CONTINUATION, FIRST, LAST, WHOLE = range(4)
APID = 42
HEADER_FIELDS = {
    "VERSION": 3,
    "TYPE": 1,
    "SEC_HDR_FLG": 1,
    "PKT_APID": 11,
    "SEQ_FLGS": 2,
    "SRC_SEQ_CTR": 14,
    "PKT_LEN": 16,
}


def packet(
    apid: int, sequence: int, body: bytes, *, secondary: bool = False, flags: int = WHOLE
) -> bytes:
    """One telemetry packet."""
    head = (secondary << 11 | apid, flags << 14 | sequence, len(body) - 1)
    return b"".join(word.to_bytes(2) for word in head) + body


def housekeeping(seconds: int) -> bytes:
    """How the body of a packet begins that `xtce_file` describes."""
    return seconds.to_bytes(4)


def xtce_file(
    folder: Path, fields: Sequence[tuple[str, str]] = (), types: str = "", apid: int = APID
) -> Path:
    """A definition of one APID: SECS in 32 bits, then fields, each of type U16 or one given."""
    integers = "".join(
        f'<IntegerParameterType name="U{bits}" signed="false">'
        f'<IntegerDataEncoding sizeInBits="{bits}" encoding="unsigned"/></IntegerParameterType>'
        for bits in sorted({16, 32, *HEADER_FIELDS.values()})
    )
    header = [(name, f"U{bits}") for name, bits in HEADER_FIELDS.items()]
    body = [("SECS", "U32"), *fields]
    parameters = "".join(
        f'<Parameter name="{name}" parameterTypeRef="{kind}"/>' for name, kind in (*header, *body)
    )
    path = folder / "definition.xml"
    path.write_text(
        '<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="Test">'
        f"<TelemetryMetaData><ParameterTypeSet>{integers}{types}</ParameterTypeSet>"
        f"<ParameterSet>{parameters}</ParameterSet><ContainerSet>"
        f'<SequenceContainer name="CCSDSPacket" abstract="true">{_entries(header)}'
        '</SequenceContainer><SequenceContainer name="HK">'
        '<BaseContainer containerRef="CCSDSPacket"><RestrictionCriteria>'
        f'<Comparison parameterRef="PKT_APID" value="{apid}" useCalibratedValue="false"/>'
        f"</RestrictionCriteria></BaseContainer>{_entries(body)}</SequenceContainer>"
        "</ContainerSet></TelemetryMetaData></SpaceSystem>"
    )
    return path


def _entries(fields: Sequence[tuple[str, str]]) -> str:
    entries = "".join(f'<ParameterRefEntry parameterRef="{name}"/>' for name, _ in fields)
    return f"<EntryList>{entries}</EntryList>"
