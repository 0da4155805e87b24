"""A resumed file: the bytes that its state counts stay, later ones are cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk.batch.resumable_file import (
    OutputState,
    ReplayPlan,
    ResumableFile,
    read_state,
    state_path,
    write_state,
)
from nova.sdk.errors import NovaError


def test_what_is_not_counted_is_cut_off(tmp_path: Path) -> None:
    """After an end at any moment the file continues behind the last line that its state counts."""
    path = tmp_path / "out"
    with ResumableFile(path, ReplayPlan(request={"from": None}, watermark=7)) as output:
        output.write(b"a\nb\n", 2, "01")
        output.save()
        output.write(b"c\n", 1, "02")
    assert b'"plan":{"asked":{"from":null},"mark":7' in state_path(path).read_bytes()  # as before
    with path.open("ab") as torn:
        torn.write(b"half a li")
    with ResumableFile(path) as output:
        counted = output.state
        assert (counted.bytes, counted.events, counted.after) == (4, 2, "01")
        assert counted.plan == ReplayPlan(request={"from": None}, watermark=7)
        output.write(b"d\n", 1, "03")
        output.write(b"", 0, "")
        output.finish()
    assert path.read_bytes() == b"a\nb\nd\n"
    state = read_state(state_path(path), OutputState)
    assert state is not None and (state.after, state.is_done) == ("03", True)


def test_an_orderly_end_counts_everything(tmp_path: Path) -> None:
    """Who is interrupted between two lines loses none of them."""
    path = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), ResumableFile(path) as output:
        output.write(b"a\n", 1, "01")
        output.write(b"b\n", 1, "02")
        raise KeyboardInterrupt
    with ResumableFile(path) as output:
        assert output.state.bytes == 4


def test_what_was_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    """A file that is shorter than its state counts, and a state that is none, are said."""
    path = tmp_path / "out"
    with ResumableFile(path) as output:
        output.write(b"a\nb\n", 2, "01")
        output.finish()
    path.write_bytes(b"a\n")
    with pytest.raises(NovaError, match="has 2 bytes but its state counts 4: the file was changed"):
        ResumableFile(path)
    state_path(path).write_bytes(b"nonsense")
    with pytest.raises(NovaError, match="is not a valid replay state"):
        ResumableFile(path)
    with pytest.raises(NovaError, match=r"cannot write .*absent/x"):
        write_state(tmp_path / "absent" / "x", OutputState())
