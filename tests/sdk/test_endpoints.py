"""Sockets lie in the data folder, or where their path still fits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nova.sdk import endpoints
from nova.sdk.errors import NovaError


def test_sockets_lie_in_the_data_folder_for_its_owner_only(data: Path) -> None:
    """Pitfalls row 29: nobody else on the machine reaches them."""
    assert endpoints.claim_socket(endpoints.writer_socket(data)) == data / "run" / "writer.sock"
    assert (data / "run").stat().st_mode & 0o077 == 0
    endpoints.claim_socket(endpoints.reader_socket(data)).touch()
    assert not endpoints.claim_socket(endpoints.reader_socket(data)).exists()


def test_asking_where_a_socket_is_makes_nothing(tmp_path: Path) -> None:
    """A mistyped folder is not made by looking there."""
    endpoints.reader_socket(tmp_path / "typo")
    assert list(tmp_path.iterdir()) == []


def test_one_folder_has_one_place_by_whatever_name(tmp_path: Path) -> None:
    """Processes that were started with other names of a folder still meet."""
    deep = tmp_path / ("x" * 90) / "data"
    deep.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="nova-") as short:
        link = Path(short) / "link"
        link.symlink_to(deep)
        assert endpoints.writer_socket(link) == endpoints.writer_socket(deep)
        assert endpoints.writer_socket(link / ".." / "data") == endpoints.writer_socket(deep)


def test_long_folders_get_a_short_stand_in_of_their_own(tmp_path: Path) -> None:
    """A socket's path has at most 107 bytes; two folders never share one."""
    long = [tmp_path / (letter * 120) for letter in "ab"]
    found = [endpoints.reader_socket(data) for data in long]
    assert all(len(str(path)) <= endpoints.SOCKET_PATH_MAX_BYTES for path in found)
    assert len(set(found)) == 2
    assert endpoints.reader_socket(long[0]) == found[0]


async def test_long_folders_can_be_listened_in(tmp_path: Path) -> None:
    """The stand-in is a socket like any other."""
    path = endpoints.claim_socket(endpoints.writer_socket(tmp_path / ("a" * 120)))
    try:
        server = await asyncio.start_unix_server(lambda *_: None, path)
        server.close()
        await server.wait_closed()
    finally:
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def far(base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with too long a path, where the system's temporary files are in `base`."""
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "nowhere"))
    data = base / ("a" * 120)
    data.mkdir()
    return data


@pytest.mark.parametrize("trap", ["open", "symlink", "file"])
def test_a_stand_in_that_another_may_have_made_is_not_used(
    data: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    """Whoever is first in a folder of all users would be listened to, by
    clients, and listen in; and nobody keeps NOVA from starting by being there first.
    """
    long = far(data, monkeypatch)
    folder = endpoints.writer_socket(long).parent
    if trap == "open":
        folder.mkdir()
        folder.chmod(0o777)
    elif trap == "symlink":
        (data / "other").mkdir(mode=0o700)
        folder.symlink_to(data / "other")
    else:
        folder.touch()
    with pytest.raises(NovaError, match=r"remove it, or set XDG_RUNTIME_DIR"):
        endpoints.claim_socket(folder / "writer.sock")
    found = endpoints.reader_socket(long)
    assert found.parent != folder
    assert endpoints.claim_socket(endpoints.writer_socket(long)).parent == found.parent


def test_the_name_of_a_stand_in_cannot_be_foreseen(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It follows from a secret in the data folder, which is its user's own."""
    long = far(data, monkeypatch)
    first = endpoints.writer_socket(long)
    assert endpoints.reader_socket(long).parent == first.parent
    (long / "run" / endpoints.SECRET_FILE).unlink()
    assert endpoints.writer_socket(long) != first
    assert (long / "run").stat().st_mode & 0o077 == 0


def test_processes_agree_on_a_new_name(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where several find at once that the old one is no good."""
    long = far(data, monkeypatch)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: endpoints.writer_socket(long), range(32)))
    assert len(found) == 1


def test_stand_ins_lie_in_the_users_own_folder_where_there_is_one(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XDG_RUNTIME_DIR if it is the user's own; a service that had none is found all the same."""
    long = far(data, monkeypatch)
    temporary = endpoints.writer_socket(long)
    assert temporary.parent.parent == data
    runtime = data / "r"
    runtime.mkdir(mode=0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert endpoints.writer_socket(long) == temporary
    runtime.chmod(0o700)
    assert endpoints.writer_socket(long).parent.parent == runtime
    endpoints.claim_socket(temporary).touch()
    assert endpoints.writer_socket(long) == temporary


def test_a_stand_in_is_found_in_any_environment(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service has a runtime folder of its own, of which a login knows nothing. What is recorded
    is used only while it is a folder of the user's own, under the name of the secret.
    """
    long = far(data, monkeypatch)
    runtime = data / "r"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    served = endpoints.claim_socket(endpoints.writer_socket(long))
    served.touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(data / "nowhere"))
    assert endpoints.writer_socket(long) == served
    served.parent.chmod(0o755)
    assert endpoints.writer_socket(long).parent.parent == data
    served.parent.chmod(0o700)
    trap = runtime / "trap"
    trap.mkdir(mode=0o700)
    (trap / "writer.sock").touch()
    (long / "run" / endpoints.SOCKETS_FILE).write_text(str(trap))
    assert endpoints.writer_socket(long).parent.parent == data


def test_a_run_folder_that_others_may_enter_is_closed(data: Path) -> None:
    """It lies in the data folder, so it is the instance's own."""
    (data / "run").mkdir()
    (data / "run").chmod(0o777)
    endpoints.claim_socket(endpoints.writer_socket(data))
    assert (data / "run").stat().st_mode & 0o077 == 0


def test_a_socket_that_is_listened_at_is_not_taken(data: Path) -> None:
    """Who listens keeps the address, also while more wait to be let in than it has room for."""
    path = endpoints.claim_socket(endpoints.writer_socket(data))
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as waiting:
        listener.bind(str(path))
        listener.listen(0)
        for _ in range(3):
            with pytest.raises(NovaError, match="another process listens"):
                endpoints.claim_socket(path)
            peer = waiting.enter_context(socket.socket(socket.AF_UNIX))
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                peer.connect(str(path))
    assert path.exists()


def test_a_socket_that_a_killed_process_left_is_taken(data: Path) -> None:
    """After a SIGKILL the file is still there, and nobody listens."""
    path = endpoints.claim_socket(endpoints.writer_socket(data))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
    assert path.is_socket()
    assert not endpoints.claim_socket(path).exists()


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        yield Path(folder)
