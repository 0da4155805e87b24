"""What a TCP stream's definition may say, and the reason for everything else."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nova.edge.access import Access
from nova.edge.tcp_stream_rules import check_creator, check_definition, names_hidden
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition

ENTITY = {"system_id": "radio", "container_id": "rx", "unique_id": "a"}


def definition(filters: dict[str, Any] | None = None, **members: Any) -> TcpStreamDefinition:
    return TcpStreamDefinition(name="s", port=7001, filters=Filters(**(filters or {})), **members)


GOOD = (
    definition(),
    definition({"lanes": ["ui", "parsed"], "message_types": ["Imu"]}, with_address=True),
    definition({"system_id": "nova", "container_id": "health"}),
    definition({"container_id": "audit"}),
    definition({"unique_id": "setupStreams"}),
    *(
        definition(ENTITY, format="payloadOnly", framing=framing)
        for framing in ("none", "newline", "length2", "length4", "slip")
    ),
)


@pytest.mark.parametrize("good", GOOD)
def test_what_keeps_the_rules_passes(good: TcpStreamDefinition) -> None:
    check_definition(good, is_ground=False)


PAYLOAD: dict[str, Any] = {"format": "payloadOnly"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (definition(**PAYLOAD), "add systemId, containerId, uniqueId"),
        (definition({"system_id": "radio", "unique_id": "a"}, **PAYLOAD), "add containerId,"),
        (definition({"lanes": ["raw"]}, **PAYLOAD), "single entity"),
        (definition(ENTITY, **PAYLOAD, with_address=True), "withAddress"),
        (definition(framing="slip"), "framing slip is of payloadOnly"),
        (definition({"system_id": "tcpStream"}), "cannot read streams"),
        (definition({"system_id": "tcp*"}), "no wildcards"),
        (definition({"system_id": "*"}), "no wildcards"),
        (definition({"system_id": ""}), "not an id"),
        (definition({"scope_ids": ["a", "b c"]}), "scopeIds 'b c'"),
        (definition({"message_types": ["*"]}), "messageTypes '.'"),
        (definition({"lanes": []}), "lanes is empty"),
        (definition({"scope_ids": ["a"] * 101}), "101 values"),
        (definition({"message_types": ["M" * 128] * 70}), "bytes of JSON, the limit is 8192"),
        (definition({"system_id": "s" * 100_000}), "bytes of JSON, the limit is 8192"),
        (definition({"system_id": "nova", "container_id": "audit"}), "audit trail"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_rule(bad: TcpStreamDefinition, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason) as refused:
        check_definition(bad, is_ground=False)
    assert refused.value.code == "badStream"


def test_a_ground_archive_needs_the_scope_of_the_entity() -> None:
    """The same ids mean another entity in another scope."""
    for scopes in (None, ["a", "b"]):
        two = definition({**ENTITY, "scope_ids": scopes}, format="payloadOnly")
        check_definition(two, is_ground=False)
        with pytest.raises(ProtocolError, match="scopeId"):
            check_definition(two, is_ground=True)
    one = definition({**ENTITY, "scope_ids": ["a"]}, format="payloadOnly")
    check_definition(one, is_ground=True)
    check_definition(definition(), is_ground=True)


def test_a_stream_names_nothing_that_its_creator_may_not_see() -> None:
    """Nor is one that does shown to anybody else who may not."""
    limited = Access("ann", "key", "operator", math.inf, scopes=("a",), lanes=("ui",))
    free = Access("bob", "user", "admin", math.inf)
    for bad, name in (({"scope_ids": ["a", "b"]}, "scope 'b'"), ({"lanes": ["raw"]}, "lane 'raw'")):
        with pytest.raises(ProtocolError, match=name) as refused:
            check_creator(definition(bad), limited)
        assert refused.value.code == "forbidden"
        check_creator(definition(bad), free)
        assert names_hidden(definition(bad), limited) and not names_hidden(definition(bad), free)
    check_creator(definition({"scope_ids": ["a"], "lanes": ["ui"]}), limited)
    check_creator(definition(), limited)
    assert not names_hidden(definition(), limited)
