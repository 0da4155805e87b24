"""Password hashing with argon2id, in a few threads so that logins do not block the event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import LoginBusyError

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2
NICENESS = 5
"""Lets the event loop, which serves all streams, go before the hashing threads."""

_Result = TypeVar("_Result")


def standard_hasher() -> PasswordHasher:
    """What hashes where nobody says otherwise: at the cost that the library recommends."""
    return PasswordHasher()


def random_hash(hasher: PasswordHasher) -> str:
    """Verified in place of an unknown user's hash, so that both take the same time. It is random,
    not computed: an edge needs none of that time to start.
    """
    salt, digest = (
        b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${costs}${salt}${digest}"


class PasswordHashing:
    """Hashes and verifies passwords; raises LoginBusyError when too many calls are waiting."""

    def __init__(self, limits: EdgeLimits, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or standard_hasher()
        self._pool = ThreadPoolExecutor(limits.hash_workers, "argon2", initializer=_lower_priority)
        self._free_slots = limits.hash_workers + limits.hash_queue_max
        self._dummy_hash = random_hash(self._hasher)

    def close(self) -> None:
        """End the threads; calls that are still queued are cancelled."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password matches; None stands for an unknown user and takes as long."""
        return await self._run(lambda: self._verify(password_hash, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether a hash was made with parameters other than the current ones."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            known = self._hasher.verify(password_hash or self._dummy_hash, password)
        except InvalidHashError:
            log.error("a stored password hash cannot be read")
            return False
        except VerificationError:
            return False
        return known and password_hash is not None

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._free_slots == 0:
            raise LoginBusyError(RETRY_AFTER_S)
        self._free_slots -= 1
        future = self._pool.submit(work)
        # The slot is released when the thread ends, even if the caller was cancelled before.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _call_on_loop(loop, self._release_slot))
        return await asyncio.wrap_future(future)

    def _release_slot(self) -> None:
        self._free_slots += 1


def _lower_priority() -> None:
    """Lower the priority of this thread and of the threads that argon2 starts from it."""
    if sys.platform == "linux":  # Elsewhere the priority belongs to the whole process.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _call_on_loop(loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(work)
