"""What the Core says of itself that others have written down."""

from __future__ import annotations

from pathlib import Path

from core.files.daily import STATE_FILE, State, write_state
from core.reader.health import file_failures
from sdk.settings import Settings


def test_failures_of_the_daily_files_are_told(tmp_path: Path) -> None:
    """A-204: counted where figures are collected; none while nothing says so."""
    settings = Settings(data=str(tmp_path), files=str(tmp_path / "elsewhere"), mode="ground")
    assert file_failures(settings) == 0
    settings.files_folder().mkdir()
    write_state(settings.files_folder(), State(failures=2, last_failure="No space left on device"))
    assert file_failures(settings) == 2
    (settings.files_folder() / STATE_FILE).write_text("{")
    assert file_failures(settings) == 0
