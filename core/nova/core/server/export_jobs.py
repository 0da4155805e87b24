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
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.core import export_protocol
from nova.core.disk_reserve import DiskReserve
from nova.core.errors import RequestError
from nova.core.export_protocol import ExportJob
from nova.core.server.kept_exports import KeptExports
from nova.sdk import private, timestamps
from nova.sdk import settings as all_settings
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import DriverError
from nova.sdk.protocol.export import ExportComplete, ExportEnd, ExportFailed, ExportProgress
from nova.sdk.settings import MIB, Settings

ID_BYTES = 32
TEMPORARY_PREFIX = "tmp-"
LOCK_FILE = ".lock"
PROGRESS_INTERVAL_S = 0.5
SWEEP_INTERVAL_S = 60.0

log = logging.getLogger(__name__)

ReportExportProgress = Callable[[ExportProgress], Awaitable[None]]


class ExportInfo(msgspec.Struct, rename="camel"):
    """Contents of `<id>.json` beside a finished export."""

    expires_at: str
    bytes: int
    digest: str


class ExportError(RequestError):
    """An export failed; its files were removed."""


class _ExportWorker(NamedTuple):
    process: asyncio.subprocess.Process

    async def send(self, request: export_protocol.WorkerRequest) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(export_protocol.encode_line(request))
        with contextlib.suppress(ConnectionError):
            await self.process.stdin.drain()

    async def receive_report(self) -> export_protocol.WorkerReport:
        assert self.process.stdout is not None
        text = await self.process.stdout.readline()
        if not text:
            status = await self.process.wait()
            raise ExportError("exportFailed", f"an export worker exited with status {status}")
        report = export_protocol.decode_report(text)
        if isinstance(report, export_protocol.WorkerFailure):
            raise ExportError(report.code, report.reason)
        return report


class ExportJobs:
    """The exports of one reader."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = exports_folder(settings.data_folder())
        self._reserve = DiskReserve(
            self._folder, settings.reserve_mib * MIB, settings.data_folder()
        )
        self._kept_exports = KeptExports(self._folder, settings.exports_mib * MIB, self._reserve)
        self._running: set[str] = set()

    def preference(self) -> tuple[str, ...]:
        """Names of the drivers for streams without a DriverBinding, most preferred first."""
        return self._settings.chosen_drivers() or all_settings.SHIPPED_DRIVERS

    def registry(self) -> DriverRegistry:
        return DriverRegistry.load(self.preference())

    def reserve_slot(self, job: ExportJob) -> str:
        """Reserve one of the `exports_max` slots and return the export's id. Raises RequestError if
        none is free, the driver is unknown or the disk is short.
        """
        if len(self._running) >= self._settings.exports_max:
            raise RequestError(
                "tooManyExports",
                f"{len(self._running)} exports are running, the maximum of `exports_max`: "
                "retry when one has ended",
            )
        if job.driver is not None:
            try:
                self.registry().named(job.driver)
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

    def release_slot(self, export_id: str) -> None:
        """Release the slot."""
        self._running.discard(export_id)

    async def run(self, export_id: str, job: ExportJob, report: ReportExportProgress) -> ExportEnd:
        """Run an export that has begun and report its progress. If it ends early, for whatever
        reason, its files are removed.
        """
        temporary = self._folder / f"{TEMPORARY_PREFIX}{export_id}"
        try:
            with self._locked_folder(temporary):
                job.folder = str(temporary)
                most = min(self._settings.export_max_mib, self._settings.exports_mib)
                job.max_bytes, job.reserve_bytes = most * MIB, self._reserve.size_bytes
                job.preference = list(self.preference())
                results, size = await self._run_workers(export_id, job, report)
                return self._publish(temporary, export_id, results, size)
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
        self, export_id: str, job: ExportJob, report: ReportExportProgress
    ) -> tuple[list[export_protocol.WorkerResult], int]:
        """Run one worker per share, then have the first one pack all results into the zip."""
        shares = self._settings.export_processes
        workers: list[_ExportWorker] = []
        try:
            for share in range(shares):
                worker = await self._start_worker()
                workers.append(worker)
                mine = msgspec.structs.replace(job, share=share, shares=shares)
                await worker.send(mine)
            progress = _ShareProgress(export_id, job.max_bytes, report, self._kept_exports)
            async with asyncio.TaskGroup() as all_shares:
                tasks = [
                    all_shares.create_task(_await_result(worker, progress, share))
                    for share, worker in enumerate(workers)
                ]
            results = [task.result() for task in tasks]
            for worker in workers[1:]:
                await _end_worker(worker)
            await workers[0].send(
                export_protocol.PackRequest(name=f"{export_id}.zip", brought=results)
            )
            packed = await workers[0].receive_report()
            assert isinstance(packed, export_protocol.PackResult)
            return results, packed.bytes
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            for worker in workers:
                await asyncio.shield(_end_worker(worker))

    async def _start_worker(self) -> _ExportWorker:
        data = str(self._settings.data_folder())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P"),
            *("-m", "nova.cli", "core", "exporter", "--data", data),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=export_protocol.LINE_MAX_BYTES,
            start_new_session=True,
        )
        return _ExportWorker(process)

    def _publish(
        self,
        temporary: Path,
        export_id: str,
        results: list[export_protocol.WorkerResult],
        size: int,
    ) -> ExportComplete:
        """Move a finished export to its final path; it can be downloaded from now on."""
        keep_ns = int(self._settings.export_keep_h * 3600) * timestamps.NS_PER_SECOND
        expires = timestamps.text(timestamps.now() + keep_ns)
        info = ExportInfo(expires, size, results[0].digest)
        self._kept_exports.make_room(size)
        about = temporary / f"{export_id}.json"
        about.write_bytes(msgspec.json.encode(info))
        about.replace(self._folder / about.name)
        (temporary / f"{export_id}.zip").replace(self._folder / f"{export_id}.zip")
        return ExportComplete(
            export_id=export_id,
            url=f"/exports/{export_id}",
            bytes=size,
            expires_at=expires,
            events=results[0].events,
            digest=results[0].digest,
            failures=sum(len(part.failures) for part in results),
        )

    async def sweep_periodically(self) -> None:
        """Sweep every SWEEP_INTERVAL_S until cancelled."""
        private.remove_others_access(self._folder)
        while True:
            self.sweep()
            await asyncio.sleep(SWEEP_INTERVAL_S)

    def sweep(self) -> None:
        """Remove expired exports and temporary folders left by a crash."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.iterdir()):
            with contextlib.suppress(OSError):
                if path.name.startswith(TEMPORARY_PREFIX) and not path.is_symlink():
                    _sweep_temporary(path)
                elif path.suffix == ".json" and _is_expired(path):
                    path.with_suffix(".zip").unlink(missing_ok=True)
                    path.unlink()


