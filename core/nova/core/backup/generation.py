"""One backup of an archive: what it holds, and of which pieces each of its files consists.

A generation is stored as one object, written last. It carries the digest of itself, so a damaged
one is recognised.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.day_digests import DayDigest
from nova.sdk import timestamps
from nova.sdk.errors import NovaError

LAYOUT = 1
GENERATIONS_FOLDER = "generations"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}\.\d{9}Z\.json", re.ASCII)
_SUFFIX = ".json"


class UnreadableGenerationError(NovaError):
    """A generation is damaged."""


class LaterGenerationError(UnreadableGenerationError):
    """A generation has a layout that this version does not know."""


class StoredFile(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A file by its name in a data folder, and the SHA-256 of each of its pieces in order."""

    name: str
    size: int
    pieces: list[str]
    unique_id: str = ""


class Generation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One backup. `time` is when it was begun, `durable_time` the newest canonical time in it."""

    layout: int = LAYOUT
    archive: str
    time: str
    version: str
    events: int
    durable_time: str | None
    has_users: bool
    has_settings: bool
    days: list[DayDigest]
    files: list[StoredFile]

    @property
    def name(self) -> str:
        """Its name in the target, by time."""
        return self.time.replace(":", "")

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(file.size for file in self.files)

    def pieces(self) -> set[str]:
        """The pieces that a restore of it needs."""
        return {piece for file in self.files for piece in file.pieces}


class _Sealed(msgspec.Struct, frozen=True):
    """A generation and the SHA-256 of its encoding."""

    sha256: str
    generation: msgspec.Raw


class _Layout(msgspec.Struct, frozen=True):
    """The member that every layout of a generation has."""

    layout: int


def write_generation(target: BackupTarget, generation: Generation) -> None:
    """Store a generation; with this it is a backup."""
    encoded = msgspec.json.encode(generation)
    sealed = _Sealed(hashlib.sha256(encoded).hexdigest(), msgspec.Raw(encoded))
    target.write(f"{GENERATIONS_FOLDER}/{generation.name}{_SUFFIX}", msgspec.json.encode(sealed))


def is_generation(name: str) -> bool:
    """Whether an object of this name below GENERATIONS_FOLDER is a generation."""
    return _NAME.fullmatch(name) is not None


def generation_names(target: BackupTarget) -> list[str]:
    """The names of all generations in a target, oldest first."""
    names = target.sizes(GENERATIONS_FOLDER)
    return sorted(name.removesuffix(_SUFFIX) for name in names if is_generation(name))


def require_generations(target: BackupTarget) -> list[str]:
    """The names of all generations, oldest first; raises NovaError if there is none."""
    names = generation_names(target)
    if not names:
        raise NovaError(f"{target} holds no backup: is this the right place, and is it mounted?")
    return names


def read_generation(target: BackupTarget, name: str) -> Generation:
    """A generation by its name; raises NovaError if it is damaged or of a later version."""
    path = f"{GENERATIONS_FOLDER}/{name}{_SUFFIX}"
    content = target.read(path)
    try:
        sealed = msgspec.json.decode(content, type=_Sealed)
        if sealed.sha256 != hashlib.sha256(sealed.generation).hexdigest():
            raise UnreadableGenerationError(
                f"the backup {name} in {target} is damaged: {path} was changed"
            )
        layout = msgspec.json.decode(sealed.generation, type=_Layout).layout
        if layout != LAYOUT:
            raise LaterGenerationError(
                f"the backup {name} in {target} has layout {layout} ({path}), and this version "
                f"reads {LAYOUT}: use the NOVA that made it, or a later one"
            )
        return msgspec.json.decode(sealed.generation, type=Generation)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableGenerationError(
            f"the backup {name} in {target} is damaged: {path}: {error}"
        ) from None


def remove_generation(target: BackupTarget, name: str) -> None:
    """Remove a generation; its pieces stay until nothing needs them."""
    target.remove(f"{GENERATIONS_FOLDER}/{name}{_SUFFIX}")


def time_now(after: str | None = None) -> str:
    """The present as text; later than `after`, also where the clock was set back."""
    now = timestamps.now()
    return timestamps.text(now if after is None else max(now, timestamps.parse(after) + 1))
