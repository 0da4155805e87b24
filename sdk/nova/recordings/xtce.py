"""XTCE definitions: decodes packets with `space_packet_parser` into JSON values."""

from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from nova.recordings.recording import RecordingError
from nova.recordings.xtce_encodings import LibraryParameter, decode_signed, make_readable
from nova.recordings.xtce_fields import ContainerEntry, FieldDecoder, fields_of
from nova.sdk.optional_imports import import_optional

SAFE_INTEGER_MAX = 2**53 - 1
NOT_FINITE = "a field is NaN or infinite, which JSON cannot represent: left out"


class DecodedPacket(NamedTuple):
    """A decoded packet: the matching XTCE container, its fields, and notes on them."""

    container: str
    fields: dict[str, object]
    notes: tuple[str, ...] = ()


class _Criterion(Protocol):
    def evaluate(self, packet: Mapping[str, object]) -> bool: ...


class _Container(Protocol):
    name: str
    abstract: bool
    entry_list: Sequence[ContainerEntry]
    restriction_criteria: Sequence[_Criterion]
    inheritors: Sequence[str]


class _LibraryDefinition(Protocol):
    containers: Mapping[str, _Container]
    parameters: Mapping[str, object]
    root_container_name: str


class XtceDefinition:
    """The packets that one XTCE file describes."""

    def __init__(self, path: Path, root_container: str | None = None) -> None:
        definitions = import_optional("space_packet_parser.xtce.definitions")
        root = root_container or definitions.DEFAULT_ROOT_CONTAINER
        try:
            with warnings.catch_warnings():
                # The library warns of spellings that it accepts nevertheless.
                warnings.simplefilter("ignore")
                document, signed = make_readable(path)
                loaded = definitions.XtcePacketDefinition.from_xtce(
                    document, root_container_name=root
                )
        except Exception as error:  # The library raises various errors for invalid files.
            raise RecordingError(f"cannot read {path} as XTCE: {error or type(error)}") from error
        self._definition = cast(_LibraryDefinition, loaded)
        decode_signed(self._definition.parameters, signed)
        self._check_root(path, root)
        self._fields = {
            name: tuple(fields_of(container.entry_list))
            for name, container in self._definition.containers.items()
        }

    def _check_root(self, path: Path, root: str) -> None:
        containers = self._definition.containers
        if root in containers:
            return
        tops = [name for name, container in containers.items() if container.inheritors]
        raise RecordingError(
            f"{path} has no container {root!r}: give --root-container, one of {', '.join(tops)}"
        )

    def require_parameter(self, parameter: str) -> None:
        """Raises RecordingError with similar names unless the parameter is defined."""
        known = self._definition.parameters
        if parameter not in known:
            near = (
                ", ".join(difflib.get_close_matches(parameter, known, cutoff=0.4)) or "none similar"
            )
            raise RecordingError(f"the XTCE file defines no parameter {parameter!r} ({near})")

    def decode(self, packet: bytes) -> DecodedPacket | None:
        """The fields that the packet has; None if no container describes it."""
        reading = FieldDecoder(packet)
        container = self._definition.containers[self._definition.root_container_name]
        while True:
            reading.read(self._fields[container.name])
            matching = (
                [] if reading.is_past_end else self._matching_inheritors(container, reading.values)
            )
            if len(matching) != 1:
                break
            container = matching[0]
        if len(matching) > 1 or container.abstract:
            return None
        fields = {name: json_value(value) for name, value in reading.values.items()}
        if None in fields.values():
            reading.notes.append(NOT_FINITE)
        present = {name: value for name, value in fields.items() if value is not None}
        return DecodedPacket(container.name, present, tuple(dict.fromkeys(reading.notes)))

    def _matching_inheritors(
        self, container: _Container, values: Mapping[str, object]
    ) -> list[_Container]:
        """The containers that extend `container` and whose criteria the values meet."""
        heirs = (self._definition.containers[name] for name in container.inheritors)
        return [heir for heir in heirs if _are_met(heir.restriction_criteria, values)]

    def width_bits(self, parameter: str) -> int | None:
        """A parameter's size in bits; None if its encoding does not give it."""
        known = cast(Mapping[str, LibraryParameter], self._definition.parameters)
        bits = getattr(known[parameter].parameter_type.encoding, "size_in_bits", None)
        return bits if isinstance(bits, int) else None


def _are_met(criteria: Sequence[_Criterion], values: Mapping[str, object]) -> bool:
    try:
        return all(criterion.evaluate(values) for criterion in criteria)
    except Exception:  # A value is missing or not comparable.
        return False


def json_value(value: object) -> object:
    """The JSON form of a decoded value: bytes as hex, large integers as text, NaN as None."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        if type(value).__name__ == "BoolParameter":
            return bool(value)
        return int(value) if abs(value) <= SAFE_INTEGER_MAX else str(int(value))
    return None if value is None else str(value)
