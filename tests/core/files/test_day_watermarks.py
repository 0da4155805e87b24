"""Day watermarks, by which daily files recognise their archive."""

from __future__ import annotations

from pathlib import Path

from nova.core.files import day_watermarks
from nova.core.ordering import time_key
from nova.core.utc_day import NS_PER_DAY
from tests.core.filing import MIDNIGHT_NS


def place(ns: int) -> bytes:
    """The place of an event of the first series."""
    return time_key(ns) + bytes(4)


def test_there_is_one_end_of_each_day_and_not_too_many() -> None:
    """The last event counts, also where a day is written once more."""
    kept: list[str] = []
    for number in range(day_watermarks.WATERMARKS_MAX_DAYS + 2):
        for second in (3, 5, 4):
            day_watermarks.record_watermark(kept, place(MIDNIGHT_NS + number * NS_PER_DAY + second))
    assert len(kept) == day_watermarks.WATERMARKS_MAX_DAYS
    assert kept[0] == place(MIDNIGHT_NS + 2 * NS_PER_DAY + 4).hex()
    assert day_watermarks.day_of_watermark(kept[0]) == "2026-01-29"


def test_only_days_are_put_aside_each_time_into_a_folder_of_their_own(tmp_path: Path) -> None:
    """What is not a day stays, and so do days before; nothing in quarantine is touched."""
    for name in ("2026-01-26", "2026-01-27", "2026-01-28", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "state.json").write_text("{}")
    assert day_watermarks.quarantine_days(tmp_path, "2026-01-27") == tmp_path / "replaced-1"
    assert day_watermarks.quarantine_days(tmp_path, "2026-01-27") is None
    assert day_watermarks.quarantine_days(tmp_path, "") == tmp_path / "replaced-2"
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    days = {"replaced-1/2026-01-27", "replaced-1/2026-01-28", "replaced-2/2026-01-26"}
    assert names == {"notes", "state.json", "replaced-1", "replaced-2", *days}
