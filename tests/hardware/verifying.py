"""Telemetry of APID 42 that verifies telecommands: its XTCE definition, and packets of it."""

from __future__ import annotations

HEADER = {
    "VERSION": 3,
    "TYPE": 1,
    "SEC_HDR_FLG": 1,
    "PKT_APID": 11,
    "SEQ_FLGS": 2,
    "SRC_SEQ_CTR": 14,
    "PKT_LEN": 16,
}
BODY = {"SERVICE": 8, "SUBTYPE": 8, "ECHO": 16}
"""The members of both by their bits; ECHO repeats the sequence count of what is verified."""


def definition() -> str:
    """The XTCE file."""
    members = HEADER | BODY
    types = "".join(
        f'<xtce:IntegerParameterType name="U{bits}" signed="false"><xtce:IntegerDataEncoding '
        f'sizeInBits="{bits}" encoding="unsigned"/></xtce:IntegerParameterType>'
        for bits in sorted(set(members.values()))
    )
    parameters = "".join(
        f'<xtce:Parameter name="{name}" parameterTypeRef="U{bits}"/>'
        for name, bits in members.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><xtce:SpaceSystem '
        'xmlns:xtce="http://www.omg.org/spec/XTCE/20180204" name="Verification">'
        f"<xtce:TelemetryMetaData><xtce:ParameterTypeSet>{types}</xtce:ParameterTypeSet>"
        f"<xtce:ParameterSet>{parameters}</xtce:ParameterSet><xtce:ContainerSet>"
        f'<xtce:SequenceContainer name="CCSDSPacket" abstract="true">{_entries(HEADER)}'
        '</xtce:SequenceContainer><xtce:SequenceContainer name="Verification">'
        '<xtce:BaseContainer containerRef="CCSDSPacket"><xtce:RestrictionCriteria>'
        '<xtce:Comparison parameterRef="PKT_APID" value="42"/></xtce:RestrictionCriteria>'
        f"</xtce:BaseContainer>{_entries(BODY)}</xtce:SequenceContainer>"
        "</xtce:ContainerSet></xtce:TelemetryMetaData></xtce:SpaceSystem>"
    )


def _entries(names: dict[str, int]) -> str:
    references = "".join(f'<xtce:ParameterRefEntry parameterRef="{name}"/>' for name in names)
    return f"<xtce:EntryList>{references}</xtce:EntryList>"


def report(subtype: int, echo: int, service: int = 1) -> bytes:
    """A packet that says what has become of the telecommand of a count."""
    body = bytes([service, subtype]) + echo.to_bytes(2)
    return bytes.fromhex("002ac000") + (len(body) - 1).to_bytes(2) + body
