"""DBC files (and KCD, SYM, ARXML, which cantools reads too): signals of CAN frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from nova.recordings.candump import CanFrame
from nova.recordings.json_form import fields_of
from nova.recordings.recording import RecordingError
from nova.sdk import address as addresses
from nova.sdk.optional_imports import import_optional

J1939 = "j1939"
PDU2_FROM = 240
"""PDU formats from here on are broadcast, and their lower byte belongs to the PGN."""


class DbcMessage(NamedTuple):
    """A decoded frame: the name of its message, and its signals with their units."""

    kind: str
    fields: dict[str, object]
    units: Mapping[str, str]
    is_cut: bool
    """Whether the frame has fewer bytes than the message."""


class _DbcSignal(Protocol):
    name: str
    unit: str | None


class _DbcDefined(Protocol):
    name: str
    frame_id: int
    length: int
    is_extended_frame: bool
    protocol: str | None
    signals: Sequence[_DbcSignal]

    def decode(
        self, data: bytes, decode_choices: bool, allow_truncated: bool
    ) -> Mapping[str, object]: ...


class _DbcFile(Protocol):
    messages: Sequence[_DbcDefined]


class DbcDefinition:
    """The messages of one or several files. Raises RecordingError if one cannot be read."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._exact: dict[tuple[int, bool], _DbcDefined] = {}
        self._groups: dict[int, _DbcDefined] = {}
        self._units: dict[int, dict[str, str]] = {}
        for path in paths:
            for message in _load(path).messages:
                self._add(message)

    def _add(self, message: _DbcDefined) -> None:
        self._exact.setdefault((message.frame_id, message.is_extended_frame), message)
        if message.protocol == J1939 and message.is_extended_frame:
            self._groups.setdefault(parameter_group(message.frame_id), message)
        self._units[id(message)] = {one.name: one.unit for one in message.signals if one.unit}

    def find(self, frame: CanFrame) -> object | None:
        """The message that a frame carries: by its id, in J1939 by its parameter group."""
        if frame.remote or frame.error:
            return None
        number = int(frame.id, 16)
        found = self._exact.get((number, frame.extended))
        if found is None and frame.extended:
            found = self._groups.get(parameter_group(number))
        return found

    def decode(self, frame: CanFrame) -> DbcMessage | None:
        """The signals of a frame; None if no file defines it. Raises ValueError if its data do not
        fit the definition.
        """
        found = cast("_DbcDefined | None", self.find(frame))
        if found is None:
            return None
        try:
            values = found.decode(frame.data, decode_choices=True, allow_truncated=True)
        except Exception as error:  # cantools and bitstruct raise various errors for damaged data.
            raise ValueError(f"{found.name}: {error}") from error
        texts = {name: _choice(value) for name, value in values.items()}
        is_cut = len(frame.data) < found.length
        return DbcMessage(
            message_name(found.name), fields_of(texts), self._units[id(found)], is_cut
        )


def _choice(value: object) -> object:
    """A value that the file names, by its name."""
    return str(value) if hasattr(value, "name") else value


def message_name(name: str) -> str:
    """A library's name of a message as a messageType, with _ for what that cannot have."""
    kept = "".join(sign if addresses.is_name(sign) else "_" for sign in name[:128])
    return kept or "_"


def parameter_group(can_id: int) -> int:
    """The PGN of a J1939 id: without priority, source, and (below PDU2) the destination."""
    group = can_id >> 8 & 0x3FFFF
    return group if group >> 8 & 0xFF >= PDU2_FROM else group & 0x3FF00


def _load(path: Path) -> _DbcFile:
    cantools = import_optional("cantools", "recordings")
    try:
        return cast(_DbcFile, cantools.database.load_file(str(path), strict=False))
    except OSError as error:
        raise RecordingError(f"cannot read --dbc {path}: {error.strerror or error}") from error
    except Exception as error:  # The library has an error for each of the formats it tries.
        reason = " ".join(str(error).split())[:300]
        raise RecordingError(f"--dbc {path} defines no CAN messages: {reason}") from error
