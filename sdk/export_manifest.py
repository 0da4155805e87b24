"""What `export.json` says of an export, as far as an import checks it."""

from __future__ import annotations

from typing import Literal

import msgspec

from sdk.errors import NovaError
from sdk.message import Timebase

MANIFEST_FILE = "export.json"
FORMAT = 1

MANIFEST_MAX_BYTES = 32 * 1024 * 1024
"""A stream takes about 900 bytes, those of its file and its binding: this is some 35,000 streams.
Memory is several times this where a file holds nothing but the smallest bindings.
"""

BINDING_MAX_BYTES = 64 * 1024
"""A binding says names and times, of which none is long."""


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


class _Binding(msgspec.Struct, rename="camel", gc=False):
    """What every binding says; the rest is passed over without becoming objects."""

    message_type: Literal["DriverBinding"]
    target_id: str
    target_lane: str
    stream_type: str
    driver_id: str
    driver_version: str


class _Shape(msgspec.Struct):
    bindings: list[_Binding]


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
        # The shape first: of anything else a list of texts would take tens of times its size.
        msgspec.json.decode(text, type=_Shape)
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
    for place, binding in enumerate(manifest.bindings):
        if (size := len(memoryview(binding))) > BINDING_MAX_BYTES:
            raise NovaError(
                f"{MANIFEST_FILE}: binding {place} has {size:,} bytes, {BINDING_MAX_BYTES:,} are "
                "read: the manifest is damaged"
            )
    return manifest
