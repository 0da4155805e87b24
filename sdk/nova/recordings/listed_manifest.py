"""The members of `export.json` that an import checks."""

from __future__ import annotations

from typing import Literal

import msgspec

from nova.sdk.errors import NovaError
from nova.sdk.protocol.message import Timebase

MANIFEST_FILE = "export.json"
FORMAT = 1

MANIFEST_MAX_BYTES = 32 * 1024 * 1024
"""A stream takes about 900 bytes for its file and its binding: this allows some 35,000 streams. The
decoded manifest takes several times this if it holds nothing but the smallest bindings.
"""

BINDING_MAX_BYTES = 64 * 1024
"""A binding holds only names and times, all of them short."""


class ListedFile(msgspec.Struct, rename="camel"):
    """A file of an export."""

    path: str
    driver: str
    events: int
    bytes: int


class ListedFailure(msgspec.Struct, rename="camel"):
    """A stream or file that is missing in the export, and the reason."""

    reason: str
    events: int
    target_id: str = ""
    path: str = ""


class _BindingShape(msgspec.Struct, rename="camel", gc=False):
    """The members of every binding; decoding skips the others without creating objects."""

    message_type: Literal["DriverBinding"]
    target_id: str
    target_lane: str
    stream_type: str
    driver_id: str
    driver_version: str


class _ManifestShape(msgspec.Struct):
    bindings: list[_BindingShape]


class _ListedQuery(msgspec.Struct, rename="camel"):
    timebase: Timebase


class ExportManifest(msgspec.Struct, rename="camel"):
    """The expected content of an export."""

    format: int
    query: _ListedQuery
    events: int
    digest: str
    files: list[ListedFile]
    failures: list[ListedFailure]
    bindings: list[msgspec.Raw]


def decode(text: bytes) -> ExportManifest:
    """Decode a manifest; raises NovaError if it is invalid."""
    try:
        # Check the shape first: a list of texts, say, would take tens of times its size as Raw.
        msgspec.json.decode(text, type=_ManifestShape)
        manifest = msgspec.json.decode(text, type=ExportManifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NovaError(
            f"{MANIFEST_FILE} is invalid, so the export cannot be checked: {error}"
        ) from error
    if manifest.format != FORMAT:
        raise NovaError(
            f"{MANIFEST_FILE} has format {manifest.format}, only format {FORMAT} can be read: "
            "import it with the NOVA version that made it"
        )
    for place, binding in enumerate(manifest.bindings):
        if (size := len(memoryview(binding))) > BINDING_MAX_BYTES:
            raise NovaError(
                f"{MANIFEST_FILE}: binding {place} has {size:,} bytes, the limit is "
                f"{BINDING_MAX_BYTES:,}: the manifest is damaged"
            )
    return manifest
