"""Handles XTCE encodings that `space_packet_parser` refuses, so that one field with such an
encoding does not make the whole definition unusable.

One's complement and sign-magnitude are decoded here. Others (packed decimals, floats of DEC, IBM
and TI) become binary: their bytes are kept.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, cast

from nova.recordings import packet_csv
from nova.sdk.optional_imports import import_optional
from nova.sdk.regular_file import require_regular

_INTEGERS = {"unsigned", "signed", "twosCompliment", "twosComplement"}
_FLOAT_BITS = {
    "IEEE754": {16, 32, 64},
    "IEEE754_1985": {16, 32, 64},
    "IEEE-754": {16, 32, 64},
    "MILSTD_1750A": {32},
    "MIL-1750A": {32},
}

TO_SIGNED = "nova_to_signed"
"""The attribute of an encoding with the function that makes its numbers signed, if ours does."""


class _Element(Protocol):
    tag: str
    attrib: dict[str, str]

    def iter(self, *tags: str) -> Iterator[_Element]: ...
    def getparent(self) -> _Element | None: ...
    def clear(self) -> None: ...


class LibraryEncoding(Protocol):
    """A numeric encoding of the library."""

    size_in_bits: int


class LibraryParameterType(Protocol):
    """A parameter's type in the library."""

    name: str
    encoding: LibraryEncoding


class LibraryParameter(Protocol):
    """A parameter of the library."""

    parameter_type: LibraryParameterType


def _ones_complement(raw: int, bits: int) -> int:
    return raw - (1 << bits) + 1 if raw >> (bits - 1) else raw


def _sign_magnitude(raw: int, bits: int) -> int:
    sign = 1 << (bits - 1)
    return -(raw ^ sign) if raw & sign else raw


_SIGNED: dict[str, Callable[[int, int], int]] = {
    "onesComplement": _ones_complement,
    "signMagnitude": _sign_magnitude,
}


def make_readable(path: Path, apid: int | None = None) -> tuple[io.BytesIO, dict[str, str]]:
    """The document with encodings that the library accepts, and its signed types' encodings. A CSV
    of fields is read as the document of the packets of `apid`.
    """
    etree = import_optional("lxml.etree")
    require_regular(path)
    is_csv = path.suffix.lower() == packet_csv.SUFFIX
    tree = etree.parse(io.BytesIO(packet_csv.xtce_of(path, apid)) if is_csv else str(path))
    signed: dict[str, str] = {}
    for element in list(cast(_Element, tree.getroot()).iter("{*}IntegerDataEncoding")):
        encoding = element.attrib.get("encoding", "unsigned")
        if encoding in _SIGNED:
            element.attrib["encoding"] = "unsigned"
            signed[_type_of(element).attrib.get("name", "")] = encoding
        elif encoding not in _INTEGERS:
            _to_binary(element)
    for element in list(cast(_Element, tree.getroot()).iter("{*}FloatDataEncoding")):
        bits = _FLOAT_BITS.get(element.attrib.get("encoding", "IEEE754"), set())
        if element.attrib.get("sizeInBits", "32") not in map(str, bits):
            _to_binary(element)
    written = io.BytesIO()
    tree.write(written)
    written.seek(0)
    return written, signed


def decode_signed(parameters: Mapping[str, object], signed: Mapping[str, str]) -> None:
    """Make the types that `make_readable` replaced decode as signed values."""
    done: set[str] = set()
    for parameter in cast(Mapping[str, LibraryParameter], parameters).values():
        kind = parameter.parameter_type
        if kind.name in signed and kind.name not in done:
            done.add(kind.name)
            _convert(kind.encoding, _SIGNED[signed[kind.name]])


def _convert(encoding: LibraryEncoding, to_signed: Callable[[int, int], int]) -> None:
    name = "_get_raw_value"  # Internal to the library; calibrators use its result.
    unsigned = getattr(encoding, name)
    setattr(encoding, name, lambda packet: to_signed(unsigned(packet), encoding.size_in_bits))
    setattr(encoding, TO_SIGNED, to_signed)


def _type_of(element: _Element) -> _Element:
    """The ParameterType element of an encoding."""
    while (parent := element.getparent()) is not None and not element.tag.endswith("ParameterType"):
        element = parent
    return element


def _to_binary(element: _Element) -> None:
    """Replace the type of an encoding by a binary type of the same size."""
    etree = import_optional("lxml.etree")
    kind, bits = _type_of(element), element.attrib.get("sizeInBits", "32")
    namespace = kind.tag.rpartition("}")[0] + "}" if "}" in kind.tag else ""
    name = kind.attrib.get("name", "")
    kind.clear()
    kind.tag = f"{namespace}BinaryParameterType"
    kind.attrib["name"] = name
    encoding = etree.SubElement(kind, f"{namespace}BinaryDataEncoding")
    size = etree.SubElement(encoding, f"{namespace}SizeInBits")
    etree.SubElement(size, f"{namespace}FixedValue").text = bits
