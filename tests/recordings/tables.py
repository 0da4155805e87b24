"""What tests of tables share: files made of text, read to their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nova.recordings.cell_time import TimeColumn
from nova.recordings.table_reader import TableReader
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from tests.recordings.reading import Everything, everything


def read(path: Path, time: TimeColumn) -> Everything:
    """A whole table."""
    return everything(TableReader(path, Observer("test"), time=time).steps())


def table(folder: Path, content: bytes) -> Path:
    """A file with this content."""
    path = folder / "table.csv"
    path.write_bytes(content)
    return path


def rows_of(found: Everything) -> list[dict[str, object]]:
    """The payloads in order."""
    envelopes = (event.envelope for event in found.events)
    return [one.payload for one in envelopes if isinstance(one, ParsedMessage)]


def typed(folder: Path, content: str, time: str, **options: Any) -> Everything:
    """A table read with options."""
    path = table(folder, content.encode())
    return everything(TableReader(path, Observer("test"), time=TimeColumn(time), **options).steps())
