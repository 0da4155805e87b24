"""Open MCT as `nova openmct --install` fetches it, once for all checkouts of this machine."""

from __future__ import annotations

import fcntl
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from nova.openmct import openmct_package
from nova.sdk.errors import NovaError
from tests.fetched_wheels import CACHE


def fetched_openmct() -> Path:
    """The folder of the locked version."""
    lock = files("nova.openmct").joinpath("package-lock.json").read_bytes()
    folder = CACHE / f"openmct-{sha256(lock).hexdigest()[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            openmct_package.library(folder)
        except NovaError:
            openmct_package.install(folder)
    return folder
