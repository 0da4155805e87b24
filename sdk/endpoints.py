"""Where the processes of one instance meet, the Unix sockets of writer and reader, and how they
part.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import secrets
import socket
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web

from sdk import durable, private
from sdk.errors import NovaError

SOCKET_PATH_MAX_BYTES = 100
"""Linux takes 107 bytes, macOS 103; longer data folders get a short stand-in."""

RUN_FOLDER = "run"
SECRET_FILE = "stand-in"
RUNTIME_VARIABLE = "XDG_RUNTIME_DIR"
FILES_STATE_FILE = "state.json"
"""In the folder of the daily files: how far they are, and what has gone wrong."""

HANG_UP_TIMEOUT_S = 1.0
PEER_CREDENTIALS = struct.Struct("3i")
"""Process, user and group at the other end of a Unix socket, as Linux tells them."""


async def send_text(
    socket: web.WebSocketResponse[bool] | ClientWebSocketResponse[bool], frame: bytes
) -> None:
    """Send a text frame; whoever waits for the socket's room here may be cancelled.

    aiohttp lets all who wait share one future: cancelling it, one would take the next to send down
    too, and its client would wait for ever.
    """
    sending = asyncio.ensure_future(socket.send_frame(frame, WSMsgType.TEXT))
    sending.add_done_callback(_forget)
    await asyncio.shield(sending)


def _forget(sending: asyncio.Future[None]) -> None:
    """Take note of how a frame fared that nobody waits for any more: its client is gone."""
    if not sending.cancelled():
        sending.exception()


def run_folder(data: Path) -> Path:
    """The folder of the sockets of an instance, one for all names of its data folder; raises
    NovaError if it is a stand-in that another user may have made.
    """
    data = data.resolve()
    folder = data / RUN_FOLDER
    if len(os.fsencode(folder / "writer.sock")) <= SOCKET_PATH_MAX_BYTES:
        return folder
    secret = _read_secret(data)
    places = _places(data, secret)
    if not secret or not all(map(_is_free_or_own, places)):
        # Somebody was there first, or could be: nobody can foresee a new name.
        places = _places(data, _renewed_secret(data, secret))
    for place in places:
        private.check_folder(place)
    # A service and a login may have different variables: where sockets are already, they meet.
    return next((place for place in places if any(place.glob("*.sock"))), places[0])


def _places(data: Path, secret: str) -> list[Path]:
    """Where the stand-in may lie, under a name that only who may read the data folder can know."""
    name = hashlib.sha256(os.fsencode(data) + secret.encode()).hexdigest()[:16]
    return [base / f"{_stand_in_prefix()}{name}" for base in _bases()]


def _is_free_or_own(place: Path) -> bool:
    try:
        private.check_folder(place)
    except NovaError:
        return False
    return True


def _read_secret(data: Path) -> str:
    """What names the stand-in of a data folder; empty before there was one."""
    try:
        return (data / RUN_FOLDER / SECRET_FILE).read_text("utf-8", "replace")
    except OSError:
        return ""


def _renewed_secret(data: Path, before: str) -> str:
    """Another one, the same for all processes that find the one before no good; the one before
    where the data folder is not there or cannot be written.
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


def _bases() -> list[Path]:
    """Where stand-ins may lie: in the user's own folder for such, if there is one, or where the
    system has its temporary files.
    """
    runtime = os.environ.get(RUNTIME_VARIABLE) or f"/run/user/{os.getuid()}"
    temporary = Path(tempfile.gettempdir())
    return [Path(runtime), temporary] if private.is_own(Path(runtime)) else [temporary]


def claim(path: Path) -> Path:
    """Make a socket's folder, for its owner only, and remove what a dead process left there.

    Raises NovaError if somebody listens there: who came second would take the callers of the first;
    and if the folder is a stand-in that is not this user's own.
    """
    is_stand_in = path.parent.name.startswith(_stand_in_prefix())
    if is_stand_in:
        private.check_folder(path.parent)
    private.make_folder(path.parent)
    if is_stand_in:
        private.check_folder(path.parent)
    elif path.parent.name == RUN_FOLDER:
        private.mend(path.parent)
    if _is_listened_at(path):
        raise NovaError(f"somebody listens at {path} already")
    path.unlink(missing_ok=True)
    return path


def _is_listened_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fsencode(path))
        except BlockingIOError:
            return True  # So many wait to be let in that there is no room for one more.
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def writer_socket(data: Path) -> Path:
    """Where readers and local publishers reach the writer."""
    return run_folder(data) / "writer.sock"


def reader_socket(data: Path) -> Path:
    """Where edges and local clients reach the reader."""
    return run_folder(data) / "reader.sock"


def exports_folder(data: Path) -> Path:
    """Where finished exports lie until they expire: a reader puts them there, an edge hands them
    out.
    """
    return data / "exports"


async def hang_up(connections: Mapping[web.WebSocketResponse, web.Request]) -> None:
    """Close connections politely, and after HANG_UP_TIMEOUT_S those that do not listen all the
    same: a polite close waits for ever behind bytes that nobody reads.
    """
    requests = list(connections.values())
    polite = (peer.close(code=WSCloseCode.GOING_AWAY) for peer in list(connections))
    closing = asyncio.gather(*polite, return_exceptions=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG_UP_TIMEOUT_S):
            await asyncio.shield(closing)
    for request in requests:
        abort(request)
    await closing


def abort(request: web.Request) -> None:
    """End a connection at once, whatever is still unsent."""
    if request.transport is not None:
        request.transport.abort()


def peer_name(request: web.Request) -> str:
    """Who is at the other end, as an operator can find it: by its process, else by its port."""
    transport, option = request.transport, getattr(socket, "SO_PEERCRED", None)
    peer = None if transport is None else transport.get_extra_info("socket")
    if peer is not None and peer.family == socket.AF_UNIX and option is not None:
        with contextlib.suppress(OSError):
            found = peer.getsockopt(socket.SOL_SOCKET, option, PEER_CREDENTIALS.size)
            return f"of process {PEER_CREDENTIALS.unpack(found)[0]}"
    name = None if transport is None else transport.get_extra_info("peername")
    return f"at {name[0]}:{name[1]}" if isinstance(name, tuple) else "of this machine"
