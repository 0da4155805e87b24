"""The options that say what a recording does not say itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import tzinfo
from pathlib import Path

from nova.recordings.arrivals import Arrivals
from nova.recordings.cell_time import parse_zone
from nova.recordings.recording import RecordingError
from nova.sdk import timestamps
from nova.sdk.errors import TimestampError


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """The options of `nova produce`; None for those that were not given."""

    dbc: Sequence[Path] | None = None
    frames: str | None = None
    xtce: Path | None = None
    apid: int | None = None
    root_container: str | None = None
    time: str | None = None
    time_column: str | None = None
    time_unit: str | None = None
    time_zone: str | None = None
    time_format: str | None = None
    time_scale: str | None = None
    epoch: str | None = None
    system: str | None = None
    entity: str | None = None
    message_type: str | None = None
    columns: str | None = None
    encoding: str | None = None
    skip_lines: int | None = None
    text: str | None = None
    decimal: str | None = None
    view: str | None = None
    port: int | None = None
    payload: str | None = None
    arrivals: Arrivals | None = None
    """When the bytes were received, if they were taken out of a capture."""

    def given(self) -> set[str]:
        """The names of the options that were given."""
        names = (field.name for field in fields(self))
        return {name for name in names if getattr(self, name) not in (None, ())}

    def epoch_ns(self) -> int | None:
        """The epoch in ns since 1970; raises RecordingError."""
        if self.epoch is None:
            return None
        try:
            return timestamps.parse(self.epoch)
        except TimestampError as error:
            raise RecordingError(f"--epoch {error}") from None

    def zone(self) -> tzinfo | None:
        """The zone of local times; raises RecordingError."""
        return None if self.time_zone is None else parse_zone(self.time_zone)
