"""Codecs of the lanes with most events: how their envelopes are decoded and what is hashed."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple, cast

import msgspec

from nova.sdk.events import canonical
from nova.sdk.events.envelope import Envelope, ParsedMessage, RawFrame, UiUpdate
from nova.sdk.events.event import SEQUENCE_MAX
from nova.sdk.events.manifest_policy import ManifestIndex, find_violation

SeriesKey = tuple[str | None, ...]
"""Lane, scope and ids as written, and the members that distinguish the series of a lane, with the
schemaVersion on parsed.
"""


class LaneCodec(NamedTuple):
    """A lane whose envelopes all have one type; `is_json`: whether their payload is JSON."""

    decode: Callable[[bytes], Envelope]
    names: Callable[[Envelope], SeriesKey]
    payload: Callable[[Envelope], bytes | None]
    is_json: bool


def _raw_payload(frame: RawFrame) -> bytes | None:
    is_uint64 = frame.sequence is None or 0 <= frame.sequence <= SEQUENCE_MAX
    return frame.frame if is_uint64 else None


def _parsed_payload(message: ParsedMessage) -> bytes | None:
    return canonical.orjson_text(
        {"payload": message.payload, "schemaVersion": message.schema_version}
    )


def _ui_payload(update: UiUpdate) -> bytes | None:
    return canonical.orjson_text(
        {
            "data": update.data,
            "manifestId": update.manifest_id,
            "manifestVersion": update.manifest_version,
            "viewId": update.view_id,
        }
    )


class _KnownTypeMessage(ParsedMessage, kw_only=True):
    """A message whose messageType and schemaVersion are keys of the cache. They are known to be
    valid, and skipping their patterns halves the time to decode.
    """

    message_type: str
    schema_version: str


class _KnownUpdate(UiUpdate, kw_only=True):
    """The same for the names of a ui event."""

    view_id: str
    manifest_id: str


_HEADER = ("lane", "scope_id", "system_id", "container_id", "unique_id")


def _codec(
    envelope: type[Envelope],
    payload: Callable[..., bytes | None],
    *more_names: str,
    is_json: bool = True,
) -> LaneCodec:
    names = cast("Callable[[Envelope], SeriesKey]", attrgetter(*_HEADER, *more_names))
    return LaneCodec(msgspec.json.Decoder(envelope).decode, names, payload, is_json)


CODECS = {
    "raw": _codec(RawFrame, _raw_payload, is_json=False),
    "parsed": _codec(_KnownTypeMessage, _parsed_payload, "message_type", "schema_version"),
    "ui": _codec(_KnownUpdate, _ui_payload, "view_id", "manifest_id"),
}


SPARSE_LANES = ("metadata", "command")
"""The lanes with few events, which are checked one by one."""


def ui_codec(manifests: ManifestIndex) -> LaneCodec:
    """The ui lane with these manifests. An update that its manifest does not allow goes to the full
    check, which rejects it. Other lanes do not pay for this.
    """

    def payload(update: UiUpdate) -> bytes | None:
        return None if find_violation(update, manifests) else _ui_payload(update)

    return CODECS["ui"]._replace(payload=cast("Callable[[Envelope], bytes | None]", payload))
