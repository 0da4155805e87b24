"""Real exports of a small archive, as zips and as folders, for tests of imports."""

from __future__ import annotations

import zipfile
from pathlib import Path

from nova.sdk.batch.range_messages import PackReply, PackRequest
from nova.sdk.batch.range_workers import RangeWorkers
from nova.sdk.protocol.message import Timebase
from tests.core.batch.test_range_worker import everything, output, written
from tests.core.filing import PREFERENCES, filed

EVENTS = 60


def exported(folder: Path, driver: str, timebase: Timebase = "source") -> Path:
    """The zip of an export by one driver, or ("") by those that are bound."""
    data = folder / "data"
    with filed(data, PREFERENCES["rawBinary"], EVENTS) as archive:
        mark = archive.committer.last_ns
    files = output(folder / "out", driver)
    files.driver = driver or None
    files.preference = list(PREFERENCES["rawBinary"])
    (folder / "out").mkdir()
    with RangeWorkers(data, 1, is_background=True) as workers:
        done = written(workers[0], everything(mark, timebase), files)
        workers[0].send(PackRequest(output=files, name="export.zip", results=[done.result]))
        packed, _ = workers[0].reply()
        assert isinstance(packed, PackReply)
    return folder / "out" / "export.zip"


def unpacked(path: Path, folder: Path) -> Path:
    """The same as a folder."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def changed(path: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """A zip with members that are others, or (None) gone."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = changes.get(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target
