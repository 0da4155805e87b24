"""Real exports of a small archive, as zips and as folders, for tests of imports."""

from __future__ import annotations

import zipfile
from pathlib import Path

from nova.core import export_protocol
from nova.sdk.protocol.message import Timebase
from tests.core.batch.test_export_worker import job, reports, worker
from tests.core.filing import PREFERENCES, filed

EVENTS = 60


def exported(folder: Path, driver: str, timebase: Timebase = "source") -> Path:
    """The zip of an export by one driver, or ("") by those that are bound."""
    data = folder / "data"
    with filed(data, PREFERENCES["rawBinary"], EVENTS) as archive:
        mark = archive.committer.last_ns
    asked = job(folder / "out", mark, driver)
    asked.timebase = timebase
    asked.driver = driver or None
    asked.preference = list(PREFERENCES["rawBinary"])
    (folder / "out").mkdir()
    with worker(data) as process:
        brought = reports(process, asked)
        assert isinstance(brought, export_protocol.WorkerResult)
        packed = reports(process, export_protocol.PackRequest(name="export.zip", brought=[brought]))
        assert isinstance(packed, export_protocol.PackResult)
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
