"""RequestIds and commandIds: the first request has them, others are counted."""

from __future__ import annotations

import msgspec

from nova.core.store import catalog
from nova.core.writer.commit import Commit
from nova.core.writer.stages.command_requests import record_requests
from nova.sdk import timestamps
from nova.sdk.transport.base import Record
from tests.core.conftest import START_NS
from tests.core.telling import telling
from tests.core.writer.staging import new_events, run, stamped


def request(at: int, command_id: str, request_id: str, scope: str = "sat") -> Record:
    """A CommandRequest of a time."""
    members = {
        "scopeId": scope,
        "lane": "command",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": "u",
        "sourceTruthTime": timestamps.text(START_NS + at),
        "messageType": "CommandRequest",
        "commandId": command_id,
        "requestId": request_id,
        "targetId": "u",
        "commandType": "go",
        "timelineMode": "LIVE",
        "payload": {},
    }
    return Record(None, msgspec.json.encode(members))


def test_the_first_request_of_a_batch_has_its_ids(open_commit: Commit) -> None:
    """A-183, AMB-21: the order key of the first, in each scope; the second is a clash."""
    records = [
        telling(START_NS),
        request(1, "c1", "r1"),
        request(2, "c2", "r1"),
        request(3, "c1", "r2"),
        request(4, "c1", "r1", "other"),
    ]
    events = stamped(new_events(records), open_commit)
    added = run(record_requests, events, open_commit)
    keys = events.columns.keys
    assert dict(added.rows) == {
        catalog.request_key("sat", "r1"): keys[1],
        catalog.command_key("sat", "c1"): b"r1",
        catalog.request_key("sat", "r2"): keys[3],
        catalog.request_key("other", "r1"): keys[4],
        catalog.command_key("other", "c1"): b"r1",
    }
    assert set(added.keys) == set(dict(added.rows))
    assert added.increments.request_clashes == 1


def test_the_open_commit_has_the_first_one(open_commit: Commit) -> None:
    """A request of an earlier batch of the same commit keeps its ids."""
    first = stamped(new_events([request(1, "c1", "r1")]), open_commit)
    open_commit.add(run(record_requests, first, open_commit))
    again = stamped(new_events([request(2, "c1", "r1")]), open_commit)
    added = run(record_requests, again, open_commit)
    assert (list(added.rows), added.increments.request_clashes) == ([], 1)


def test_only_the_requests_of_the_part_are_recorded(open_commit: Commit) -> None:
    """Those behind it belong to the next commit."""
    events = stamped(new_events([request(n, f"c{n}", f"r{n}") for n in range(4)]), open_commit)
    added = run(record_requests, events.part(1, 2), open_commit)
    assert set(added.keys) == {catalog.request_key("sat", "r1"), catalog.command_key("sat", "c1")}
    plain = stamped(new_events([telling(START_NS)]), open_commit)
    assert not run(record_requests, plain, open_commit).rows
