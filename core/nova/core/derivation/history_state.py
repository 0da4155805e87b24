"""How far a derivation over history has come, in a file, so that it can resume."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from nova.core.definitions.definition import Definition
from nova.core.derivation.derivation_positions import FOLDER
from nova.core.derivation.history_run import HistorySpan
from nova.sdk import durable, private

HISTORY_FOLDER = "history"


class HistoryState(msgspec.Struct, kw_only=True):
    """The span of a run, where it resumes, and what it has made so far."""

    definition: str
    start_ns: int
    stop_ns: int
    watermark: int
    next_ns: int
    inputs: int = 0
    outputs: int = 0
    failures: int = 0

    @property
    def span(self) -> HistorySpan:
        """What is left."""
        return HistorySpan(self.next_ns, self.stop_ns, self.watermark)


_decoder = msgspec.json.Decoder(HistoryState)


class HistoryStateFile:
    """The state of the derivation of one definition over one range, while it is not complete. A
    definition that was changed has another.
    """

    def __init__(self, data: Path, definition: Definition, bounds: tuple[int, int]) -> None:
        content = msgspec.json.encode((definition, bounds))
        name = f"{definition.name}-{sha256(content).hexdigest()[:16]}.json"
        self._path = data / FOLDER / HISTORY_FOLDER / name

    def read(self) -> HistoryState | None:
        """The state of an interrupted run. One that cannot be read counts as none: to derive again
        makes the same events.
        """
        try:
            return _decoder.decode(self._path.read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, state: HistoryState) -> None:
        private.make_folder(self._path.parent.parent)
        private.make_folder(self._path.parent)
        durable.replace(self._path, msgspec.json.encode(state))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
