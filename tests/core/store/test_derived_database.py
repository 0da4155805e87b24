"""Derived databases: what is whole is kept, whatever RocksDB does to its files meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.completeness import Completeness
from nova.core.store.live_files import LiveFiles

ROWS = 3


def test_a_compaction_at_the_start_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RocksDB may merge files as soon as it has opened them: between a look at the MANIFEST and
    one at the open files, the named ones are gone.
    """
    rows = [(b"k%d" % number, b"value") for number in range(ROWS)]
    for row in rows:  # Each opening makes a file of what the log holds; all files overlap.
        store = CheckpointStore.open_primary(tmp_path)
        store.write([row, (b"a", row[0]), (b"z", row[0])])
        store.close()
    merged: list[Completeness] = []
    fault_of_files, refresh = Completeness.fault_of_files, LiveFiles.refresh

    def merging(completeness: Completeness) -> str | None:
        def look(live: LiveFiles) -> bool:
            has_changed = refresh(live)
            if not merged:
                merged.append(completeness)
                completeness._database.compact_range(None, None)  # noqa: SLF001
            return has_changed

        monkeypatch.setattr(LiveFiles, "refresh", look)
        return fault_of_files(completeness)

    monkeypatch.setattr(Completeness, "fault_of_files", merging)
    store = CheckpointStore.open_primary(tmp_path)
    try:
        assert store.get_many([key for key, _ in rows]) == [value for _, value in rows]
    finally:
        store.close()
    assert merged


OPENS = """
import sys
import subprocess
import sys
from pathlib import Path
from nova.core.store.checkpoint_store import CheckpointStore
store = CheckpointStore.open_secondary(Path(sys.argv[1]), Path(sys.argv[2]))
print(store.get_many([b"key"]))
store.close()
"""


def test_a_damaged_file_of_options_ends_no_process(tmp_path: Path) -> None:
    """A-299: a flipped bit in it was a segmentation fault of every reader."""
    store = CheckpointStore.open_primary(tmp_path)
    store.write([(b"key", b"value")])
    store.close()
    damaged, right = b"[TableOptions/BlockBasedTabme", b"[TableOptions/BlockBasedTable"
    for path in (tmp_path / CheckpointStore.FOLDER).glob("OPTIONS-*"):
        assert right in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(right, damaged))
    command = [sys.executable, "-c", OPENS, str(tmp_path), str(tmp_path / "scratch")]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"[b'value']\n"), done.stderr
