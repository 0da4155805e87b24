"""What a lake says of itself, and of a scope's day: written last, so a day that has it is whole."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.bucket_target import LOCK_NAME, PROBE_PREFIX
from nova.core.lake.lake_layout import DAY_FILE, LAKE_FILE, VIEWS_FILE
from nova.sdk.errors import NovaError
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import Timebase

LAKE_FORMAT = 1
PASSING = (LOCK_NAME, PROBE_PREFIX, VIEWS_FILE)
"""How names of the lock begin, and of what is no content of a place."""


class LakeDefinition(msgspec.Struct, kw_only=True, frozen=True):
    """What a lake has; the same for all of its days. `lanes` None: all."""

    format: int = LAKE_FORMAT
    timebase: Timebase
    lanes: list[Lane] | None = None


class LakeFile(msgspec.Struct, kw_only=True, frozen=True):
    """A Parquet file of a day."""

    name: str
    events: int
    bytes: int


class LakeDay(msgspec.Struct, kw_only=True, frozen=True):
    """A scope's day: the SHA-256 of its eventIds in order, its files, and the hash of the day's
    seal, if the day was sealed and the seal could be read. `own_events` of the events are NOVA's
    own records.
    """

    scope: str
    day: str
    timebase: Timebase
    events: int
    own_events: int
    digest: str
    files: list[LakeFile]
    seal: str | None = None

    def is_whole(self, sizes: Mapping[str, int]) -> bool:
        """Whether a partition, with the sizes of what it holds, has all files of the day."""
        return all(sizes.get(file.name) == file.bytes for file in self.files)


def read_day(target: BackupTarget, partition: str) -> LakeDay | None:
    """The record of a partition; None if it cannot be read, and the day is written anew."""
    try:
        return msgspec.json.decode(target.read(f"{partition}/{DAY_FILE}"), type=LakeDay)
    except msgspec.DecodeError:
        return None


def require_definition(
    target: BackupTarget, wanted: LakeDefinition, sizes: Mapping[str, int]
) -> None:
    """Write the definition of a new lake; raises NovaError if this lake has another one, or the
    place something else.
    """
    if LAKE_FILE not in sizes:
        if others := sorted(name for name in sizes if not name.startswith(PASSING)):
            raise NovaError(f"{target} has {others[0]} and is no lake: choose an empty place")
        target.write(LAKE_FILE, encode(wanted))
        return
    try:
        found = msgspec.json.decode(target.read(LAKE_FILE), type=LakeDefinition)
    except msgspec.DecodeError as error:
        raise NovaError(
            f"{LAKE_FILE} in {target} cannot be read ({error}): choose another place"
        ) from None
    if found != wanted:
        raise NovaError(
            f"the lake in {target} has {_text(found)}, and this would be {_text(wanted)}: give "
            "each its own place"
        )


def encode(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _text(lake: LakeDefinition) -> str:
    lanes = "all lanes" if lake.lanes is None else f"lanes {','.join(lake.lanes)}"
    return f"days of {lake.timebase} time, {lanes}, format {lake.format}"
