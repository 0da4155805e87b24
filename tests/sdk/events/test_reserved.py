"""Reserved kinds: refused in the Core's own scope, accepted in any other."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from nova.sdk.errors import EnvelopeError
from nova.sdk.events.audit_entry import AuditKind
from nova.sdk.events.checker import Checker
from nova.sdk.events.reserved import reserved_member
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import published_body
from tests.sdk.manifests.test_manifest import MANIFEST

TIME = "2026-01-01T00:00:00Z"
BINDING: JsonObject = {
    "targetId": "sat|bus|eps|u",
    "targetLane": "raw",
    "streamType": "raw",
    "driverId": "jsonl",
    "driverVersion": "1.0.0",
    "effectiveTime": TIME,
}


def envelope(
    message_type: str | None, body: JsonObject, *, scope: str, lane: str = "metadata", system: str
) -> bytes:
    """The record of one event."""
    header: JsonObject = {
        "scopeId": scope,
        "lane": lane,
        "systemId": system,
        "containerId": "eps",
        "uniqueId": "u",
        "sourceTruthTime": TIME,
    }
    kind = {} if message_type is None else {"messageType": message_type}
    return msgspec.json.encode({**header, **kind, **body})


NOTHING: JsonObject = {"payload": {}}
METADATA: list[tuple[str, JsonObject]] = [
    ("ManifestPublished", published_body(MANIFEST)),
    ("DriverBinding", BINDING),
    *(
        (kind, NOTHING)
        for kind in (
            "IngestGap",
            "AlarmRulePublished",
            "AlarmAcknowledged",
            "AlarmAction",
            *get_args(AuditKind),
        )
    ),
]
ANYTHING: list[tuple[str, str | None, JsonObject]] = [
    ("raw", None, {"bytes": "AA=="}),
    ("parsed", "Count", {"schemaVersion": "1", "payload": {}}),
    ("metadata", "Note", {"payload": {}}),
    ("ui", "UiUpdate", {"viewId": "v", "manifestId": "m", "manifestVersion": "1", "data": {}}),
    (
        "command",
        "CommandResult",
        {"commandId": "c", "targetId": "u", "commandType": "go", "status": "success"},
    ),
]


@pytest.mark.parametrize(("kind", "body"), METADATA, ids=[kind for kind, _ in METADATA])
def test_types_of_the_core_are_refused_in_its_own_scope(kind: str, body: JsonObject) -> None:
    """By name and rule, and they do not block their neighbours; elsewhere they are what
    that scope's authority says.
    """
    plain = envelope("Count", {"schemaVersion": "1", "payload": {}}, scope="sat", lane="parsed",
                     system="bus")  # fmt: skip
    own = envelope(kind, body, scope="sat", system="bus")
    checker = Checker(own_scope="sat")
    checked = checker.check_all([(None, one, "") for one in (plain, own, plain)])
    assert len(checked.ids) == 2
    (refused,) = checked.refusals
    assert (refused.place, refused.code, refused.member) == (1, "reserved", "messageType")
    assert kind in refused.reason and "nova import" in refused.reason
    assert checker.check(envelope(kind, body, scope="other", system="bus"), None)


@pytest.mark.parametrize("system", ["nova", "tcpStream"])
@pytest.mark.parametrize(("lane", "kind", "body"), ANYTHING, ids=[one[0] for one in ANYTHING])
def test_systems_of_the_core_are_refused_on_every_lane(
    lane: str, kind: str | None, body: JsonObject, system: str
) -> None:
    """Also when neighbours of other scopes have been remembered as plain."""
    checker = Checker(own_scope="sat")
    foreign = envelope(kind, body, scope="other", lane=lane, system=system)
    own = envelope(kind, body, scope="sat", lane=lane, system=system)
    address = f"nova.sat.{lane}.{system}.eps.u.v1"
    for _ in range(2):
        assert checker.check_all([(None, foreign, "")]).refusals == []
        for where in (None, address) if lane != "command" else (None,):
            (refused,) = checker.check_all([(where, own, "")]).refusals
            assert (refused.code, refused.member) == ("reserved", "systemId")
    ours = envelope(kind, body, scope="sat", lane=lane, system="bus")
    assert checker.check_all([(None, ours, "")]).refusals == []


def test_a_checker_without_a_scope_of_its_own_takes_all() -> None:
    """Such as the one of `nova eventid`."""
    try:
        Checker("sat").check(envelope("DriverBinding", BINDING, scope="sat", system="nova"), None)
    except EnvelopeError as error:
        pytest.fail(str(error))


def test_other_lanes_may_use_the_names() -> None:
    """A parsed message of that type is a producer's own."""
    assert reserved_member("parsed", "bus", "ManifestPublished") is None
    assert reserved_member("metadata", "bus", "ProducerDescriptor") is None
