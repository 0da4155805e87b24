"""The log file: whole lines, rotated by size and day, compressed, and none lost."""

from __future__ import annotations

import errno
import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nova.cli.log_file import LogFile
from nova.cli.rotated_logs import LogRetention, RotatedLogs
from nova.sdk.errors import NovaError

MIB = 1024 * 1024
DAY_S = 86_400
KEEP_ALL = LogRetention(30, 1024 * MIB)


class LogClock:
    """A clock that a test moves; it begins in 2026."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


def open_log(
    folder: Path,
    clock: LogClock,
    max_bytes: int = MIB,
    retention: LogRetention = KEEP_ALL,
) -> LogFile:
    path = folder / "nova.log"
    return LogFile(path, max_bytes, RotatedLogs(path, retention), clock=clock)


def rotated(folder: Path) -> list[Path]:
    return sorted(folder.glob("nova.log.*"))


def all_lines(folder: Path) -> list[bytes]:
    """The lines of all files, in order of the files' names."""
    texts = [gzip.decompress(path.read_bytes()) for path in rotated(folder)]
    return b"".join([*texts, (folder / "nova.log").read_bytes()]).splitlines()


def line(number: int) -> bytes:
    return b'{"n":%d,"text":"%s"}\n' % (number, b"x" * (number % 90))


def test_no_line_is_lost_or_doubled_by_rotation(tmp_path: Path) -> None:
    """By size, by day and across a restart; all files are private and whole."""
    clock = LogClock()
    log = open_log(tmp_path, clock, max_bytes=4_000)
    for number in range(2_000):
        if number == 700:
            clock.now_s += DAY_S
        if number == 1_500:
            log.close()
            log = open_log(tmp_path, clock, max_bytes=4_000)
        log.write(line(number))
    log.close()
    assert all_lines(tmp_path) == [line(number)[:-1] for number in range(2_000)]
    assert len(rotated(tmp_path)) > 20
    for path in (*rotated(tmp_path), tmp_path / "nova.log"):
        assert path.stat().st_mode & 0o777 == 0o600
        if path.suffix == ".gz":
            assert len(gzip.decompress(path.read_bytes())) <= 4_000


def test_a_day_begins_a_file_also_after_a_restart(tmp_path: Path) -> None:
    clock = LogClock()
    log = open_log(tmp_path, clock)
    log.write(b"{}\n")
    log.close()
    os.utime(tmp_path / "nova.log", (clock.now_s, clock.now_s))
    clock.now_s += DAY_S
    log = open_log(tmp_path, clock)
    log.write(b"{}\n")
    log.close()
    assert len(rotated(tmp_path)) == 1 and (tmp_path / "nova.log").read_bytes() == b"{}\n"


def test_the_number_of_a_removed_file_is_not_used_again(tmp_path: Path) -> None:
    """Within a second names sort by number, and the oldest is removed first."""
    logs = RotatedLogs(tmp_path / "nova.log", KEEP_ALL)
    names = []
    for _ in range(3):
        names.append(logs.next_name(1_800_000_000.0))
        names[-1].touch()
    names[0].unlink()
    assert logs.next_name(1_800_000_000.0) > names[-1]
    assert logs.next_name(1_800_000_001.0).name.endswith("-000")


def test_what_is_too_old_or_too_much_is_removed(tmp_path: Path) -> None:
    """The oldest first; files of other names stay."""
    (tmp_path / "nova.log.notes").write_text("mine")
    clock = LogClock()
    log = open_log(tmp_path, clock, 2_000, LogRetention(30, 5_000))
    for number in range(400):
        log.write(b'{"n":%d,"r":"%s"}\n' % (number, os.urandom(20).hex().encode()))
    log.close()
    kept = [path for path in rotated(tmp_path) if path.suffix == ".gz"]
    assert 0 < sum(path.stat().st_size for path in kept) <= 5_000
    assert all_lines_of(kept)[-1].startswith(b'{"n":3')
    os.utime(kept[0], (0, 0))
    open_log(tmp_path, clock, retention=KEEP_ALL).close()
    assert not kept[0].exists() and all(path.exists() for path in kept[1:])
    assert (tmp_path / "nova.log.notes").read_text() == "mine"


def all_lines_of(files: list[Path]) -> list[bytes]:
    return b"".join(gzip.decompress(path.read_bytes()) for path in files).splitlines()


def test_what_a_killed_process_left_is_completed(tmp_path: Path) -> None:
    """A torn last line ends; a half compression is done again."""
    (tmp_path / "nova.log").write_bytes(b'{"whole":1}\n{"to')
    (tmp_path / "nova.log.2026-01-01T000000-000").write_bytes(b'{"old":1}\n')
    (tmp_path / "nova.log.2026-01-01T000000-000.part").write_bytes(b"half")
    clock = LogClock()
    clock.now_s = (tmp_path / "nova.log").stat().st_mtime
    log = open_log(tmp_path, clock)
    log.write(b'{"next":1}\n')
    log.close()
    assert (tmp_path / "nova.log").read_bytes().splitlines()[-1] == b'{"next":1}'
    assert [path.suffix for path in rotated(tmp_path)] == [".gz"]
    assert gzip.decompress(rotated(tmp_path)[0].read_bytes()) == b'{"old":1}\n'


def test_a_file_that_somebody_moved_is_begun_anew(tmp_path: Path) -> None:
    """As another program for rotation does it."""
    log = open_log(tmp_path, LogClock())
    log.write(b"1\n")
    (tmp_path / "nova.log").rename(tmp_path / "elsewhere")
    log.write(b"2\n")
    log.close()
    assert (tmp_path / "elsewhere").read_bytes() + (tmp_path / "nova.log").read_bytes() == b"1\n2\n"


def test_two_instances_do_not_share_a_file(tmp_path: Path) -> None:
    log = open_log(tmp_path, LogClock())
    with pytest.raises(NovaError, match="another process writes"):
        open_log(tmp_path, LogClock())
    log.close()
    (tmp_path / "file").touch()
    with pytest.raises(NovaError, match="keeps a folder there"):
        open_log(tmp_path / "file", LogClock())


FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.cli.test_log_file import LogClock, open_log
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = open_log(Path(sys.argv[1]), LogClock())
log.write(b"first\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
try:
    log.write(b"x" * 5_000 + b"\\n")
except OSError as error:
    print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.write(b"last\\n")
log.close()
"""


def test_a_write_that_fails_half_way_leaves_no_half_line(tmp_path: Path) -> None:
    """A limit of the file's size fails as a full disk does: after a short write."""
    code = FULL.format(tests=str(Path(__file__).parents[2]))
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True
    )
    assert int(done.stdout) == errno.EFBIG
    assert (tmp_path / "nova.log").read_bytes() == b"first\nlast\n"
