"""Files are replaced completely or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nova.sdk import durable
from nova.sdk.errors import NovaError

NOBODY = 65534


def run(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own, with `folder` as its working directory."""
    head = "import os, pathlib, resource, signal, sys\nfrom nova.sdk import durable\n"
    head += "PATH = pathlib.Path('kept')\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


KILLED_AT_STEP = """
    left = int(sys.argv[1])
    def on_step(event, arguments):
        global left
        if event in ("open", "os.rename", "os.link", "os.remove", "os.truncate"):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(on_step)
"""


def kill_at_each_step(folder: Path, call: str) -> list[bytes | None]:
    """What is at the path after each step of a call at which it was killed."""
    found: list[bytes | None] = []
    path = folder / "kept"
    for step in range(20):
        path.unlink(missing_ok=True)
        if call != "create":
            path.write_bytes(b"before")
        (folder / "finished").write_bytes(b"after")
        arguments = {"move": "pathlib.Path('finished'), PATH", "truncate": "PATH, 3"}
        given = arguments.get(call, "PATH, b'after'")
        script = f"{KILLED_AT_STEP}    durable.{call}({given})"
        result = run(folder, script, str(step))
        found.append(path.read_bytes() if path.exists() else None)
        if result.returncode == 0:
            return found
        assert result.returncode == -9, result.stderr
    raise AssertionError("the call never ends")


@pytest.mark.parametrize(
    ("call", "before", "after"),
    [
        ("replace", b"before", b"after"),
        ("create", None, b"after"),
        ("move", b"before", b"after"),
        ("truncate", b"before", b"bef"),
    ],
)
def test_a_kill_between_two_steps_leaves_one_or_the_other(
    tmp_path: Path, call: str, before: bytes | None, after: bytes
) -> None:
    """Never a part, and never nothing where something was."""
    found = kill_at_each_step(tmp_path, call)
    assert set(found) == {before, after}
    assert found[0] == before
    assert found[-1] == after
    assert found == sorted(found, key=lambda one: one == after)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """And nothing is left beside it, also where a killed process had left something."""
    path = tmp_path / "counts.json"
    (tmp_path / "counts.json.new").write_bytes(b"half of")
    durable.replace(path, b"first, and longer")
    durable.replace(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["counts.json"]


def test_what_was_there_stays_where_the_new_cannot_be_written(tmp_path: Path) -> None:
    """A folder in the way stands for a disk that refuses."""
    path = tmp_path / "counts.json"
    durable.replace(path, b"kept")
    (tmp_path / "counts.json.new").mkdir()
    with pytest.raises(OSError):
        durable.replace(path, b"lost")
    assert path.read_bytes() == b"kept"


def test_a_killed_writer_leaves_one_or_the_other(tmp_path: Path) -> None:
    """Whenever it is killed: never a part, never nothing."""
    path = tmp_path / "counts.json"
    durable.replace(path, b"a" * 100_000)
    script = (
        "import sys, pathlib; from nova.sdk import durable\n"
        "while True:\n"
        "    for sign in b'ab': durable.replace(pathlib.Path(sys.argv[1]), bytes([sign]) * 100_000)"
    )
    for wait_s in (0.3, 0.4, 0.5):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)])
        try:
            writer.wait(wait_s)
        except subprocess.TimeoutExpired:
            writer.kill()
        writer.wait()
        assert path.read_bytes() in (b"a" * 100_000, b"b" * 100_000)


@pytest.mark.parametrize("call", ["replace", "create"])
def test_a_new_file_is_private_from_its_first_moment(tmp_path: Path, call: str) -> None:
    """Whatever the umask, and whatever mode a leftover has; its user may ask for another."""
    script = f"""
        os.umask(0)
        seen = []
        def on_open(event, arguments):
            if event in ("os.rename", "os.link"):
                seen.append(os.stat(arguments[0]).st_mode & 0o777)
        sys.addaudithook(on_open)
        pathlib.Path("kept.new").write_bytes(b"of anybody")
        durable.{call}(PATH, b"secret")
        print(*map(oct, seen))
    """
    result = run(tmp_path, script)
    assert (result.stdout, result.stderr) == ("0o600\n", "")
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600
    run(tmp_path, "os.umask(0o027); durable.replace(PATH, b'', 0o666)")
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o640


def test_the_first_of_several_creates_the_file(tmp_path: Path) -> None:
    """The others learn that it is there, and leave nothing behind."""
    path = tmp_path / "key"
    assert durable.create(path, b"first")
    assert not durable.create(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["key"]


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    """The one error says what is there, and what to do; nothing is left beside it."""
    path, finished = tmp_path / "kept", tmp_path / "finished"
    path.mkdir()
    finished.write_bytes(b"x")
    words = "kept is a folder, but NOVA keeps a file there: move it away"
    with pytest.raises(NovaError, match=words):
        durable.replace(path, b"content")
    with pytest.raises(NovaError, match=words):
        durable.move(finished, path)
    with pytest.raises(NovaError, match=words):
        durable.read(path)
    with pytest.raises(IsADirectoryError):
        durable.truncate(path, 0)
    assert not durable.create(path, b"content")
    assert sorted(os.listdir(tmp_path)) == ["finished", "kept"]


CALLS = {
    "replace": "durable.replace(PATH, b'after' * 1000)",
    "create": "durable.create(pathlib.Path('other'), b'after' * 1000)",
}


@pytest.mark.parametrize(
    "call", [*CALLS.values(), "durable.move(pathlib.Path('finished'), PATH)"], ids=str
)
def test_a_folder_that_may_not_be_written_keeps_what_it_has(tmp_path: Path, call: str) -> None:
    """The error is the operating system's."""
    (tmp_path / "kept").write_bytes(b"before")
    (tmp_path / "finished").write_bytes(b"after")
    tmp_path.chmod(0o555)
    drop = f"if os.getuid() == 0: os.setuid({NOBODY})\n"
    try:
        result = run(tmp_path, drop + call)
    finally:
        tmp_path.chmod(0o755)
    assert "PermissionError" in result.stderr
    assert (tmp_path / "kept").read_bytes() == b"before"
    assert sorted(os.listdir(tmp_path)) == ["finished", "kept"]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_full_disk_takes_nothing_half(tmp_path: Path, call: str) -> None:
    """What was there stays, and the part that could be written does not."""
    (tmp_path / "kept").write_bytes(b"before")
    result = run(tmp_path, "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n" + call)
    assert "File too large" in result.stderr
    assert (tmp_path / "kept").read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["kept"]
