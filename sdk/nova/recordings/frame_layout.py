"""FrameLayout: the metadata that says which bits of a frame hold the fields of its message."""

from __future__ import annotations

from collections.abc import Mapping

from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_decoders import DecodedPacket
from nova.sdk.field_types import JsonObject

FRAME_LAYOUT = "FrameLayout"


def frame_layout(message_type: str, places: Mapping[str, tuple[int, int]]) -> JsonObject:
    """The payload: of each field the first bit, counted from the first of the frame, and the
    number of bits.
    """
    return {
        "messageType": message_type,
        "fields": {name: [begin, bits] for name, (begin, bits) in places.items()},
    }


class PacketLayouts:
    """The layouts of the packets of a definition, each once for an APID."""

    def __init__(self, definition: XtceDefinition) -> None:
        self._definition = definition
        self._seen: set[tuple[int, str]] = set()

    def first(self, apid: int, message_type: str, decoded: DecodedPacket) -> JsonObject | None:
        """The layout of a packet; None if it was returned before, or no field has a fixed place."""
        key = (apid, decoded.container)
        if key in self._seen:
            return None
        self._seen.add(key)
        places = self._definition.places(decoded.container)
        return frame_layout(message_type, places) if places else None
