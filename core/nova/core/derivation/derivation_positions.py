"""Up to where each definition has been derived live, in a file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nova.sdk import durable, private
from nova.sdk.errors import NovaError

FOLDER = "derivation"
POSITIONS_FILE = "positions.json"

_decoder = msgspec.json.Decoder(dict[str, int])


class DerivationPositions:
    """Canonical times in ns by the name of a definition, up to which its outputs are published."""

    def __init__(self, data: Path) -> None:
        folder = data / FOLDER
        private.make_folder(folder)
        self._path = folder / POSITIONS_FILE
        self._positions = self._read()
        self._is_saved = True

    def _read(self) -> dict[str, int]:
        try:
            return _decoder.decode(self._path.read_bytes())
        except FileNotFoundError:
            return {}
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

    def save(self) -> None:
        """Make the positions durable."""
        if not self._is_saved:
            durable.replace(self._path, msgspec.json.encode(self._positions))
            self._is_saved = True
