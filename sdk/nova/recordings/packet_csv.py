"""ccsdspy's CSV definitions of packets (`name,data_type,bit_length` and `bit_offset`), as XTCE."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from nova.recordings.recording import RecordingError

SUFFIX = ".csv"
COLUMNS = ("name", "data_type", "bit_length")
ROOT = "CCSDSPacket"
HEADER_BITS = 48
FIELDS_MAX = 4096
BITS_MAX = 65_542 * 8
_HEADER = {
    "VERSION": 3,
    "TYPE": 1,
    "SEC_HDR_FLG": 1,
    "PKT_APID": 11,
    "SEQ_FLGS": 2,
    "SRC_SEQ_CTR": 14,
    "PKT_LEN": 16,
}
_TYPE = re.compile(r"(uint|int|float|str|fill)(?:\((\d{1,4}(?:\s*,\s*\d{1,4})*)\))?", re.ASCII)
_INTEGER_MAX_BITS = 64
_FLOAT_BITS = (32, 64)


class CsvField(NamedTuple):
    """A field of the packets, behind those before it."""

    name: str
    kind: str
    bits: int


def xtce_of(path: Path, apid: int | None) -> bytes:
    """An XTCE document that describes the packets of one APID as the file does; raises
    RecordingError.
    """
    if apid is None:
        raise RecordingError(f"{path} describes the packets of one APID: give --apid")
    fields = _fields(path)
    rows = [*(CsvField(name, "uint", bits) for name, bits in _HEADER.items()), *fields]
    if len({row.name for row in rows}) < len(rows):
        raise RecordingError(f"{path} has a name twice, or one of the primary header's")
    types = "".join(_type(kind, bits) for kind, bits in sorted({row[1:] for row in rows}))
    parameters = "".join(
        f'<Parameter name={quoteattr(row.name)} parameterTypeRef="{_type_name(*row[1:])}"/>'
        for row in rows
    )
    comparison = f'<Comparison parameterRef="PKT_APID" value="{apid}" useCalibratedValue="false"/>'
    return (
        '<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="ccsdspy">'
        f"<TelemetryMetaData><ParameterTypeSet>{types}</ParameterTypeSet>"
        f"<ParameterSet>{parameters}</ParameterSet><ContainerSet>"
        f'<SequenceContainer name="{ROOT}" abstract="true">{_entries(_HEADER)}</SequenceContainer>'
        f'<SequenceContainer name={quoteattr(path.stem)}><BaseContainer containerRef="{ROOT}">'
        f"<RestrictionCriteria><ComparisonList>{comparison}</ComparisonList></RestrictionCriteria>"
        f"</BaseContainer>{_entries([row.name for row in fields])}</SequenceContainer>"
        "</ContainerSet></TelemetryMetaData></SpaceSystem>"
    ).encode()


def _fields(path: Path) -> list[CsvField]:
    found: list[CsvField] = []
    at = HEADER_BITS
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise RecordingError(f"{path} has no columns {', '.join(COLUMNS)}")
            for number, row in enumerate(rows, 2):
                for one in _row_fields(row, at, f"{path}, line {number}"):
                    found.append(one)
                    at += one.bits
                if len(found) > FIELDS_MAX or at > BITS_MAX:
                    raise RecordingError(f"{path} describes more than a packet can have")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"cannot read {path} as a CSV of fields: {error}") from error
    if not found:
        raise RecordingError(f"{path} describes no field")
    return found


def _row_fields(row: Mapping[str, str | None], at: int, place: str) -> Iterator[CsvField]:
    """The field of a row, those of an array by their numbers; a gap before it is a fill."""
    name, kind = (row.get("name") or "").strip(), (row.get("data_type") or "").strip()
    match = _TYPE.fullmatch(kind)
    if match is None or not name:
        raise RecordingError(
            f"{place}: {kind!r} is not uint, int, float, str, fill, or their array"
        )
    bits = _number(row.get("bit_length"), place)
    offset = at if not row.get("bit_offset") else _number(row.get("bit_offset"), place)
    if offset < at:
        raise RecordingError(f"{place}: {name} begins at bit {offset}, within the field before it")
    if offset > at:
        yield CsvField(f"fill_{at}", "fill", offset - at)
    wrong = match[1] == "float" and bits not in _FLOAT_BITS
    if wrong or (match[1] in ("uint", "int") and bits > _INTEGER_MAX_BITS):
        raise RecordingError(f"{place}: a {match[1]} of {bits} bits is not read")
    if match[2] is None:
        yield CsvField(name, match[1], bits)
        return
    count = min(math.prod(int(one) for one in match[2].split(",")), FIELDS_MAX + 1)
    for number in range(count):
        yield CsvField(f"{name}[{number}]", match[1], bits)


def _number(text: str | None, place: str) -> int:
    if text is None or re.fullmatch(r"\s*\d{1,7}\s*", text, re.ASCII) is None or not int(text):
        raise RecordingError(f"{place}: {text!r} is not a number of bits")
    return int(text)


def _type_name(kind: str, bits: int) -> str:
    return f"{kind}{bits}"


def _type(kind: str, bits: int) -> str:
    name = _type_name(kind, bits)
    fixed = f"<FixedValue>{bits}</FixedValue>"
    if kind == "float":
        encoding = f'<FloatDataEncoding sizeInBits="{bits}" encoding="IEEE754"/>'
        return f'<FloatParameterType name="{name}">{encoding}</FloatParameterType>'
    if kind == "str":
        size = f"<SizeInBits><Fixed>{fixed}</Fixed></SizeInBits>"
        encoding = f'<StringDataEncoding encoding="UTF-8">{size}</StringDataEncoding>'
        return f'<StringParameterType name="{name}">{encoding}</StringParameterType>'
    if kind == "fill":
        encoding = f"<BinaryDataEncoding><SizeInBits>{fixed}</SizeInBits></BinaryDataEncoding>"
        return f'<BinaryParameterType name="{name}">{encoding}</BinaryParameterType>'
    coding = "twosComplement" if kind == "int" else "unsigned"
    encoding = f'<IntegerDataEncoding sizeInBits="{bits}" encoding="{coding}"/>'
    signed = "true" if kind == "int" else "false"
    return (
        f'<IntegerParameterType name="{name}" signed="{signed}">{encoding}</IntegerParameterType>'
    )


def _entries(names: Sequence[str] | Mapping[str, int]) -> str:
    entries = "".join(f"<ParameterRefEntry parameterRef={quoteattr(name)}/>" for name in names)
    return f"<EntryList>{entries}</EntryList>"
