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

from nova.core.batch.export_manifest import MANIFEST_FILE, encode, manifest_of
from nova.core.batch.range_pieces import RangePieces
from nova.core.batch.zip_package import pack
from nova.core.disk_reserve import DiskReserve
from nova.core.export_protocol import (
    ExportedFile,
    ExportJob,
    ExportOmission,
    PackRequest,
    PackResult,
    WorkerFailure,
    WorkerProgress,
    WorkerReport,
    WorkerRequest,
    WorkerResult,
    decode_request,
    encode_line,
)
from nova.core.files.bound_drivers import BoundDrivers, DriverChooser, SingleDriver
from nova.core.files.file_folder import FileFolder
from nova.core.files.file_router import FileRouter, UnwrittenEvents
from nova.core.files.initial_states import InitialStates
from nova.core.query.event_filter import EventFilter
from nova.core.store.archive import Archive
from nova.sdk import lifecycle, pipe_buffer
from nova.sdk.batch.shard_messages import ShardJob
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import DriverError, NovaError
from nova.sdk.events.digest import EventDigest

MEMORY_BYTES = 64 * 1024 * 1024
SLICE_EVENTS = 5_000
REPORT_INTERVAL_S = 0.25
FILES_FOLDER = "files"

SendReport = Callable[[WorkerReport], None]


class ExportTooLargeError(NovaError):
    """The export exceeds its maximum size."""


def serve(data: Path) -> None:
    """Run one export job and, on request, pack; reports go to stdout."""
    lifecycle.collect_garbage_rarely()
    lifecycle.raise_file_limit()
    lifecycle.take_lowest_priority()
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a driver's prints must not mix with reports
    requests: SimpleQueue[WorkerRequest] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()

    def send_report(report: WorkerReport) -> None:
        with os.fdopen(os.dup(stdout), "wb") as out:
            out.write(encode_line(report))

    try:
        _work(data, requests, send_report)
    except ExportTooLargeError as error:
        send_report(WorkerFailure(code="exportTooLarge", reason=str(error)))
    except OSError as error:
        code = "diskFull" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "disk"
        send_report(WorkerFailure(code=code, reason=f"cannot write the export: {error.strerror}"))
    except DriverError as error:
        send_report(WorkerFailure(code="driver", reason=str(error)))
    except NovaError as error:
        send_report(WorkerFailure(code="archive", reason=str(error)))


def _listen(requests: SimpleQueue[WorkerRequest]) -> None:
    """Queue requests; exit when stdin closes, even if the job still runs."""
    for text in pipe_buffer.lines(sys.stdin.fileno()):
        requests.put(decode_request(text))
    os._exit(1)


def _work(data: Path, requests: SimpleQueue[WorkerRequest], send_report: SendReport) -> None:
    job = requests.get()
    assert isinstance(job, ExportJob)
    with tempfile.TemporaryDirectory(prefix="nova-export-") as scratch:
        archive = Archive.open_secondary(data, Path(scratch), MEMORY_BYTES)
    target = Path(job.folder) / FILES_FOLDER
    folder = FileFolder(target, DiskReserve(target, job.reserve_bytes, data))
    try:
        archive.record.check_schema()
        send_report(ExportShare(data, archive, job, folder).run(send_report))
        request = requests.get()
        assert isinstance(request, PackRequest)
        send_report(_pack(job, request, folder))
        threading.Event().wait()  # until stdin closes, which ends the process
    finally:
        folder.close()
        archive.close()


def _pack(job: ExportJob, request: PackRequest, folder: FileFolder) -> PackResult:
    manifest = manifest_of(job, request.brought)
    target = Path(job.folder) / request.name
    with target.open("xb") as out:
        paths = [file.path for file in manifest.files]
        pack(folder, paths, (MANIFEST_FILE, encode(manifest)), out)
        out.flush()
        os.fsync(out.fileno())
        return PackResult(bytes=out.tell())


