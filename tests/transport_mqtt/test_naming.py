"""Topics of addresses, and addresses of topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import address
from nova.sdk.errors import AddressError, TransportError
from nova.transport_mqtt.naming import address_of, commands_of, topic_of, topics_of

IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ADDRESSES = st.one_of(
    st.tuples(IDS, st.sampled_from(address.LANES), IDS, IDS, IDS).map(
        lambda ids: str(address.entity(*ids))
    ),
    st.tuples(IDS, IDS).map(lambda ids: address.dispatch(*ids)),
    st.tuples(IDS, IDS).map(lambda ids: f"nova.{ids[0]}.command.{ids[1]}:CommandResult.v1"),
)


@pytest.mark.law
@given(ADDRESSES)
def test_an_address_comes_back_from_its_topic(one: str) -> None:
    """The topic says everything, and has no wildcard."""
    topic = topic_of(one)
    assert address_of(topic) == one
    assert not set(topic) & set("+#.")
    assert topic.startswith(topics_of(address.parse(one).scope_id).removesuffix("#"))


@pytest.mark.law
@given(st.one_of(st.text(), st.text("nova/.+#v1", max_size=20)))
def test_a_topic_that_is_no_address_becomes_none(topic: str) -> None:
    """The Core rejects it; and no two topics become one address."""
    found = address_of(topic)
    try:
        address.parse(found)
    except AddressError:
        assert found == f"mqtt:{topic}"
    else:
        assert topic_of(found) == topic


@pytest.mark.parametrize("one", [None, "", "nova.a.b", "nova.s.raw.a/b.c.d.v1"])
def test_a_record_without_an_address_is_not_published(one: str | None) -> None:
    """Nobody could find it."""
    with pytest.raises(TransportError, match="address"):
        topic_of(one)


def test_filters_of_scopes_and_commands() -> None:
    """A scope's filter finds nothing of a scope whose name begins alike."""
    assert topics_of("sat") == "nova/sat/#"
    assert topics_of(None) == "nova/#"
    assert commands_of("sat") == "nova/sat/command/+/v1"
