"""Sockets lie in the data folder, or where their path still fits."""

from __future__ import annotations

from pathlib import Path

from sdk import endpoints


def test_sockets_lie_in_the_data_folder_for_its_owner_only(tmp_path: Path) -> None:
    """Pitfalls row 29: nobody else on the machine reaches them."""
    data = Path("/tmp") / tmp_path.name
    try:
        assert endpoints.writer_socket(data) == data / "run" / "writer.sock"
        assert (data / "run").stat().st_mode & 0o077 == 0
    finally:
        (data / "run").rmdir()
        data.rmdir()


def test_long_folders_get_a_short_stand_in_of_their_own(tmp_path: Path) -> None:
    """A socket's path has at most 107 bytes; two folders never share one."""
    long = [tmp_path / (letter * 120) for letter in "ab"]
    found = [endpoints.reader_socket(data) for data in long]
    assert all(len(str(path)) <= endpoints.SOCKET_PATH_MAX_BYTES for path in found)
    assert len(set(found)) == 2
    assert endpoints.reader_socket(long[0]) == found[0]
    for path in found:
        path.parent.rmdir()
