"""A transport: a log file that producers append to and a Core reads, on a disk that they share.

pip install ./examples
nova up --scope sat1 --transport logfile:///shared/log --data /path/of/archive
"""

import asyncio
import base64
import fcntl
import json
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from nova.sdk import (
    Batch,
    Gap,
    LinkHealth,
    LinkState,
    Receipt,
    Record,
    Subscription,
    TransportError,
    address,
)

POLL_S = 0.05
BLOCK_BYTES = 1 << 20
LOG = "log"
"""The name of the one stream; positions in it are offsets in bytes."""


class LogFileTransport:
    """Passes the delivery, subscription and ending cases of the conformance suite."""

    def __init__(self, url: str) -> None:
        self._path = Path(urlsplit(url).path)
        self.link = f"logfile://{self._path}"
        self._health = LinkHealth()
        self._is_closed = False
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="logfile")

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Append the records; only the Core will know which of them are new."""
        self._check_open()
        try:
            lines, loop = b"".join(map(_line_of, records)), asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._append, lines)
        except OSError as error:
            raise TransportError(f"cannot append to {self._path}: {error}") from error
        return Receipt()

    def _append(self, lines: bytes) -> None:
        with self._path.open("a+b") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            size = log.seek(0, os.SEEK_END)
            if size and os.pread(log.fileno(), 1, size - 1) != b"\n":
                lines = b"\n" + lines  # Ends the line of a producer that died while writing it.
            log.write(lines)
            log.flush()
            os.fsync(log.fileno())

    async def consume(
        self, subscription: Subscription, positions: dict[str, int]
    ) -> AsyncIterator[Batch]:
        """Batches from the position on, without end; records of other scopes are left out."""
        async for batch in self._follow(positions.get(LOG, 0)):
            scope_id = subscription.scope_id
            batch.records = [it for it in batch.records if scope_id in (None, _scope_of(it))]
            yield batch

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Nothing to do: the Core stores the positions."""

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Commands to the scope that are appended from now on."""
        follower = self._follow(self._size())
        if listening is not None:
            listening.set()
        async for batch in follower:
            for record in batch.records:
                if address.is_dispatch(record.address) and _scope_of(record) == scope_id:
                    yield record

    async def _follow(self, position: int) -> AsyncIterator[Batch]:
        self._check_open()
        loop = asyncio.get_running_loop()
        while not self._is_closed:
            try:
                batch = await loop.run_in_executor(self._threads, self._read, position)
                self._health.mark_up()
            except OSError as error:
                batch = Batch([])
                self._health.mark_down(str(error))
            if batch.positions:
                position = batch.positions[LOG]
                yield batch
            else:
                await asyncio.sleep(POLL_S)

    def _read(self, position: int) -> Batch:
        """The whole lines of the next block. A log that is shorter than the position was replaced:
        it is read from its beginning, and a gap reports that.
        """
        if self._path.parent.is_dir() and not self._path.exists():
            return Batch([])  # Nothing was published yet.
        with self._path.open("rb") as log:
            if self._size() < position:
                gap = Gap(str(self._path), None, position, 0, "recreated")
                return Batch([], {LOG: 0}, [gap])
            log.seek(position)
            lines = [line for line in log.readlines(BLOCK_BYTES) if line.endswith(b"\n")]
        end = position + sum(map(len, lines))
        return Batch(_records_of(lines, position), {LOG: end} if lines else {})

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def state(self) -> LinkState:
        """The end of the log, from which the Core computes its lag."""
        return self._health.state({LOG: self._size()})

    async def close(self) -> None:
        """Iterations end at their next look at the log; no thread is left."""
        self._is_closed = True
        self._threads.shutdown()

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.link} is closed")


def _line_of(record: Record) -> bytes:
    value = base64.b64encode(record.value).decode()
    return json.dumps([record.address, value]).encode() + b"\n"


def _records_of(lines: Sequence[bytes], position: int) -> list[Record]:
    records: list[Record] = []
    for line in lines:
        position += len(line)
        try:
            name, value = json.loads(line)
            records.append(Record(name, base64.b64decode(value), str(position)))
        except ValueError:
            continue  # Torn: its producer never got a receipt and publishes it again.
    return records


def _scope_of(record: Record) -> str | None:
    return address.parse(record.address).scope_id if record.address else None
