"""`IngestGap` events: they record positions that a transport can no longer deliver, so that no loss
is silent.
"""

from __future__ import annotations

import msgspec

from nova.sdk import timestamps
from nova.sdk.address import SCOPE_TOKEN
from nova.sdk.events.event import Event, check
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Gap

INGEST_GAP = "IngestGap"


def gap_event(link: str, gap: Gap, *, scope_id: str, now_ns: int) -> Event:
    """The event for a gap. Its scope is the stream's, or `scope_id` if the stream has several."""
    where: JsonObject = {} if gap.partition is None else {"partition": gap.partition}
    envelope: JsonObject = {
        "scopeId": gap.scope_id or scope_id,
        "lane": "metadata",
        "systemId": SCOPE_TOKEN,
        "containerId": SCOPE_TOKEN,
        "uniqueId": SCOPE_TOKEN,
        "sourceTruthTime": timestamps.text(now_ns),
        "messageType": INGEST_GAP,
        "payload": {
            "link": link,
            "topic": gap.topic,
            **where,
            "from": gap.from_position,
            "to": gap.to_position,
            "reason": gap.reason,
        },
    }
    return check(msgspec.json.encode(envelope))
