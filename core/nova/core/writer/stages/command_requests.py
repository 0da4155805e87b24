"""Records the requestIds and commandIds of CommandRequests, under which later ones find them."""

from __future__ import annotations

from nova.core.store import catalog
from nova.core.writer.additions import NOTHING, Additions, Increments
from nova.core.writer.columns import command_id_of
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import StampedEvents


def record_requests(events: StampedEvents, commit: Commit) -> Additions:
    """Record the first CommandRequest of each requestId, and the requestId that first used a
    commandId. Count the other requests.
    """
    columns = events.columns
    if not columns.requests:
        return NOTHING
    requests = dict(columns.requests)
    rows: dict[bytes, bytes] = {}
    clashes = 0
    taken = set(requests).intersection(events.numbers)
    for number in [number for number in requests if number in taken]:
        scope_id, request_id = columns.names[columns.series[number]].scope_id, requests[number]
        key = catalog.request_key(scope_id, request_id)
        if key in rows or commit.has_key(key):
            clashes += 1
            continue
        rows[key] = columns.keys[number]
        key = catalog.command_key(scope_id, command_id_of(columns.bodies[number]))
        if key not in rows and not commit.has_key(key):
            rows[key] = request_id.encode()
    return Additions(
        keys=rows, rows=list(rows.items()), increments=Increments(request_clashes=clashes)
    )
