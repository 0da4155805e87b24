"""Backups or a lake in an object store: `s3://BUCKET/PREFIX`, with the credentials and the endpoint
that the environment names (`AWS_…`).

Objects are whole or absent. The lock is an object that only one process can create, and that it
renews; one that was not renewed for LEASE_S is of a process that was killed. Its age is measured by
the store's own clock.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nova.core.backup.backup_target import TargetLock
from nova.core.backup.target_use import BACKUPS, TargetUse
from nova.sdk.errors import NovaError
from nova.sdk.optional_imports import import_optional

LOCK_NAME = "lock"
PROBE_PREFIX = "clock-"
LEASE_S = 600.0
RENEWAL_S = 60.0
REASON_MAX_CHARS = 300

log = logging.getLogger(__name__)


class _Holder(msgspec.Struct):
    """The content of the lock; `turn` differs with each renewal, and so does the object's tag."""

    turn: str
    host: str
    process: int


class BucketTarget:
    """The objects below a prefix of a bucket, by obstore."""

    def __init__(
        self,
        url: str,
        *,
        use: TargetUse = BACKUPS,
        lease_s: float = LEASE_S,
        renewal_s: float = RENEWAL_S,
    ) -> None:
        self._url = url.rstrip("/")
        self.use = use
        self._lease_s, self._renewal_s = lease_s, renewal_s
        self._obstore = import_optional("obstore", "s3", "nova-truth")
        stores = import_optional("obstore.store", "s3", "nova-truth")
        self.errors = import_optional("obstore.exceptions", "s3", "nova-truth")
        with self._refused("use"):
            self._store = stores.S3Store.from_url(self._url)

    def __str__(self) -> str:
        return self._url

    def sizes(self, folder: str) -> dict[str, int]:
        with self._refused("list", folder):
            found = [item for items in self._obstore.list(self._store, folder) for item in items]
        return {item["path"].removeprefix(f"{folder}/"): item["size"] for item in found}

    def read(self, name: str) -> bytes:
        with self._refused("read", name):
            return bytes(self._obstore.get(self._store, name).bytes())

    def write(self, name: str, content: bytes) -> None:
        with self._refused("write", name):
            self._obstore.put(self._store, name, content, use_multipart=False)

    def write_file(self, name: str, source: Path) -> None:
        with self._refused("write", name):
            self._obstore.put(self._store, name, source)

    def remove(self, name: str) -> None:
        with self._refused("remove", name), contextlib.suppress(FileNotFoundError):
            self._obstore.delete(self._store, name)

    @contextlib.contextmanager
    def lock(self) -> Iterator[TargetLock]:
        lease = _BucketLease(self, self._take(), self._renewal_s)
        try:
            yield lease
        finally:
            with contextlib.suppress(NovaError):
                lease.renew()
                self.remove(LOCK_NAME)

    def put_lock(self, mode: object) -> str:
        """Write the lock if it is as `mode` demands; returns its tag. Raises obstore's errors."""
        holder = _Holder(str(uuid.uuid4()), platform.node(), os.getpid())
        content = msgspec.json.encode(holder)
        return str(self._obstore.put(self._store, LOCK_NAME, content, mode=mode)["e_tag"])

    def _take(self) -> str:
        """Take the lock; returns its tag."""
        with self._refused("write", LOCK_NAME):
            with contextlib.suppress(self.errors.AlreadyExistsError):
                return self.put_lock("create")
            found = self._obstore.head(self._store, LOCK_NAME)
            age_s = self._now() - found["last_modified"].timestamp()
            if age_s > self._lease_s:
                log.warning(
                    f"taking the lock of a {self.use.work} that has ended without removing it",
                    extra={"context": {"target": str(self), "ageS": round(age_s)}},
                )
                with contextlib.suppress(self.errors.PreconditionError):
                    return self.put_lock({"e_tag": found["e_tag"]})
        raise NovaError(
            f"another {self.use.work} to {self} is running: wait until it is done, or stop it. If "
            f"it was killed, its lock expires {self._lease_s:.0f} s after it was last renewed"
        )

    def _now(self) -> float:
        """The present by the store's clock, in seconds since 1970."""
        name = f"{PROBE_PREFIX}{uuid.uuid4()}"
        self._obstore.put(self._store, name, b"")
        found = self._obstore.head(self._store, name)["last_modified"].timestamp()
        self._obstore.delete(self._store, name)
        return float(found)

    @contextlib.contextmanager
    def _refused(self, verb: str, name: str = "") -> Iterator[None]:
        """Turn an error of the store into one NovaError."""
        place = f"{self._url}/{name}".rstrip("/")
        try:
            yield
        except FileNotFoundError as error:
            raise NovaError(
                f"{place} is missing: the bucket does not exist, or {self.use.content} in {self} "
                "are damaged"
            ) from error
        except (self.errors.BaseError, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0][:REASON_MAX_CHARS]
            raise NovaError(
                f"cannot {verb} {place}: {reason}; check the bucket, and AWS_ENDPOINT_URL, "
                "AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from error


class _BucketLease:
    """The lock while this process has it."""

    def __init__(self, target: BucketTarget, tag: str, renewal_s: float) -> None:
        self._target, self._tag, self._renewal_s = target, tag, renewal_s
        self._renewed_at = time.monotonic()

    def require(self) -> None:
        """Renew the lock if it is time to; raises NovaError if another process has taken it."""
        if time.monotonic() - self._renewed_at >= self._renewal_s:
            self.renew()

    def renew(self) -> None:
        """Renew the lock; raises NovaError if another process has taken it."""
        try:
            self._tag = self._target.put_lock({"e_tag": self._tag})
        except (self._target.errors.BaseError, OSError) as error:
            raise NovaError(
                f"this {self._target.use.work} no longer has the lock of {self._target}: it was "
                "interrupted for too long, and another one has begun"
            ) from error
        self._renewed_at = time.monotonic()
