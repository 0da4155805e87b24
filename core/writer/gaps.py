"""`IngestGap`: what a transport can no longer give is recorded as an event of the Core's own
(invariant 7: nothing is lost silently).
"""

from __future__ import annotations

import msgspec

from sdk import timestamps
from sdk.address import SCOPE_TOKEN
from sdk.envelope import JsonObject
from sdk.event import Event, check
from sdk.transport.base import Gap

INGEST_GAP = "IngestGap"


def gap_event(link: str, gap: Gap, *, scope_id: str, now_ns: int) -> Event:
    """The event that tells of a gap; it goes the way of every other event (AMB-13).

    Its scope is the stream's, or `scope_id` where the stream is of no single scope.
    """
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
