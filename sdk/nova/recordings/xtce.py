"""XTCE definitions: decodes packets with `space_packet_parser` into JSON values."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from nova.recordings.recording import RecordingError
from nova.recordings.xtce_decoders import (
    NOT_FINITE,
    ContainerDecoder,
    Criterion,
    DecodedPacket,
    LibraryContainer,
)
from nova.recordings.xtce_encodings import LibraryParameter, decode_signed, make_readable
from nova.recordings.xtce_fields import FieldDecoder, XtceField, fields_of
from nova.recordings.xtce_layout import places_of
from nova.recordings.xtce_values import json_value
from nova.sdk.optional_imports import import_optional


class _LibraryDefinition(Protocol):
    containers: Mapping[str, LibraryContainer]
    parameters: Mapping[str, object]
    root_container_name: str


class XtceDefinition:
    """The packets that one XTCE file describes, or a CSV of fields those of one APID."""

    def __init__(
        self, path: Path, root_container: str | None = None, apid: int | None = None
    ) -> None:
        definitions = import_optional("space_packet_parser.xtce.definitions")
        root = root_container or definitions.DEFAULT_ROOT_CONTAINER
        try:
            with warnings.catch_warnings():
                # The library warns of spellings that it accepts nevertheless.
                warnings.simplefilter("ignore")
                document, signed = make_readable(path, apid)
                loaded = definitions.XtcePacketDefinition.from_xtce(
                    document, root_container_name=root
                )
        except RecordingError:
            raise
        except Exception as error:  # The library raises various errors for invalid files.
            raise RecordingError(f"cannot read {path} as XTCE: {error or type(error)}") from error
        self._definition = cast(_LibraryDefinition, loaded)
        decode_signed(self._definition.parameters, signed)
        self._check_root(path, root)
        self._fields = {
            name: tuple(fields_of(container.entry_list))
            for name, container in self._definition.containers.items()
        }
        self._decoder = ContainerDecoder(self, root)

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
        return self._decoder.decode(packet)

    def decode_by_library(self, packet: bytes) -> DecodedPacket | None:
        """The same, field by field."""
        reading = FieldDecoder(packet)
        container = self.container(self._definition.root_container_name)
        while True:
            reading.read(self._fields[container.name])
            matching = (
                [] if reading.is_past_end else self.matching_inheritors(container, reading.values)
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

    def fields(self, name: str) -> Sequence[XtceField]:
        """The fields of a container without those of its base."""
        return self._fields[name]

    def places(self, container: str) -> Mapping[str, tuple[int, int]]:
        """The first bit and the size of the fields of a container's packets, as far as they are
        the same in all of them.
        """
        bases = {
            heir: name
            for name, one in self._definition.containers.items()
            for heir in one.inheritors
        }
        chain = [container]
        while chain[0] != self._definition.root_container_name and chain[0] in bases:
            chain.insert(0, bases[chain[0]])
        return places_of([field for name in chain for field in self._fields[name]])

    def container(self, name: str) -> LibraryContainer:
        """A container by its name."""
        return self._definition.containers[name]

    def matching_inheritors(
        self, container: LibraryContainer, values: Mapping[str, object]
    ) -> list[LibraryContainer]:
        """The containers that extend `container` and whose criteria the values meet."""
        heirs = (self._definition.containers[name] for name in container.inheritors)
        return [heir for heir in heirs if _are_met(heir.restriction_criteria, values)]

    def width_bits(self, parameter: str) -> int | None:
        """A parameter's size in bits; None if its encoding does not give it."""
        known = cast(Mapping[str, LibraryParameter], self._definition.parameters)
        bits = getattr(known[parameter].parameter_type.encoding, "size_in_bits", None)
        return bits if isinstance(bits, int) else None


def _are_met(criteria: Sequence[Criterion], values: Mapping[str, object]) -> bool:
    try:
        return all(criterion.evaluate(values) for criterion in criteria)
    except Exception:  # A value is missing or not comparable.
        return False
