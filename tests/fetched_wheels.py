"""Wheels that pip has fetched for a test, of the locked versions, in a cache outside the checkout.
Choosing among all versions that an index has takes it five seconds of a processor each time.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import sysconfig
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from tests.test_tidy import ROOT

CACHE = Path.home() / ".cache" / "nova-tests"
FETCH_TIMEOUT_S = 280


def constraints() -> str:
    """The locked versions without their hashes, which a wheel of today cannot have."""
    pins = re.findall(r"^\S+==[^\\\n]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert pins
    return "\n".join(pins) + "\n"


def needs_of(wheel: Path) -> str:
    """What a wheel says that it needs."""
    with ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = files.read(name).decode()
    return "\n".join(re.findall(r"^Requires-Dist: .+", metadata, re.MULTILINE))


def fetched(*requirements: str, beside: Path | None = None) -> Path:
    """The folder with the wheels of what requirements need, fetched once for these, the locked
    versions and this Python. Those in the folder `beside` are not fetched, but what they need.
    """
    own = [] if beside is None else sorted(beside.glob("*.whl"))
    kind = (
        *requirements,
        constraints(),
        sysconfig.get_platform(),
        sys.version,
        *map(needs_of, own),
    )
    folder = CACHE / f"wheels-{sha256(repr(kind).encode()).hexdigest()[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder, requirements, own)
    return folder


def _fetch(folder: Path, requirements: tuple[str, ...], own: list[Path]) -> None:
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    locked = unfinished / "constraints.txt"
    locked.write_text(constraints())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "-q", "-d", str(unfinished)),
            *("--only-binary", ":all:", "--constraint", str(locked)),
            *(str(wheel) for wheel in own),
            *requirements,
        ],
        check=True,
        timeout=FETCH_TIMEOUT_S,
    )
    for wheel in own:
        (unfinished / wheel.name).unlink()
    unfinished.rename(folder)
