"""However a playback is paused, sped up and chunked, each event is delivered once and in order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.foxglove.playback_position import PlaybackPosition, ReplayStart
from tests.laws import law

BEGIN_NS, END_NS = 0, 20

Event = tuple[int, str]
"""A time and a key; keys of one time are in the order of the stream."""


def read(events: Sequence[Event], start: ReplayStart) -> list[Event]:
    """What a stream delivers from a start on."""
    backwards = start.start_ns > start.stop_ns or str(start.rate).startswith("-")
    low, high = sorted((start.start_ns, start.stop_ns))
    ordered = sorted(events, reverse=backwards)
    found = [one for one in ordered if low <= one[0] <= high]
    after = start.after_key
    if after is None:
        return found
    return [one for one in found if (one[1] < after if backwards else one[1] > after)]


@law(examples=200)
@given(
    times=st.lists(st.integers(BEGIN_NS, END_NS), max_size=30),
    chunks=st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=60, max_size=60),
    backwards=st.booleans(),
)
def test_chunks_of_many_streams_are_one_stream(
    times: list[int], chunks: list[tuple[int, bool]], *, backwards: bool
) -> None:
    """Each chunk comes from a stream of its own; a paced one has a cursor beyond its events."""
    events = [(time, f"{time:02}-{number:02}") for number, time in enumerate(sorted(times))]
    position = PlaybackPosition(BEGIN_NS, END_NS)
    step = -1 if backwards else 1
    position.set_speed(float(step))
    position.seek(END_NS if backwards else BEGIN_NS)
    delivered: list[Event] = []
    for size, is_paced in chunks:
        start = position.start()
        left = [] if start is None else read(events, start)
        if not left:
            break
        part = left[:size]
        last_ns, last_key = part[-1]
        cursor_ns = last_ns
        if is_paced:
            part = [one for one in left if (one[0] - last_ns) * step <= 0]
            last_ns, last_key = part[-1]
            later = [one[0] for one in left if (one[0] - last_ns) * step > 0]
            cursor_ns = later[0] - step if later else last_ns
        delivered += part
        position.advance(cursor_ns, last_ns, last_key)
    assert delivered == sorted(events, reverse=backwards)


def test_it_turns_around_where_it_is() -> None:
    position = PlaybackPosition(BEGIN_NS, END_NS)
    position.advance(7, 5, "05")
    position.set_speed(-2.0)
    assert position.start() == ReplayStart(7, BEGIN_NS, -2.0, None)
    position.end()
    assert position.start() is None and position.cursor_ns == BEGIN_NS
    position.set_speed(3.0)
    assert position.start() == ReplayStart(BEGIN_NS, END_NS, 3.0, None)
    assert not position.is_ended


@pytest.mark.parametrize(
    ("speed", "rate"), [(2.5, 2.5), (math.inf, "max"), (-1e30, "-max"), (-1e9, -1e9)]
)
def test_speeds_that_no_clock_follows_are_not_paced(speed: float, rate: float | str) -> None:
    position = PlaybackPosition(BEGIN_NS, END_NS)
    position.set_speed(speed)
    start = position.start()
    assert start is not None and start.rate == rate


@pytest.mark.parametrize("speed", [0.0, -0.0, math.nan])
def test_no_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="pause it"):
        PlaybackPosition(BEGIN_NS, END_NS).set_speed(speed)


def test_a_range_of_one_moment_is_played_whole() -> None:
    position = PlaybackPosition(5, 5)
    position.seek(99)
    assert position.start() == ReplayStart(5, 5, 1.0, None)
    position.advance(5, None, None)
    assert position.start() is None
