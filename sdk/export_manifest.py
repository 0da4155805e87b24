"""What `export.json` says of an export, as far as an import checks it."""

from __future__ import annotations

import msgspec

from sdk.errors import NovaError
from sdk.message import Timebase

MANIFEST_FILE = "export.json"
FORMAT = 1


class Listed(msgspec.Struct, rename="camel"):
    """A file of an export."""

    path: str
    driver: str
    events: int
    bytes: int


class Failed(msgspec.Struct, rename="camel"):
    """A stream or a file that is not in the export, and why."""

    reason: str
    events: int
    target_id: str = ""
    path: str = ""


class _Asked(msgspec.Struct, rename="camel"):
    timebase: Timebase


class ExportManifest(msgspec.Struct, rename="camel"):
    """The members that say what should be there."""

    format: int
    query: _Asked
    events: int
    digest: str
    files: list[Listed]
    failures: list[Failed]
    bindings: list[msgspec.Raw]


def decoded(text: bytes) -> ExportManifest:
    """The manifest of a text; raises NovaError where it is none."""
    try:
        manifest = msgspec.json.decode(text, type=ExportManifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NovaError(
            f"{MANIFEST_FILE} is no manifest, so nothing says what the export should hold: {error}"
        ) from error
    if manifest.format != FORMAT:
        raise NovaError(
            f"{MANIFEST_FILE} has format {manifest.format}; format {FORMAT} is read: "
            "import it with the NOVA that made it"
        )
    return manifest
