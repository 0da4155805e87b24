"""XTCE definitions: packets decoded by `space_packet_parser` into values that JSON can hold."""

from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from sdk.formats.recording import RecordingError
from sdk.libraries import library

SAFE_INTEGER_MAX = 2**53 - 1


class Decoded(NamedTuple):
    """A decoded packet: the XTCE container that it matched, and its fields."""

    container: str
    fields: dict[str, object]


class _Criterion(Protocol):
    def evaluate(self, packet: Mapping[str, object]) -> bool: ...


class _Container(Protocol):
    restriction_criteria: Sequence[_Criterion]
    inheritors: Sequence[str]


class _Library(Protocol):
    containers: Mapping[str, _Container]
    parameters: Mapping[str, object]
    root_container_name: str

    def parse_bytes(self, binary_data: bytes) -> Mapping[str, object]: ...


class Definition:
    """The packets that one XTCE file describes."""

    def __init__(self, path: Path, root_container: str | None = None) -> None:
        definitions = library("space_packet_parser.xtce.definitions")
        root = root_container or definitions.DEFAULT_ROOT_CONTAINER
        try:
            loaded = definitions.XtcePacketDefinition.from_xtce(path, root_container_name=root)
        except Exception as error:  # whatever the library makes of a file that is no XTCE
            raise RecordingError(f"cannot read {path} as XTCE: {error or type(error)}") from error
        self._definition = cast(_Library, loaded)
        self._check_root(path, root)

    def _check_root(self, path: Path, root: str) -> None:
        containers = self._definition.containers
        if root in containers:
            return
        tops = [name for name, container in containers.items() if container.inheritors]
        raise RecordingError(
            f"{path} has no container {root!r}: give --root-container, one of {', '.join(tops)}"
        )

    def require(self, parameter: str) -> None:
        """Raise RecordingError, naming near ones, unless a parameter of this name is defined."""
        known = self._definition.parameters
        if parameter not in known:
            near = ", ".join(difflib.get_close_matches(parameter, known, cutoff=0.4)) or "none near"
            raise RecordingError(f"the XTCE file defines no parameter {parameter!r} ({near})")

    def decode(self, packet: bytes) -> Decoded | None:
        """The fields of a packet; None where the definition does not fit it."""
        try:
            with warnings.catch_warnings():
                # The library warns of bits that the definition leaves out; the raw event has them.
                warnings.simplefilter("ignore")
                values = self._definition.parse_bytes(packet)
            container = self._container(values)
        except Exception:  # a definition that does not fit fails in many of the library's ways
            return None
        fields = {name: json_value(value) for name, value in values.items()}
        return Decoded(container, {name: v for name, v in fields.items() if v is not None})

    def _container(self, values: Mapping[str, object]) -> str:
        """The innermost container whose criteria the values meet."""
        name = self._definition.root_container_name
        while True:
            for heir in self._definition.containers[name].inheritors:
                criteria = self._definition.containers[heir].restriction_criteria
                if all(criterion.evaluate(values) for criterion in criteria):
                    name = heir
                    break
            else:
                return name


def json_value(value: object) -> object:
    """A decoded value as JSON can say it: bytes in hex, big integers as text, NaN not at all."""
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