class ExportShare:
    """One share of one export."""

    def __init__(self, data: Path, archive: Archive, job: ExportJob, folder: FileFolder) -> None:
        self._job = job
        self._folder = folder
        self._range_pieces = RangePieces(
            data,
            archive,
            ShardJob(
                start_ns=job.start_ns,
                stop_ns=job.stop_ns,
                timebase=job.timebase,
                filters=job.filters,
                mark=job.mark,
            ),
        )
        registry = DriverRegistry.load(job.preference)
        self._bound_drivers = BoundDrivers(self._range_pieces.snapshot, registry, job.timebase)
        self._bound_drivers.load(job.mark)
        chooser: DriverChooser = (
            self._bound_drivers if job.driver is None else SingleDriver(registry.named(job.driver))
        )
        snapshot = self._range_pieces.snapshot
        event_filter = EventFilter(job.filters, snapshot.series)
        initial_states = InitialStates(snapshot, event_filter, chooser, job.timebase, job.start_ns)
        self._router = FileRouter(
            folder, chooser, initial_states, share=job.share, shares=job.shares
        )
        self._digest = EventDigest()
        self._keys: list[bytes] = []
        self._reported_at = 0.0

    def run(self, send_report: SendReport) -> WorkerResult:
        """Write the files of this share and report progress."""
        job = self._job
        pieces = self._range_pieces.progress_pieces(job.start_ns, job.stop_ns + 1)
        total = sum(piece.events for piece in pieces)
        done = 0
        for piece in pieces:
            self._read(piece.start_ns, piece.stop_ns)
            done += piece.events
            self._report_progress(send_report, done, total)
        sinks = []
        for sink in self._router.seal():
            sink.remove_spool()
            self._check_size()
            sinks.append(sink)
            self._report_progress(send_report, done, total)
        files, failures = [], [_unwritten_stream(one) for one in self._router.unwritten()]
        for sink in sinks:
            if sink.failed:
                failures.append(
                    _unwritten_file(sink.paths[0], sink.driver.name, sink.failed, sink.lost)
                )
                continue
            for path in sink.paths:
                size = self._folder.size(path)
                if size is not None:
                    files.append(
                        ExportedFile(
                            path=path,
                            driver=sink.driver.name,
                            events=sink.state.file.events,
                            bytes=size,
                        )
                    )
        return self._result(files, failures)

    def _read(self, start_ns: int, stop_ns: int) -> None:
        range_cursor = self._range_pieces.range_cursor(start_ns, stop_ns)
        while not range_cursor.done:
            found = range_cursor.read_slice(SLICE_EVENTS)
            if not found:
                continue
            self._router.route(found)
            if self._job.share == 0:
                self._digest.add([stored for _, stored in found])
            self._keys = [*(self._keys[:1] or [found[0][0]]), found[-1][0]]
            self._check_size()

    def _check_size(self) -> None:
        if self._folder.written_bytes > self._job.max_bytes:
            raise ExportTooLargeError(
                f"the export exceeds {self._job.max_bytes} bytes: export a shorter range or fewer "
                "lanes, or raise `export_max_mib` and `exports_mib`"
            )

    def _report_progress(self, send_report: SendReport, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._reported_at >= REPORT_INTERVAL_S:
            self._reported_at = now
            send_report(WorkerProgress(done=done, total=total, bytes=self._folder.written_bytes))

    def _result(self, files: list[ExportedFile], failures: list[ExportOmission]) -> WorkerResult:
        if self._job.share != 0:
            return WorkerResult(files=files, failures=failures)
        targets = self._router.targets
        return WorkerResult(
            files=files,
            failures=failures,
            events=self._digest.events,
            lanes=self._router.lanes,
            first_key=self._keys[0].hex() if self._keys else None,
            last_key=self._keys[-1].hex() if self._keys else None,
            digest=self._digest.text(),
            bindings=[
                msgspec.Raw(stored)
                for target, stored in self._bound_drivers.envelopes
                if target in targets
            ],
        )


def _unwritten_stream(failure: UnwrittenEvents) -> ExportOmission:
    return ExportOmission(
        target_id=failure.target_id,
        lane=failure.lane,
        stream_type=failure.stream_type,
        schema_version=failure.schema_version,
        driver=failure.driver,
        reason=failure.reason,
        events=failure.events,
    )


def _unwritten_file(path: str, driver: str, reason: str, events: int) -> ExportOmission:
    return ExportOmission(path=path, driver=driver, reason=reason, events=events)
