"""The driver interface: a driver selects streams and converts their events to bytes.

A driver never opens a file while events arrive: it returns bytes to append, and NOVA appends them.
So every file can be truncated to its last complete state and continued, whoever wrote the driver.
The bytes must depend only on the events of the file so far: not on the clock, and not on how the
events were split into calls. Formats that need an end (parquet, MCAP) are collected as lines, and
`SealedDriver.make` writes them when the file is complete.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import BinaryIO, ClassVar

import msgspec

from nova.sdk.address import LANES
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.initial_state import NO_INITIAL_STATE, InitialState

EventBlocks = Iterable[Sequence[bytes]]
"""The stored envelopes of a file in order, in blocks."""


class DriverFile(msgspec.Struct, kw_only=True):
    """The state of a file being written, stored beside it: its events, its bytes (of each part),
    and any JSON that its driver needs to continue.
    """

    events: int = 0
    sizes: list[int] = msgspec.field(default_factory=list)
    memory: dict[str, object] = msgspec.field(default_factory=dict)


class Driver(ABC):
    """One version of one format."""

    driver_id: ClassVar[str]
    version: ClassVar[str] = "1.0.0"
    lanes: ClassVar[frozenset[str]] = frozenset(LANES)
    message_types: ClassVar[frozenset[str] | None] = None
    schema_versions: ClassVar[frozenset[str] | None] = None
    capabilities: ClassVar[frozenset[str]] = frozenset()
    """Capabilities that the target's descriptor must have."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Modules that it needs; import them only where they are used."""

    per_scope: ClassVar[bool] = False
    """Whether the streams of a scope share one file instead of one per entity."""

    is_sealed: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return f"{self.driver_id}@{self.version}"

    def takes(self, stream: DriverStream, capabilities: frozenset[str] = frozenset()) -> bool:
        """Whether it can write a stream whose target has these capabilities."""
        return (
            stream.lane in self.lanes
            and (self.message_types is None or stream.stream_type in self.message_types)
            and (self.schema_versions is None or stream.schema_version in self.schema_versions)
            and self.capabilities <= capabilities
        )

    @abstractmethod
    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """The names of the files for a stream's events, mostly one."""

    @abstractmethod
    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """The bytes that these stored envelopes append to each part of `file`."""


class SealedDriver(Driver):
    """A format that is written at once when all events are known."""

    is_sealed = True

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """The events as lines, which `make` reads later."""
        return (b"\n".join([*events, b""]),)

    @abstractmethod
    def make(self, blocks: EventBlocks, out: BinaryIO) -> None:
        """Write the whole file."""


class InitialStateDriver(SealedDriver):
    """A sealed format whose files start with the initial state of views."""

    @abstractmethod
    def make_from(self, initial_state: InitialState, blocks: EventBlocks, out: BinaryIO) -> None:
        """Write the whole file."""

    def make(self, blocks: EventBlocks, out: BinaryIO) -> None:
        """Write the whole file without an initial state."""
        self.make_from(NO_INITIAL_STATE, blocks, out)


def stem_of(stream: DriverStream) -> str:
    """A file name stem for a stream of an entity; unique, and safe on every file system."""
    return f"{stream.lane}.{stream.stream_type.replace(':', '+')}"
