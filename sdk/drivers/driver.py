"""What a driver is: it says which streams it takes and turns their events into bytes.

A driver never opens a file of its own while events come: it returns what is to be added, and NOVA
adds it. So every file can be cut back to what is known to be complete and gone on with, whoever
wrote the driver. What it returns may depend on nothing but the events of the file up to then: not
on the clock, not on how they were divided into calls. Formats that need an end (parquet, MCAP) are
collected as lines and made by `SealedDriver.make` when the file is complete.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import BinaryIO, ClassVar

import msgspec

from sdk.address import LANES
from sdk.drivers.opening import NO_OPENING, Opening
from sdk.drivers.stream import Stream

Blocks = Iterable[Sequence[bytes]]
"""The stored envelopes of a file in order, some at once."""


class File(msgspec.Struct, kw_only=True):
    """What is known of a file while it is written, and kept with it: how many events and bytes (of
    each part) it has, and whatever else its driver wants to remember, as JSON.
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
    """What the target's descriptor has to say for it to be taken."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Modules without which it does not work; import them only where they are used."""

    per_scope: ClassVar[bool] = False
    """Whether a scope's streams share one file, instead of lying in their entities' folders."""

    is_sealed: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Its id and version."""
        return f"{self.driver_id}@{self.version}"

    def takes(self, stream: Stream, capabilities: frozenset[str] = frozenset()) -> bool:
        """Whether it can write a stream whose target has these capabilities."""
        return (
            stream.lane in self.lanes
            and (self.message_types is None or stream.stream_type in self.message_types)
            and (self.schema_versions is None or stream.schema_version in self.schema_versions)
            and self.capabilities <= capabilities
        )

    @abstractmethod
    def parts(self, stream: Stream) -> tuple[str, ...]:
        """The names of the files that a stream's events go to, mostly one."""

    @abstractmethod
    def write(self, events: Sequence[bytes], file: File) -> Sequence[bytes]:
        """What these stored envelopes add to each part, behind what `file` says is there."""


class SealedDriver(Driver):
    """A format that is made in one go once all its events are there."""

    is_sealed = True

    def write(self, events: Sequence[bytes], file: File) -> Sequence[bytes]:
        """The events as lines, until `make`."""
        return (b"\n".join([*events, b""]),)

    @abstractmethod
    def make(self, blocks: Blocks, out: BinaryIO) -> None:
        """Write the whole file."""


class OpenedDriver(SealedDriver):
    """A sealed format whose files begin with what views showed."""

    @abstractmethod
    def make_from(self, opening: Opening, blocks: Blocks, out: BinaryIO) -> None:
        """Write the whole file."""

    def make(self, blocks: Blocks, out: BinaryIO) -> None:
        """Write the whole file where nothing was shown before."""
        self.make_from(NO_OPENING, blocks, out)


def stem_of(stream: Stream) -> str:
    """A file name without its end for a stream of an entity; unique, and safe on every system."""
    return f"{stream.lane}.{stream.stream_type.replace(':', '+')}"
