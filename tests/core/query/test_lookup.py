"""Looking up events: each key gives its own event, in the requested order, for any layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.errors import ArchiveDamagedError
from nova.core.ordering import time_key
from nova.core.query import lookup
from nova.core.store.archive import Archive
from nova.core.store.keys import series_bytes
from tests.laws import law

HOUR = 3_600_000


def place_at(time: int) -> bytes:
    """A place in canonical."""
    return time_key(time) + series_bytes(time % 5)


def filled(archive: Archive, times: set[int], size: int = 20) -> None:
    """Put an envelope at each of these times; it says its time."""
    for time in times:
        archive.families["canonical"].put(place_at(time), b"%020d" % time + b"x" * (size - 20))


@law(60)
@given(
    dense=st.sets(st.integers(0, 400), max_size=300),
    far=st.sets(st.integers(1_000, HOUR), max_size=90),
    holes=st.sets(st.integers(0, 400), max_size=100),
    dice=st.randoms(use_true_random=False),
)
def test_each_place_gives_its_event(
    dense: set[int],
    far: set[int],
    holes: set[int],
    dice: object,
    archive: Archive,
) -> None:
    """Neighbours, outliers, and rows between them that were not requested."""
    filled(archive, dense | far | holes)
    times = sorted(dense | far)
    dice.shuffle(times)  # type: ignore[attr-defined]
    places = [place_at(time) for time in times]
    found = lookup.look_up(archive, places, sorted(places), 1_000_000)
    assert [int(envelope) for envelope in found] == times


@pytest.mark.parametrize("gap", [1, HOUR])
def test_large_events_are_looked_up_as_far_as_fits(gap: int, archive: Archive) -> None:
    """A-145: memory is bounded; the end of the request is left out."""
    times = [number * gap for number in range(200)]
    filled(archive, set(times), size=1_000)
    places = [place_at(time) for time in times]
    found = lookup.look_up(archive, places, sorted(places), 20_500)
    assert [int(envelope[:20]) for envelope in found] == times[:21]


@pytest.mark.parametrize("around", [1, 40])
def test_an_event_that_is_not_there_is_damage(around: int, archive: Archive) -> None:
    """Pitfalls row 5: an index row without its event is reported, for any neighbours."""
    filled(archive, set(range(around)))
    places = [place_at(time) for time in (*range(around), around)]
    with pytest.raises(ArchiveDamagedError, match=places[-1].hex()):
        lookup.look_up(archive, places, places, 1_000_000)


def test_a_block_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    """Pitfalls row 5: looked up one by one or scanned, a damaged file is never an empty answer."""
    archive = Archive.open_primary(tmp_path)
    filled(archive, set(range(5_000)), size=200)
    archive.families["canonical"].flush()
    archive.close()
    for path in (tmp_path / "truth").glob("*.sst"):
        raw = bytearray(path.read_bytes())
        raw[2_000:30_000] = bytes(28_000)
        path.write_bytes(raw)
    again = Archive.open_primary(tmp_path)
    for count in (5, 1_000):
        places = [place_at(time) for time in range(count)]
        with pytest.raises(ArchiveDamagedError):
            lookup.look_up(again, places, places, 10_000_000)
    again.close()