class _ShareProgress:
    """Combined progress of the shares of an export."""

    def __init__(
        self,
        export_id: str,
        max_bytes: int,
        report: ReportExportProgress,
        kept_exports: KeptExports,
    ) -> None:
        self._kept_exports = kept_exports
        self._export_id = export_id
        self._max_bytes = max_bytes
        self._report = report
        self._shares: dict[int, export_protocol.WorkerProgress] = {}
        self._began = time.monotonic()
        self._reported_at = 0.0

    async def update(self, share: int, progress: export_protocol.WorkerProgress) -> None:
        """Record a share's progress; raises ExportError if all shares exceed `max_bytes`."""
        self._shares[share] = progress
        if sum(one.bytes for one in self._shares.values()) > self._max_bytes:
            raise ExportError(
                "exportTooLarge",
                f"the export exceeds {self._max_bytes} bytes: export a shorter range or fewer "
                "lanes, or raise `export_max_mib` and `exports_mib`",
            )
        self._kept_exports.free_disk_space()
        now = time.monotonic()
        if now - self._reported_at < PROGRESS_INTERVAL_S:
            return
        self._reported_at = now
        slowest = min(self._shares.values(), key=lambda one: one.done)
        total = max(one.total for one in self._shares.values())
        done = min(slowest.done, total)
        eta_s = (now - self._began) * (total - done) / done if done else None
        await self._report(
            ExportProgress(
                export_id=self._export_id,
                done=done,
                total=total,
                eta_s=None if eta_s is None else round(eta_s, 1),
            )
        )


async def _await_result(
    worker: _ExportWorker, progress: _ShareProgress, share: int
) -> export_protocol.WorkerResult:
    while True:
        report = await worker.receive_report()
        if isinstance(report, export_protocol.WorkerResult):
            return report
        assert isinstance(report, export_protocol.WorkerProgress)
        await progress.update(share, report)


async def _end_worker(worker: _ExportWorker) -> None:
    """Kill a worker; all of its files are in the temporary folder."""
    if worker.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            worker.process.kill()
    if worker.process.stdin is not None:
        worker.process.stdin.close()
    await worker.process.wait()


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
