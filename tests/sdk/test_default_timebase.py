"""The timebase of requests that name none, for those who read an archive without its instance."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk import default_timebase
from nova.sdk.protocol.messages import Timebase


@pytest.mark.parametrize("timebase", ["source", "canonical"])
def test_what_an_instance_was_told_is_known_without_it(tmp_path: Path, timebase: Timebase) -> None:
    """The last word counts."""
    default_timebase.write(tmp_path, "canonical")
    default_timebase.write(tmp_path, timebase)
    assert default_timebase.read(tmp_path) == timebase
    assert [path.name for path in tmp_path.iterdir()] == [default_timebase.TIMEBASE_FILE]


@pytest.mark.parametrize("content", [None, b"", b"sundial", b"\xff\xfe"])
def test_where_nobody_has_said_any_it_is_that_of_ground(
    tmp_path: Path, content: bytes | None
) -> None:
    """An archive of an earlier version is read as before."""
    if content is not None:
        (tmp_path / default_timebase.TIMEBASE_FILE).write_bytes(content)
    assert default_timebase.read(tmp_path) == "canonical"
