"""Up to where each definition has been derived live, in a file, and what it was then."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from nova.core.definitions.definition import Definition
from nova.sdk import durable, private
from nova.sdk.errors import NovaError

FOLDER = "derivation"
POSITIONS_FILE = "positions.json"


class StoredPositions(msgspec.Struct, kw_only=True):
    """Canonical times in ns by the name of a definition, and the digests of the definitions."""

    positions: dict[str, int] = {}
    digests: dict[str, str] = {}


_decoder = msgspec.json.Decoder(StoredPositions)


class DerivationPositions:
    """Canonical times in ns by the name of a definition, up to which its outputs are published."""

    def __init__(self, data: Path) -> None:
        folder = data / FOLDER
        private.make_folder(folder)
        self._path = folder / POSITIONS_FILE
        stored = self._read()
        self._positions, self._digests = stored.positions, stored.digests
        self._is_saved = True

    def _read(self) -> StoredPositions:
        try:
            return _decoder.decode(self._path.read_bytes())
        except FileNotFoundError:
            return StoredPositions()
        except (OSError, msgspec.DecodeError) as error:
            raise NovaError(
                f"{self._path} cannot be read: {error}. Remove it to derive live from now on, and "
                "derive what is missing with `nova derive`"
            ) from None

    def get(self, name: str) -> int | None:
        return self._positions.get(name)

    def advance(self, name: str, canonical_ns: int) -> None:
        """Note a position; it is durable after `save`."""
        if self._positions.get(name) != canonical_ns:
            self._positions[name] = canonical_ns
            self._is_saved = False

    def is_changed(self, definition: Definition) -> bool:
        """Whether a definition is another than the last one of this name, which it replaces."""
        digest = sha256(msgspec.json.encode(definition)).hexdigest()
        known = self._digests.get(definition.name)
        if known != digest:
            self._digests[definition.name] = digest
            self._is_saved = False
        return known not in (None, digest)

    def save(self) -> None:
        """Make the positions durable."""
        if not self._is_saved:
            stored = StoredPositions(positions=self._positions, digests=self._digests)
            durable.replace(self._path, msgspec.json.encode(stored))
            self._is_saved = True
