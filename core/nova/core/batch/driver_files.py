"""The files of an export: each worker reads the whole range and passes it to the same router and
drivers as the daily files; a file's path determines its share. The first worker also packs the zip.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import msgspec

from nova.core.batch.export_manifest import (
    MANIFEST_FILE,
    ExportedFile,
    ShareResult,
    encode,
    manifest_of,
)
from nova.core.batch.range_outputs import Delivery, OutputTooLargeError
from nova.core.batch.range_reader import EventSlice, RangeReader
from nova.core.batch.zip_package import pack
from nova.core.disk_reserve import DiskReserve, reserved_file
from nova.core.files.bound_drivers import BoundDrivers, DriverChooser, SingleDriver
from nova.core.files.file_folder import FileFolder
from nova.core.files.file_quota import FileQuota
from nova.core.files.file_router import FileRouter
from nova.core.files.initial_states import InitialStates
from nova.sdk.batch.range_messages import DriverOutput, PackReply, PackRequest
from nova.sdk.drivers.registry import BINDING_DRIVER, DriverRegistry
from nova.sdk.events.digest import EventDigest
from nova.sdk.private import FILE_MODE

FILES_FOLDER = "files"


class DriverFiles:
    """One share of the files of an export."""

    def __init__(self, delivery: Delivery, output: DriverOutput) -> None:
        reader = delivery.reader
        whole, snapshot = reader.request, reader.snapshot
        registry = DriverRegistry.load(output.preference)
        self._bound_drivers = BoundDrivers(snapshot, registry, whole.timebase)
        self._bound_drivers.load(reader.watermark)
        chooser: DriverChooser = (
            self._bound_drivers
            if output.driver is None
            else SingleDriver(registry.named(output.driver))
        )
        initial_states = InitialStates(
            snapshot, reader.event_filter, chooser, whole.timebase, whole.start_ns
        )
        self._delivery = delivery
        self._output = output
        self._folder = _folder(reader, output)
        self._router = FileRouter(
            self._folder,
            chooser,
            initial_states,
            FileQuota(registry.named(BINDING_DRIVER), output.files_max),
            share=output.share,
            shares=output.shares,
        )
        self._digest = EventDigest()
        self._keys: list[bytes] = []

    def write(self) -> None:
        """Write the files of this share; the last progress has their list."""
        with closing(self._folder):
            for part in self._delivery.slices():
                if part.hits:
                    self._route(part)
            for sink in self._router.seal():
                sink.remove_unsealed()
                self._count_bytes()
                self._delivery.send(self._delivery.progress)
            self._delivery.finish(msgspec.json.encode(self._result()))

    def _route(self, part: EventSlice) -> None:
        self._router.route(part.hits)
        if self._output.share == 0:
            self._digest.add([stored for _, stored in part.hits])
        self._keys = [*(self._keys[:1] or [part.hits[0][0]]), part.hits[-1][0]]
        self._count_bytes()

    def _count_bytes(self) -> None:
        self._delivery.progress.bytes = self._folder.written_bytes
        if self._folder.written_bytes > self._output.max_bytes:
            raise OutputTooLargeError(
                f"the export exceeds {self._output.max_bytes} bytes: export a shorter range or "
                "fewer lanes, or raise `export_max_mib` and `exports_mib`"
            )

    def _result(self) -> ShareResult:
        result = ShareResult(files=self._files(), failures=self._router.unwritten())
        if self._output.share == 0:
            targets = self._router.targets
            result.events = self._digest.events
            result.lanes = self._router.lanes
            result.first_key = self._keys[0].hex() if self._keys else None
            result.last_key = self._keys[-1].hex() if self._keys else None
            result.digest = self._digest.text()
            result.bindings = [
                msgspec.Raw(stored)
                for target, stored in self._bound_drivers.envelopes
                if target in targets
            ]
        return result

    def _files(self) -> list[ExportedFile]:
        return [
            ExportedFile(path=path, driver=state.driver, events=state.file.events, bytes=size)
            for state in self._router.states()
            if not state.failed
            for path in state.parts
            if (size := self._folder.size(path)) is not None
        ]


def pack_export(reader: RangeReader, request: PackRequest) -> PackReply:
    """Pack the files of all shares with the manifest."""
    output = request.output
    results = [msgspec.json.decode(result, type=ShareResult) for result in request.results]
    manifest = manifest_of(reader, output.driver, results)
    paths = [file.path for file in manifest.files]
    with (
        closing(_folder(reader, output)) as folder,
        reserved_file(_new_file(Path(output.folder) / request.name), folder.reserve) as out,
    ):
        pack(folder, paths, (MANIFEST_FILE, encode(manifest)), out)
        out.flush()
        os.fsync(out.fileno())
        return PackReply(
            bytes=out.tell(),
            events=manifest.events,
            digest=manifest.digest,
            failures=len(manifest.failures),
        )


def _new_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)


def _folder(reader: RangeReader, output: DriverOutput) -> FileFolder:
    target = Path(output.folder) / FILES_FOLDER
    return FileFolder(target, DiskReserve(target, output.reserve_bytes, reader.data))
