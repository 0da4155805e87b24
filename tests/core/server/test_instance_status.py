"""The parts of the status that other processes have written to files."""

from __future__ import annotations

from pathlib import Path

from nova.core.files.daily_files_state import STATE_FILE, DailyFilesState, write_state
from nova.core.server.instance_status import files_health
from nova.core.store.quarantine import QUARANTINE_FOLDER
from nova.sdk.client.client import Client
from nova.sdk.settings import Settings
from tests.core.running import Core


def test_failures_of_the_daily_files_are_told(tmp_path: Path) -> None:
    """A-204: counted where figures are collected; none while nothing says so."""
    settings = Settings(data=str(tmp_path), files=str(tmp_path / "elsewhere"), mode="ground")
    assert files_health(settings).failures == 0
    settings.files_folder().mkdir()
    write_state(
        settings.files_folder(), DailyFilesState(failures=2, last_failure="No space left on device")
    )
    assert files_health(settings).failures == 2
    (settings.files_folder() / STATE_FILE).write_text("{")
    assert files_health(settings).failures == 0


async def test_what_was_cut_off_the_logs_is_told(core: Core) -> None:
    """For as long as it lies in the quarantine."""
    async with await Client.to_core(core.data) as client:
        assert (await client.status()).quarantined == []
        folder = core.data / QUARANTINE_FOLDER
        folder.mkdir()
        (folder / "000007.log.from-4096.1").write_bytes(b"garbage")
        assert (await client.status()).quarantined == ["000007.log.from-4096.1"]
