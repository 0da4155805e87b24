"""The feed's frames are decoded as they were encoded; anything else is not a commit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.commit_feed import FRAMES, CommitFrame, LinkStates, NewSeries
from nova.sdk.channel import ChannelError
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.link import LinkState, Outage

times = st.integers(NS_MIN, NS_MAX)
names = st.builds(Series, *[st.text(max_size=4)] * 7)
events = st.tuples(st.binary(max_size=12), st.binary(max_size=9))
commits = st.builds(
    CommitFrame,
    times,
    st.lists(st.builds(NewSeries, st.integers(0, 2**32 - 1), names), max_size=3),
    st.none() | st.lists(events, max_size=4),
)


outages = st.builds(Outage, times, st.none() | times, st.text(max_size=9))
positions = st.dictionaries(st.text(max_size=4), st.integers(0, 2**53), max_size=3)
warnings = st.lists(st.text(max_size=4), max_size=2).map(tuple)
states = st.builds(
    LinkState, st.booleans(), st.integers(0, 9), st.none() | outages, positions, warnings
)


@given(st.dictionaries(st.text(max_size=4), states, max_size=3))
@settings(deadline=None)
def test_the_states_of_links_read_back(states: dict[str, LinkState]) -> None:
    """nova.md §7: what the writer's transports say reaches every reader."""
    assert FRAMES.decode(FRAMES.encode(LinkStates(states))) == LinkStates(states)


@given(commits)
@settings(deadline=None)
def test_a_commit_reads_back(committed: CommitFrame) -> None:
    """nova.md §6: what the writer made durable is what readers learn."""
    assert FRAMES.decode(FRAMES.encode(committed)) == committed
    assert FRAMES.decode(FRAMES.encode(committed.without_events())) == CommitFrame(
        committed.watermark, committed.series, None
    )


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xc1", b"\x93\x01\x90", b"\x92\x01\x81\xa2\xff\xfe\x95", b"\x93\xa1x\x90\xc0", b"text"],
)
def test_what_is_no_commit_is_an_error(frame: bytes) -> None:
    """Pitfalls row 29: the reader drops such a connection and takes a new one."""
    with pytest.raises(ChannelError):
        FRAMES.decode(frame)
