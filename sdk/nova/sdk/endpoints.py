"""The Unix sockets of an instance's writer and reader."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import socket
import tempfile
from pathlib import Path

from nova.sdk import durable, private
from nova.sdk.errors import NovaError

SOCKET_PATH_MAX_BYTES = 100
"""Linux allows 107 bytes, macOS 103. Longer data folders get a short stand-in folder."""

RUN_FOLDER = "run"
SECRET_FILE = "stand-in"
SOCKETS_FILE = "sockets"
"""In the run folder: the stand-in folder that the instance uses, for processes that have another
environment.
"""

RUNTIME_VARIABLE = "XDG_RUNTIME_DIR"
FILES_STATE_FILE = "state.json"
"""In the folder of daily files: their progress and failures."""
SHARED_FILE = "shared"
"""The first part of the names of daily files that several streams share."""


_stand_ins: dict[Path, Path] = {}
"""The data folders of the stand-ins that this process has found."""


def run_folder(data: Path) -> Path:
    """The folder of an instance's sockets, the same for all paths to its data folder. Raises
    NovaError if it is a stand-in that another user may have created.
    """
    data = data.resolve()
    folder = data / RUN_FOLDER
    if len(os.fsencode(folder / "writer.sock")) <= SOCKET_PATH_MAX_BYTES:
        return folder
    secret = _read_secret(data)
    places = _stand_in_candidates(data, secret)
    if not secret or not all(map(_is_free_or_own, places)):
        # Another user may have created a stand-in of that name. A new secret name is unpredictable.
        places = _stand_in_candidates(data, _renew_secret(data, secret))
    for place in places:
        private.check_folder(place)
    # A service and a login may have different environments: prefer the folder that has sockets.
    known = [*_recorded_stand_in(data, places[0].name), *places]
    found = next((place for place in known if any(place.glob("*.sock"))), places[0])
    _stand_ins[found] = data
    return found


def _recorded_stand_in(data: Path, name: str) -> list[Path]:
    """The stand-in folder that the instance has recorded, if it is one and this user's own."""
    try:
        found = Path((data / RUN_FOLDER / SOCKETS_FILE).read_text("utf-8", "replace"))
    except OSError:
        return []
    is_usable = found.is_absolute() and found.name == name and private.is_own(found)
    return [found] if is_usable else []


def _record_stand_in(folder: Path) -> None:
    data = _stand_ins.get(folder)
    if data is not None and data.is_dir():
        private.make_folder(data / RUN_FOLDER)
        durable.replace(data / RUN_FOLDER / SOCKETS_FILE, os.fsencode(folder))


def _stand_in_candidates(data: Path, secret: str) -> list[Path]:
    """Candidate stand-in folders. Only who may read the data folder can compute their name."""
    name = hashlib.sha256(os.fsencode(data) + secret.encode()).hexdigest()[:16]
    return [base / f"{_stand_in_prefix()}{name}" for base in _stand_in_parents()]


def _is_free_or_own(place: Path) -> bool:
    try:
        private.check_folder(place)
    except NovaError:
        return False
    return True


def _read_secret(data: Path) -> str:
    """The secret in the name of the data folder's stand-in; empty before the first stand-in."""
    try:
        return (data / RUN_FOLDER / SECRET_FILE).read_text("utf-8", "replace")
    except OSError:
        return ""


def _renew_secret(data: Path, before: str) -> str:
    """Replace the secret `before`; all processes that reject it get the same new one. Returns
    `before` if the data folder is missing or cannot be written.
    """
    try:
        descriptor = os.open(data, os.O_RDONLY)
    except OSError:
        return before
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        current = _read_secret(data)
        if current == before:
            current = secrets.token_hex()
            private.make_folder(data / RUN_FOLDER)
            durable.replace(data / RUN_FOLDER / SECRET_FILE, current.encode())
        return current
    except OSError:
        return before
    finally:
        os.close(descriptor)


def _stand_in_prefix() -> str:
    return f"nova-{os.getuid()}-"


def _stand_in_parents() -> list[Path]:
    """The parents of stand-in folders: the user's runtime folder, if there is one, and the system's
    folder for temporary files.
    """
    runtime = os.environ.get(RUNTIME_VARIABLE) or f"/run/user/{os.getuid()}"
    temporary = Path(tempfile.gettempdir())
    return [Path(runtime), temporary] if private.is_own(Path(runtime)) else [temporary]


def claim_socket(path: Path) -> Path:
    """Create a socket's folder for its owner only, and remove the socket of a dead process.

    Raises NovaError if a process listens there, since a second listener would take the clients of
    the first, and if the folder is a stand-in that does not belong to this user.
    """
    is_stand_in = path.parent.name.startswith(_stand_in_prefix())
    if is_stand_in:
        private.check_folder(path.parent)
    private.make_folder(path.parent)
    if is_stand_in:
        private.check_folder(path.parent)
        _record_stand_in(path.parent)
    elif path.parent.name == RUN_FOLDER:
        private.remove_others_access(path.parent)
    if has_listener(path):
        raise NovaError(f"another process listens at {path}")
    path.unlink(missing_ok=True)
    return path


def has_listener(path: Path) -> bool:
    """Whether a process listens at a socket; true if that is another user's secret."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fsencode(path))
        except (BlockingIOError, PermissionError):
            return True  # Its backlog is full, so there is a listener; or it is another user's.
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def writer_socket(data: Path) -> Path:
    """The socket where readers and local publishers reach the writer."""
    return run_folder(data) / "writer.sock"


def reader_socket(data: Path) -> Path:
    """The socket where edges and local clients reach the reader."""
    return run_folder(data) / "reader.sock"


def exports_folder(data: Path) -> Path:
    """The folder of finished exports: readers write them, edges serve them until they expire."""
    return data / "exports"


def is_shared_file(path: str) -> bool:
    """Whether a path below the folder of a day is that of a file that several streams share."""
    return path.rpartition("/")[2].startswith(f"{SHARED_FILE}.") and path.count("/") in (0, 2)
