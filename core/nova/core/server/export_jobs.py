"""Runs exports: each has its own worker processes and its own temporary folder, and becomes
downloadable as a whole, under an unguessable name, or not at all.

`DATA/exports/<id>.zip` is the download, `<id>.json` holds its expiry, size and digest, `tmp-<id>/`
is an export in progress. A temporary folder without a lock holder is left from a crash and swept.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from nova.core.disk_reserve import DiskReserve
from nova.core.errors import RequestError
from nova.core.server.export_figures import ExportFigures
from nova.core.server.kept_exports import KeptExports
from nova.sdk import private, timestamps
from nova.sdk import settings as all_settings
from nova.sdk.batch.export_info import ExportInfo, info_of
from nova.sdk.batch.range_messages import (
    DriverOutput,
    PackReply,
    PackRequest,
    RangeProgress,
    RangeRequest,
    ReadRequest,
)
from nova.sdk.batch.range_workers import (
    ProgressCallback,
    RangeFailedError,
    RangeWorkers,
    WorkerEndedError,
)
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import DriverError
from nova.sdk.protocol.export import ExportComplete, ExportEnd, ExportFailed, ExportProgress
from nova.sdk.protocol.metric_messages import Metric
from nova.sdk.settings import MIB, Settings

ID_BYTES = 32
TEMPORARY_PREFIX = "tmp-"
LOCK_FILE = ".lock"
PROGRESS_INTERVAL_S = 0.5
FREE_INTERVAL_S = 0.25
SWEEP_INTERVAL_S = 10.0
"""Also how soon kept exports make room for an archive that grows while no export runs."""

log = logging.getLogger(__name__)

ReportExportProgress = Callable[[ExportProgress], Coroutine[None, None, None]]


class ExportError(RequestError):
    """An export failed; its files were removed."""


class ExportJobs:
    """The exports of one reader."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = exports_folder(settings.data_folder())
        self._reserve = DiskReserve(
            self._folder, settings.reserve_mib * MIB, settings.data_folder()
        )
        self._kept_exports = KeptExports(self._folder, settings.exports_mib * MIB, self._reserve)
        self._max_bytes = min(settings.export_max_mib, settings.exports_mib) * MIB
        self._running: set[str] = set()
        self.figures = ExportFigures()
        self._threads = ThreadPoolExecutor(settings.exports_max, thread_name_prefix="export")

    def preference(self) -> tuple[str, ...]:
        """Names of the drivers for streams without a DriverBinding, most preferred first."""
        return self._settings.chosen_drivers() or all_settings.SHIPPED_DRIVERS

    def registry(self) -> DriverRegistry:
        return DriverRegistry.load(self.preference())

    def reserve_slot(self, driver: str | None) -> str:
        """Reserve one of the `exports_max` slots and return the export's id. Raises RequestError if
        none is free, the driver is unknown or the disk is short.
        """
        if len(self._running) >= self._settings.exports_max:
            raise RequestError(
                "tooManyExports",
                f"{len(self._running)} exports are running, the maximum of `exports_max`: "
                "retry when one has ended",
            )
        if driver is not None:
            try:
                self.registry().named(driver)
            except DriverError as error:
                raise RequestError("unknownDriver", str(error)) from None
        self._kept_exports.free_disk_space()
        try:
            self._reserve.require_room(0)
        except OSError as error:
            raise RequestError("diskFull", str(error.strerror)) from None
        export_id = secrets.token_urlsafe(ID_BYTES)
        self._running.add(export_id)
        return export_id

    def metrics(self) -> list[Metric]:
        return self.figures.metrics(len(self._running), self._kept_exports.size_bytes())

    def release_slot(self, export_id: str) -> None:
        self._running.discard(export_id)

    async def run(
        self,
        export_id: str,
        request: RangeRequest,
        driver: str | None,
        report: ReportExportProgress,
    ) -> ExportEnd:
        """Run an export that has begun and report its progress. If it ends early, for whatever
        reason, its files are removed.
        """
        temporary = self._folder / f"{TEMPORARY_PREFIX}{export_id}"
        output = DriverOutput(
            folder=str(temporary),
            preference=list(self.preference()),
            driver=driver,
            max_bytes=self._max_bytes,
            reserve_bytes=self._reserve.size_bytes,
            files_max=self._settings.files_max,
        )
        try:
            with self._locked_folder(temporary):
                packed = await self._run_workers(export_id, request, output, report)
                return self._publish(temporary, export_id, packed, request)
        except ExportError as error:
            log.error("export failed", extra={"context": {"reason": str(error)}})
            return ExportFailed(export_id=export_id, code=error.code, message=error.message)
        except OSError as error:
            log.error("export failed", extra={"context": {"reason": str(error)}})
            return ExportFailed(export_id=export_id, code="disk", message=str(error.strerror))

    @contextlib.contextmanager
    def _locked_folder(self, folder: Path) -> Iterator[None]:
        private.make_folder(self._folder)
        folder.mkdir(mode=private.FOLDER_MODE)
        with (folder / LOCK_FILE).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    async def _run_workers(
        self,
        export_id: str,
        request: RangeRequest,
        output: DriverOutput,
        report: ReportExportProgress,
    ) -> PackReply:
        """Run one worker per share in a thread; they are killed if this is cancelled."""
        loop = asyncio.get_running_loop()
        data, shares = self._settings.data_folder(), self._settings.export_processes
        workers = RangeWorkers(data, shares, is_background=True, exit_timeout_s=0)
        progress = _ShareProgress(export_id, output.max_bytes, self._kept_exports, loop, report)
        name = f"{export_id}.zip"
        working = loop.run_in_executor(
            self._threads, _export, workers, request, output, name, progress.update
        )
        # Nothing awaits a cancelled read, and asyncio would log its exception as never retrieved.
        working.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(working)
        except WorkerEndedError as error:
            reason = f"an export worker exited with status {error.status}"
            raise ExportError("exportFailed", reason) from None
        except RangeFailedError as error:
            raise ExportError(error.code, str(error)) from None
        finally:
            workers.cancel()
            progress.close()
            await asyncio.shield(asyncio.wait((working,)))

    def _publish(
        self, temporary: Path, export_id: str, packed: PackReply, request: RangeRequest
    ) -> ExportComplete:
        """Move a finished export to its final path; it can be downloaded from now on."""
        keep_ns = int(self._settings.export_keep_h * 3600) * timestamps.NS_PER_SECOND
        expires = timestamps.text(timestamps.now() + keep_ns)
        info = info_of(request, packed, expires)
        _require_size(packed.bytes, self._max_bytes)  # With the manifest, which no share counts.
        self._kept_exports.make_room(packed.bytes)
        about = temporary / f"{export_id}.json"
        about.write_bytes(msgspec.json.encode(info))
        about.replace(self._folder / about.name)
        (temporary / f"{export_id}.zip").replace(self._folder / f"{export_id}.zip")
        return ExportComplete(
            export_id=export_id,
            url=f"/exports/{export_id}",
            bytes=packed.bytes,
            expires_at=expires,
            events=packed.events,
            digest=packed.digest,
            failures=packed.failures,
        )

    async def sweep_periodically(self) -> None:
        """Sweep every SWEEP_INTERVAL_S until cancelled."""
        private.remove_others_access(self._folder)
        while True:
            self.sweep()
            await asyncio.sleep(SWEEP_INTERVAL_S)

    def sweep(self) -> None:
        """Remove expired exports, what a crash left, and what exceeds the cap or the free disk."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.iterdir()):
            with contextlib.suppress(OSError):
                if path.name.startswith(TEMPORARY_PREFIX) and not path.is_symlink():
                    _sweep_temporary(path)
                elif path.suffix == ".json" and _is_expired(path):
                    path.with_suffix(".zip").unlink(missing_ok=True)
                    path.unlink()
        self._kept_exports.make_room(0)
        self._kept_exports.free_disk_space()


class _ShareProgress:
    """Combined progress of the shares of an export, updated by the thread that runs them."""

    def __init__(
        self,
        export_id: str,
        max_bytes: int,
        kept_exports: KeptExports,
        loop: asyncio.AbstractEventLoop,
        report: ReportExportProgress,
    ) -> None:
        self._export_id = export_id
        self._max_bytes = max_bytes
        self._kept_exports = kept_exports
        self._loop = loop
        self._report = report
        self._began = time.monotonic()
        self._freed_at = self._reported_at = 0.0
        self._reporting: Future[None] | None = None

    def update(self, shares: Sequence[RangeProgress]) -> None:
        """Report the shares' progress; raises ExportError if all shares exceed `max_bytes`."""
        _require_size(sum(one.bytes for one in shares), self._max_bytes)
        now = time.monotonic()
        if now - self._freed_at >= FREE_INTERVAL_S:
            self._freed_at = now
            self._kept_exports.free_disk_space()
        # A client that does not read its progress must not stop the export.
        is_reporting = self._reporting is not None and not self._reporting.done()
        if now - self._reported_at >= PROGRESS_INTERVAL_S and not is_reporting:
            self._reported_at = now
            progress = self._combined(shares, now)
            self._reporting = asyncio.run_coroutine_threadsafe(self._report(progress), self._loop)

    def _combined(self, shares: Sequence[RangeProgress], now: float) -> ExportProgress:
        total = max(one.total for one in shares)
        done = min(*(one.passed for one in shares), total)
        eta_s = (now - self._began) * (total - done) / done if done else None
        return ExportProgress(
            export_id=self._export_id,
            done=done,
            total=total,
            eta_s=None if eta_s is None else round(eta_s, 1),
        )

    def close(self) -> None:
        """Drop a report that is still being sent."""
        if self._reporting is not None:
            self._reporting.cancel()


