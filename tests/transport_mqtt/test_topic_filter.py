"""Topic filters: what they match, and which two could match the same topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.transport_mqtt import topic_filter

LEVELS = st.sampled_from(["a", "b", "", "$x"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool)


@st.composite
def filters(draw: st.DrawFn) -> str:
    """A filter of up to four levels."""
    levels = draw(st.lists(st.one_of(LEVELS, st.just("+")), min_size=1, max_size=4))
    if draw(st.booleans()):
        levels[-1] = "#"
    return "/".join(levels) or "+"


@pytest.mark.parametrize(
    ("name", "topic", "found"),
    [
        ("home/+/temp", "home/kitchen/temp", ["kitchen"]),
        ("home/+/temp", "home/kitchen/hall/temp", None),
        ("home/+/temp", "home//temp", [""]),
        ("+/+", "a/b", ["a", "b"]),
        ("a/#", "a", []),
        ("a/#", "a/b/c", []),
        ("a/#", "ab", None),
        ("+/#", "$SYS/uptime", None),
        ("a", "a/b", None),
        ("a/b", "a", None),
    ],
)
def test_a_filter_matches_as_in_mqtt(name: str, topic: str, found: list[str] | None) -> None:
    """MQTT 5, 4.7."""
    assert topic_filter.match(name, topic) == found


@pytest.mark.parametrize("name", ["", "a/#/b", "a+/b", "a/b#", "a\0b", "x" * 65_536])
def test_what_is_no_filter_has_a_reason(name: str) -> None:
    """A broker would refuse it, or end the connection."""
    assert topic_filter.fault(name)


@pytest.mark.law
@given(filters(), filters(), TOPICS)
def test_a_topic_that_both_match_shows_that_they_overlap(one: str, other: str, topic: str) -> None:
    """No message is delivered for two devices."""
    assert topic_filter.fault(one) is None
    both = topic_filter.match(one, topic), topic_filter.match(other, topic)
    if None not in both:
        assert topic_filter.overlap(one, other)
        assert topic_filter.overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("a/+", "a/b/c"), ("a/b", "a/c"), ("+/a", "+/b"), ("a", "a/+")]
)
def test_filters_apart_do_not_overlap(one: str, other: str) -> None:
    """They may stand beside each other in a mapping."""
    assert not topic_filter.overlap(one, other)
