"""The timebase of requests that name none, for those who read an archive without its instance."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk import default_timebase
from nova.sdk.archive_id import TRUTH_FOLDER
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Timebase


@pytest.mark.parametrize("timebase", ["source", "canonical"])
def test_what_an_instance_was_told_is_known_without_it(tmp_path: Path, timebase: Timebase) -> None:
    """The last word counts."""
    default_timebase.write(tmp_path, "canonical")
    default_timebase.write(tmp_path, timebase)
    assert default_timebase.read(tmp_path) == timebase
    assert [path.name for path in tmp_path.iterdir()] == [default_timebase.TIMEBASE_FILE]


@pytest.mark.parametrize("content", [b"", b"sundial", b"\xff\xfe", b"sourbe\n"])
def test_a_damaged_file_is_refused_with_what_it_may_hold(tmp_path: Path, content: bytes) -> None:
    """The order of a replay changed without a word."""
    (tmp_path / default_timebase.TIMEBASE_FILE).write_bytes(content)
    with pytest.raises(NovaError, match=r"timebase holds .*`source` or `canonical`"):
        default_timebase.read(tmp_path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    """For reading and for writing."""
    (tmp_path / default_timebase.TIMEBASE_FILE).mkdir()
    with pytest.raises(NovaError, match="timebase is a folder"):
        default_timebase.read(tmp_path)
    with pytest.raises(NovaError, match="timebase is a folder"):
        default_timebase.write(tmp_path, "source")


@pytest.mark.parametrize("has_archive", [True, False])
def test_a_missing_file_beside_an_archive_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, has_archive: bool
) -> None:
    """An archive of an earlier version is read as before."""
    if has_archive:
        (tmp_path / TRUTH_FOLDER).mkdir()
    assert default_timebase.read(tmp_path) == "canonical"
    assert ("is missing: the timebase is canonical" in caplog.text) == has_archive
