"""The golden vectors: envelopes with the ids that every implementation has to compute."""

from __future__ import annotations

from pathlib import Path

import msgspec

EVENT_ID_VECTORS = Path(__file__).parent / "vectors" / "event_id.json"


class Vector(msgspec.Struct, rename="camel"):
    """One envelope and its expected result."""

    name: str
    envelope: dict[str, object]
    normalized_source_truth_time: str
    event_id: str
    canonical_payload: str | None = None

    def part(self, member: str) -> str:
        """A header member, empty where it is absent."""
        return str(self.envelope.get(member, ""))


class _Vectors(msgspec.Struct):
    vectors: list[Vector]


def vectors() -> list[Vector]:
    """All golden vectors, in the order of the file."""
    return msgspec.json.decode(EVENT_ID_VECTORS.read_bytes(), type=_Vectors).vectors