def _export(
    workers: RangeWorkers,
    request: RangeRequest,
    output: DriverOutput,
    name: str,
    watch: ProgressCallback,
) -> PackReply:
    """Have each worker write its share of the files, and the first one pack them all."""
    with workers:
        count = len(workers)
        reads = [
            ReadRequest(
                start_ns=request.start_ns,
                stop_ns=request.stop_ns + 1,
                output=msgspec.structs.replace(output, share=share, shares=count),
            )
            for share in range(count)
        ]
        for worker in workers:
            worker.send(request)
        done = workers.read(reads, watch)
        workers.end(first=1)
        results = [progress.result for progress in done]
        workers[0].send(PackRequest(output=output, name=name, results=results))
        packed, _ = workers[0].reply()
        assert isinstance(packed, PackReply)
        return packed


def _require_size(size: int, max_bytes: int) -> None:
    """Raises ExportError if an export is too large."""
    if size > max_bytes:
        raise ExportError(
            "exportTooLarge",
            f"the export exceeds {max_bytes} bytes: export a shorter range or fewer lanes, or "
            "raise `export_max_mib` and `exports_mib`",
        )


def _sweep_temporary(path: Path) -> None:
    """Remove a temporary folder; raises OSError if its lock is held."""
    descriptor = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
    finally:
        os.close(descriptor)


def _is_expired(path: Path) -> bool:
    try:
        info = msgspec.json.decode(path.read_bytes(), type=ExportInfo)
    except msgspec.DecodeError:
        return True
    return timestamps.parse(info.expires_at) <= timestamps.now()
