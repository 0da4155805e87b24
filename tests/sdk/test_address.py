"""Addresses: one grammar for NATS subjects and for Kafka topics with their keys."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.sdk import address
from nova.sdk.address import LANE_PRIORITY, LANES, SCOPE_TOKEN, Address
from nova.sdk.errors import AddressError

ids = st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")
names = st.from_regex(r"\A[A-Za-z0-9_:-]{1,100}\Z")
lanes = st.sampled_from(LANES)
entities = st.builds(Address, ids, lanes, ids, ids, ids)
dispatches = st.builds(Address, ids, st.just("command"), subject=ids)
feedbacks = st.builds(
    lambda scope, command, name: Address(scope, "command", subject=f"{command}:{name}"),
    ids,
    ids,
    names,
)
topics = st.builds(Address, ids, lanes)
addresses = st.one_of(entities, dispatches, feedbacks, topics)


def test_lanes_are_in_priority_order() -> None:
    """Metadata, command, UI, parsed, raw: 0 to 4 (A-036)."""
    assert LANES == ("metadata", "command", "ui", "parsed", "raw")
    assert [LANE_PRIORITY[lane] for lane in LANES] == [0, 1, 2, 3, 4]


@given(addresses)
@settings(deadline=None)
def test_every_shape_reads_back_as_it_was_written(given_address: Address) -> None:
    """The text of an address says all of it (A-105, A-186, A-187, AMB-19)."""
    assert address.parse(str(given_address)) == given_address


@given(addresses)
@settings(deadline=None)
def test_a_kafka_topic_and_key_lose_nothing_of_an_address(given_address: Address) -> None:
    """Topic and record key together are the address (A-107, AMB-17)."""
    text = address.from_topic(given_address.topic(), given_address.tail())
    assert address.parse(text) == given_address


def test_the_shapes_of_the_public_contract() -> None:
    """The very texts that other producers write (A-105, A-186, A-187)."""
    entity = address.parse("nova.sat.raw.adcs.imu.gyro-1.v1")
    assert entity == Address("sat", "raw", "adcs", "imu", "gyro-1")
    assert (entity.topic(), entity.tail()) == ("nova.sat.raw.v1", "adcs.imu.gyro-1")
    assert address.entity("sat", "raw", "adcs", "imu", "gyro-1") == entity
    dispatch = address.parse("nova.sat.command.req-1.v1")
    assert dispatch == Address("sat", "command", subject="req-1")
    feedback = address.parse("nova.sat.command.cmd-1:CommandProgress.v1")
    assert feedback == Address("sat", "command", subject="cmd-1:CommandProgress")
    scope_global = address.parse("nova.sat.metadata.__scope__.__scope__.__scope__.v1")
    assert scope_global.unique_id == SCOPE_TOKEN


@pytest.mark.parametrize(
    ("text", "names_it"),
    [
        ("", "''"),
        ("nova", "'nova'"),
        ("nova.sat.raw.a.b.v1", "nova.<scopeId>.<lane>"),
        ("nova.sat.raw.a.b.c.d.v1", "nova.<scopeId>.<lane>"),
        ("nova.sat.raw.a.b.c.v2", "nova.<scopeId>.<lane>"),
        ("NOVA.sat.raw.a.b.c.v1", "nova.<scopeId>.<lane>"),
        ("nova.sat.video.a.b.c.v1", "lane 'video'"),
        ("nova..raw.a.b.c.v1", "scopeId ''"),
        ("nova.sat.raw..b.c.v1", "systemId ''"),
        ("nova.sat.raw.a.b c.d.v1", "containerId 'b c'"),
        ("nova.sat.raw.a.b.c\n.v1", "uniqueId 'c\\n'"),
        ("nova.sat.raw.a.b.é.v1", "uniqueId 'é'"),
        ("nova.sat.raw.a.b." + "c" * 65 + ".v1", "uniqueId"),
        ("nova.*.raw.a.b.c.v1", "scopeId '*'"),
        ("nova.sat.raw.a.b.>.v1", "uniqueId '>'"),
        ("nova.sat.raw.req-1.v1", "command lane"),
        ("nova.sat.command.:CommandResult.v1", "commandId or requestId ''"),
        ("nova.sat.command.cmd:.v1", "messageType ''"),
        ("nova.sat.command.cmd:a b.v1", "messageType 'a b'"),
    ],
)
def test_what_is_no_address_is_refused_by_the_token_that_is_wrong(text: str, names_it: str) -> None:
    """No silent derivation from a malformed address (A-077, A-105)."""
    with pytest.raises(AddressError) as caught:
        address.parse(text)
    assert names_it in str(caught.value)


@given(st.text())
@settings(deadline=None)
def test_any_text_is_an_address_or_an_address_error(text: str) -> None:
    """Nothing else comes out, and what is taken says the same again (A-105)."""
    try:
        parsed = address.parse(text)
    except AddressError:
        return
    assert str(parsed) == text


def test_ids_and_names() -> None:
    """Id tokens are narrower than names (AMB-04, AMB-19)."""
    assert address.is_id("a" * 64) and not address.is_id("a" * 65)
    assert address.is_name("a.b:c-d_" * 16) and not address.is_name("a" * 129)
    for text in ("", "a b", "a\n", "a|b", "a/b", "ä"):
        assert not address.is_id(text)
        assert not address.is_name(text)
    for text in ("a.b", "a:b", "a*", "a>"):
        assert not address.is_id(text)


@pytest.mark.parametrize("token", ["", "a.b", "a b", "x" * 65])
def test_an_entity_of_tokens_that_are_no_ids_has_no_address(token: str) -> None:
    """Building is as strict as reading (A-105)."""
    with pytest.raises(AddressError):
        address.entity("sat", "raw", "sys", "cont", token)
