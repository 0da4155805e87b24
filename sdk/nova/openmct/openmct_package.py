"""Open MCT as npm has it: the locked version, in a folder of the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

from nova.sdk.errors import NovaError

LOCK = ("package.json", "package-lock.json")
"""What npm installs; the lock has the digest."""

LIBRARY = Path("node_modules/openmct/dist")
MAIN = "openmct.js"
LOG_TAIL_CHARS = 500


def default_folder() -> Path:
    """The folder of the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "nova" / "openmct"


def library(folder: Path) -> Path:
    """The folder with Open MCT's files; raises NovaError if it is not installed there."""
    found = folder / LIBRARY
    if not (found / MAIN).is_file():
        raise NovaError(
            f"Open MCT is not installed in {folder}: nova openmct --install fetches it with npm "
            "(60 MB), or --folder names another folder"
        )
    return found


def install(folder: Path) -> None:
    """Install Open MCT with npm, without running scripts of packages; raises NovaError."""
    npm = shutil.which("npm")
    if npm is None:
        raise NovaError("npm is not installed: it comes with Node.js (apt install nodejs npm)")
    folder.mkdir(parents=True, exist_ok=True)
    for name in LOCK:
        (folder / name).write_text(files("nova.openmct").joinpath(name).read_text())
    options = ("--ignore-scripts", "--no-audit", "--no-fund")
    done = subprocess.run([npm, "ci", *options], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        tail = done.stderr.strip()[-LOG_TAIL_CHARS:]
        raise NovaError(f"npm could not install Open MCT in {folder}: {tail}")
