"""Addresses to topics and keys, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import address
from nova.sdk.errors import AddressError
from nova.sdk.transport.base import Subscription
from nova.transport_kafka import naming

IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z0-9_:-]{1,128}", fullmatch=True)
LANES = st.sampled_from(address.LANES)
ADDRESSES = st.one_of(
    st.builds(address.Address, IDS, LANES),
    st.builds(address.Address, IDS, LANES, IDS, IDS, IDS),
    st.builds(address.Address, IDS, st.just("command"), subject=IDS),
    st.builds(
        lambda scope, command, name: address.Address(scope, "command", subject=f"{command}:{name}"),
        IDS,
        IDS,
        NAMES,
    ),
)


@given(ADDRESSES)
def test_topic_and_key_hold_all_of_an_address(wanted: address.Address) -> None:
    """A-105, A-107: there and back again, for every shape."""
    topic, key = naming.topic_and_key(str(wanted))
    encoded = key.encode() if key is not None else None
    assert naming.address_of(topic, encoded) == str(wanted)
    assert naming.is_subscribed(topic, Subscription(wanted.scope_id))
    assert naming.is_subscribed(topic, Subscription(None))
    assert not naming.is_subscribed(topic, Subscription(f"{wanted.scope_id}x"))


@given(st.binary(max_size=400))
def test_any_key_gives_an_address_or_something_that_is_none(key: bytes) -> None:
    """Whatever a foreign producer writes as a key, nothing crashes and nothing is invented."""
    text = naming.address_of("nova.sat.command.v1", key)
    try:
        parsed = address.parse(text)
    except AddressError:
        return
    assert parsed.tail().encode() == key


@given(st.integers(naming.KEY_MAX_BYTES + 1, 2_000_000))
def test_a_huge_key_is_cut_and_is_no_address(size: int) -> None:
    """An address text stays small, whatever the key's size."""
    text = naming.address_of("nova.sat.command.v1", b"x" * size)
    assert len(text) < 2 * naming.KEY_MAX_BYTES
    with pytest.raises(AddressError):
        address.parse(text)


@pytest.mark.parametrize(
    "topic",
    [
        "nova.a.raw.v2",
        "nova.a.b.raw.v1",
        "nova..raw.v1",
        "nova.a.row.v1",
        "xnova.a.raw.v1",
        "nova.a.raw.v1x",
        "novaxa.raw.v1",
        "__consumer_offsets",
        "raw",
        "",
    ],
)
def test_other_topics_are_not_consumed(topic: str) -> None:
    """AMB-17: the topics of nova.md §2 and no others."""
    assert not naming.is_subscribed(topic, Subscription(None))
