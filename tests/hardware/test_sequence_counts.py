"""Sequence counts: none is given out twice, over restarts too, and they wrap at 14 bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.hardware.sequence_counts import MODULUS, SequenceCounts
from nova.sdk.errors import NovaError


def test_each_apid_counts_for_itself_over_restarts(tmp_path: Path) -> None:
    """What another process gave out is not given out again."""
    path = tmp_path / "of" / "counts.json"
    assert [SequenceCounts(path).reserve(7) for _ in range(3)] == [0, 1, 2]
    assert [SequenceCounts(path).reserve(8), SequenceCounts(path).reserve(7)] == [0, 3]


def test_the_count_wraps(tmp_path: Path) -> None:
    """14 bits."""
    path = tmp_path / "counts.json"
    path.write_text(f'{{"7": {MODULUS - 1}}}')
    counts = SequenceCounts(path)
    assert [counts.reserve(7), counts.reserve(7)] == [MODULUS - 1, 0]


def test_a_count_is_not_given_out_where_it_cannot_be_kept(tmp_path: Path) -> None:
    """Otherwise the next process would give it out again."""
    path = tmp_path / "counts.json"
    counts = SequenceCounts(path)
    path.with_name(f"{path.name}.new").mkdir()
    with pytest.raises(OSError):
        counts.reserve(7)
    path.with_name(f"{path.name}.new").rmdir()
    assert counts.reserve(7) == 0


@pytest.mark.parametrize("text", ["", "[]", '{"7": "x"}', '{"x": 1}', "\xff"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    """Not a count that starts over in silence."""
    path = tmp_path / "counts.json"
    path.write_text(text)
    with pytest.raises(NovaError, match="move it away to start again from 0"):
        SequenceCounts(path)
