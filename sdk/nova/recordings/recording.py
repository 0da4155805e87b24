"""The interface of recording readers: steps through a file, with their events or problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nova.recordings.arrivals import Arrivals
from nova.sdk.errors import NovaError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Observer, record_of
from nova.sdk.producer.view_updates import ViewUpdates
from nova.sdk.transport.base import Record


class RecordingError(NovaError):
    """A recording cannot be read with the given options; the message says what to give."""


@dataclass(frozen=True, slots=True)
class Step:
    """One place of a recording.

    `problem` says why something could not be published. `note` says how published events are
    incomplete, as one of a few fixed texts that can be counted. `offset_bytes` is the position up
    to which the file has been read.
    """

    offset_bytes: int
    place: str
    records: Sequence[Record] = ()
    source_ns: int | None = None
    problem: str | None = None
    note: str | None = None


def event_step(
    offset_bytes: int, place: str, events: Iterable[Event], note: str | None = None
) -> Step:
    """The step that publishes events of one instant."""
    events = tuple(events)
    records = tuple(record_of(event) for event in events)
    return Step(offset_bytes, place, records, events[0].source_ns if events else None, None, note)


class DatedReader:
    """The base of readers whose recordings contain times, or are dated by `epoch_ns`."""

    SYSTEM_ID: ClassVar[str]
    """The default systemId of the events."""

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        epoch_ns: int | None = None,
        system_id: str | None = None,
        views: ViewUpdates | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._path = path
        self._arrivals = arrivals
        self._views = views
        self._observer = observer
        self._epoch_ns = epoch_ns
        self._system_id = system_id or self.SYSTEM_ID
        self._prepare()

    def _prepare(self) -> None:
        """Prepare the format's own state; called at the end of `__init__`."""

    def steps(self) -> Iterator[Step]:
        """The steps of the recording, in its order."""
        raise NotImplementedError


def undated_error(path: Path, hint: str) -> RecordingError:
    """The error for a recording without any date."""
    return RecordingError(f"nothing in {path} says when it was recorded: {hint}")
