"""An export worker process: reads the range and writes its share of the files; the first worker
also packs the zip.

Each worker reads the whole range and passes it to the same router and drivers as the daily files;
a file's path determines its share. The process exits when its stdin closes.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import msgspec

from core.exports.manifest import MANIFEST_FILE, encode, manifest_of
from core.exports.package import pack
from core.files.bindings import Bound, Chooser, OneDriver
from core.files.folder import Folder
from core.files.openings import Openings
from core.files.router import Failure, Router
from core.jobs import (
    Brought,
    ExportJob,
    Failed,
    NotWritten,
    Pack,
    Packed,
    Passed,
    Report,
    Request,
    Written,
    decode_request,
    line,
)
from core.reader.selection import Selection
from core.replay.pieces import Replay
from core.reserve import Reserve
from core.store import catalog
from core.store.archive import Archive
from sdk import lifecycle
from sdk.digest import Digest
from sdk.drivers.registry import Registry
from sdk.errors import DriverError, NovaError
from sdk.shards.messages import Job

MEMORY_BYTES = 64 * 1024 * 1024
TAKEN_TOGETHER_EVENTS = 5_000
REPORT_INTERVAL_S = 0.25
FILES_FOLDER = "files"

Say = Callable[[Report], None]


class TooLargeError(NovaError):
    """The export exceeds its maximum size."""


def serve(data: Path) -> None:
    """Run one export job and, on request, pack; reports go to stdout."""
    lifecycle.collect_seldom()
    lifecycle.open_many()
    lifecycle.give_way()
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a driver's prints must not mix with reports
    requests: SimpleQueue[Request] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()

    def send_report(report: Report) -> None:
        with os.fdopen(os.dup(stdout), "wb") as out:
            out.write(line(report))

    try:
        _work(data, requests, send_report)
    except TooLargeError as error:
        send_report(Failed(code="exportTooLarge", reason=str(error)))
    except OSError as error:
        code = "diskFull" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "disk"
        send_report(Failed(code=code, reason=f"cannot write the export: {error.strerror}"))
    except DriverError as error:
        send_report(Failed(code="driver", reason=str(error)))
    except NovaError as error:
        send_report(Failed(code="archive", reason=str(error)))


def _listen(requests: SimpleQueue[Request]) -> None:
    """Queue requests; exit when stdin closes, even if the job still runs."""
    for text in sys.stdin.buffer:
        requests.put(decode_request(text))
    os._exit(1)


def _work(data: Path, requests: SimpleQueue[Request], say: Say) -> None:
    job = requests.get()
    assert isinstance(job, ExportJob)
    with tempfile.TemporaryDirectory(prefix="nova-export-") as scratch:
        archive = Archive.open_secondary(data, Path(scratch), MEMORY_BYTES)
    target = Path(job.folder) / FILES_FOLDER
    folder = Folder(target, Reserve(target, job.reserve_bytes, data))
    try:
        catalog.check_schema(archive.get("catalog", catalog.SCHEMA_KEY), archive.path)
        say(Export(data, archive, job, folder).bring(say))
        request = requests.get()
        assert isinstance(request, Pack)
        say(_packed(job, request, folder))
        threading.Event().wait()  # until stdin closes, which ends the process
    finally:
        folder.close()
        archive.close()


def _packed(job: ExportJob, request: Pack, folder: Folder) -> Packed:
    manifest = manifest_of(job, request.brought)
    target = Path(job.folder) / request.name
    with target.open("xb") as out:
        paths = [file.path for file in manifest.files]
        pack(folder, paths, (MANIFEST_FILE, encode(manifest)), out)
        out.flush()
        os.fsync(out.fileno())
        return Packed(bytes=out.tell())


class Export:
    """One share of one export."""

    def __init__(self, data: Path, archive: Archive, job: ExportJob, folder: Folder) -> None:
        self._job = job
        self._folder = folder
        self._replay = Replay(
            data,
            archive,
            Job(
                start_ns=job.start_ns,
                stop_ns=job.stop_ns,
                timebase=job.timebase,
                filters=job.filters,
                mark=job.mark,
            ),
        )
        registry = Registry.load(job.preference)
        self._bound = Bound(self._replay.view, registry, job.timebase)
        self._bound.load(job.mark)
        chooser: Chooser = (
            self._bound if job.driver is None else OneDriver(registry.named(job.driver))
        )
        snapshot = self._replay.view
        event_filter = Selection(job.filters, snapshot.series)
        initial_states = Openings(snapshot, event_filter, chooser, job.timebase, job.start_ns)
        self._router = Router(folder, chooser, initial_states, share=job.share, shares=job.shares)
        self._digest = Digest()
        self._keys: list[bytes] = []
        self._said_at = 0.0

    def bring(self, say: Say) -> Brought:
        """Write the files of this share and report progress."""
        job = self._job
        pieces = self._replay.passing(job.start_ns, job.stop_ns + 1)
        total = sum(piece.events for piece in pieces)
        done = 0
        for piece in pieces:
            self._read(piece.start_ns, piece.stop_ns)
            done += piece.events
            self._tell(say, done, total)
        sinks = []
        for sink in self._router.seal():
            sink.tidy()
            self._check_size()
            sinks.append(sink)
            self._tell(say, done, total)
        files, failures = [], [_lost(one) for one in self._router.failures()]
        for sink in sinks:
            if sink.failed:
                failures.append(_failed(sink.paths[0], sink.driver.name, sink.failed, sink.lost))
                continue
            for path in sink.paths:
                size = self._folder.size(path)
                if size is not None:
                    files.append(
                        Written(
                            path=path,
                            driver=sink.driver.name,
                            events=sink.state.file.events,
                            bytes=size,
                        )
                    )
        return self._brought(files, failures)

    def _read(self, start_ns: int, stop_ns: int) -> None:
        range_cursor = self._replay.reading(start_ns, stop_ns)
        while not range_cursor.done:
            found = range_cursor.slice(TAKEN_TOGETHER_EVENTS)
            if not found:
                continue
            self._router.take(found)
            if self._job.share == 0:
                self._digest.add([stored for _, stored in found])
            self._keys = [*(self._keys[:1] or [found[0][0]]), found[-1][0]]
            self._check_size()

    def _check_size(self) -> None:
        if self._folder.written_bytes > self._job.max_bytes:
            raise TooLargeError(
                f"the export exceeds {self._job.max_bytes} bytes: export a shorter range or fewer "
                "lanes, or raise `export_max_mib` and `exports_mib`"
            )

    def _tell(self, say: Say, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said_at >= REPORT_INTERVAL_S:
            self._said_at = now
            say(Passed(done=done, total=total, bytes=self._folder.written_bytes))

    def _brought(self, files: list[Written], failures: list[NotWritten]) -> Brought:
        if self._job.share != 0:
            return Brought(files=files, failures=failures)
        targets = self._router.targets
        return Brought(
            files=files,
            failures=failures,
            events=self._digest.events,
            lanes=self._router.lanes,
            first_key=self._keys[0].hex() if self._keys else None,
            last_key=self._keys[-1].hex() if self._keys else None,
            digest=self._digest.text(),
            bindings=[
                msgspec.Raw(stored) for target, stored in self._bound.envelopes if target in targets
            ],
        )


def _lost(failure: Failure) -> NotWritten:
    return NotWritten(
        target_id=failure.target_id,
        lane=failure.lane,
        stream_type=failure.stream_type,
        schema_version=failure.schema_version,
        driver=failure.driver,
        reason=failure.reason,
        events=failure.events,
    )


def _failed(path: str, driver: str, reason: str, events: int) -> NotWritten:
    return NotWritten(path=path, driver=driver, reason=reason, events=events)
