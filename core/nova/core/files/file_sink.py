"""File sink: appends the events of one file through its driver, and seals the file."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec

from nova.core.files.file_folder import FileFolder
from nova.core.files.file_layout import EVENTS_SUFFIX
from nova.core.files.initial_states import InitialStates
from nova.sdk.drivers.driver import Driver, DriverFile, InitialStateDriver, SealedDriver

READ_BYTES = 1024 * 1024

log = logging.getLogger(__name__)


class FileSinkState(msgspec.Struct, kw_only=True):
    """The saved state of a file: its driver, the paths of its parts, the driver's state, and why
    its driver failed (empty: it did not).
    """

    driver: str
    parts: list[str]
    file: DriverFile
    failed: str = ""


class FileSink:
    """Writes the events of one file."""

    def __init__(
        self,
        folder: FileFolder,
        driver: Driver,
        paths: tuple[str, ...],
        saved: FileSinkState | None = None,
    ) -> None:
        self.driver = driver
        self.paths = paths
        self.events: list[bytes] = []
        """Buffer of unwritten events; always the same list object, as routes hold its `append`."""

        self.lost = 0
        """Events that are not in the file because its driver failed."""

        self._replaced: set[str] = set()
        """Files that the sealed or the compressed one had replaced when this was resumed."""

        self._folder = folder
        self._targets = tuple(path + EVENTS_SUFFIX for path in paths) if driver.is_sealed else paths
        fresh = FileSinkState(
            driver=driver.name, parts=[*paths], file=DriverFile(sizes=[0] * len(paths))
        )
        self.state = saved or fresh

    @property
    def failed(self) -> str:
        """Why the driver failed; empty if it did not."""
        return self.state.failed

    def flush(self) -> None:
        """Write the buffered events; raises OSError, and FileChangedError if another process
        changed the file. `state` is invalid after an error.
        """
        events, file = self.events, self.state.file
        if not events:
            return
        count = len(events)
        if self.failed:
            self.lost += count
            events.clear()
            return
        try:
            added = self.driver.write(events, file)
        except Exception as error:
            self._fail(error)
            return
        for number, (path, data) in enumerate(zip(self._targets, added, strict=True)):
            if data:
                self._folder.append(path, file.sizes[number], data)
                file.sizes[number] += len(data)
        file.events += count
        events.clear()

    def _fail(self, error: Exception) -> None:
        context = {"file": self.paths[0], "driver": self.driver.name, "reason": str(error)}
        log.error("a driver failed", extra={"context": context})
        self.lost = self.state.file.events + len(self.events)
        self.events.clear()
        self.state.failed = f"{self.driver.name}: {type(error).__name__}: {error}"
        for path in self._targets:
            self._folder.remove(path)

    def require_unchanged(self) -> None:
        """Raise FileChangedError if another process changed the file."""
        if not self.failed:
            for path, size in zip(self._targets, self.state.file.sizes, strict=True):
                if path not in self._replaced:
                    self._folder.require_size(path, size)

    def resume(self, *, is_closing: bool) -> bool:
        """Truncate the file to its recorded size; False if it is shorter. While a day is being
        sealed, the sealed file, or a compressed one, may already have replaced this one.
        """
        if is_closing:
            is_sealed = self._is_sealed()
            self._replaced = {
                path for path in self._targets if is_sealed or self._is_replaced(path)
            }
        sizes = zip(self._targets, self.state.file.sizes, strict=True)
        left = [(path, size) for path, size in sizes if path not in self._replaced]
        return bool(self.failed) or all([self._folder.truncate(path, size) for path, size in left])

    def _is_replaced(self, path: str) -> bool:
        """Whether the compressed file has replaced a file."""
        return self._folder.size(path) is None and self._folder.is_compressed(path)

    def _is_sealed(self) -> bool:
        return (
            self.driver.is_sealed
            and all(self._folder.size(path) is None for path in self._targets)
            and all(self._folder.size(path) is not None for path in self.paths)
        )

    def seal(self, initial_states: InitialStates) -> None:
        """Produce the sealed file from the unsealed one, or the compressed one, where the folder
        has such; does nothing if that was done before.
        """
        driver = self.driver
        if self.failed:
            return
        if not isinstance(driver, SealedDriver):
            for path in self.paths if self._folder.compresses else ():
                self._folder.compress(path)
            return
        (path,), (unsealed,) = self.paths, self._targets
        size = self._folder.size(unsealed)
        if size is None:
            return
        try:
            with self._folder.replace_file(path, size) as out:
                if isinstance(driver, InitialStateDriver):
                    driver.make_from(initial_states.of(path), self._blocks(unsealed), out)
                else:
                    driver.make(self._blocks(unsealed), out)
        except OSError:
            raise
        except Exception as error:
            self._fail(error)
            self._folder.remove(path)

    def remove_unsealed(self) -> None:
        """Remove the unsealed file, or the one that was compressed; only after the sealed or
        compressed file is durable.
        """
        for path in self._targets:
            if self.driver.is_sealed or self._folder.is_compressed(path):
                self._folder.remove(path)

    def _blocks(self, unsealed: str) -> Iterator[list[bytes]]:
        """The lines of an unsealed file, in blocks."""
        with self._folder.read(unsealed) as file:
            rest = b""
            while block := file.read(READ_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                yield lines
