"""A JVM archives its classes once, and later ones read them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from nova.testkit.class_archive import archive_options


def test_the_first_to_come_makes_it_and_all_others_read_it(tmp_path: Path) -> None:
    """By a real JVM, which ends if it has to read an archive and cannot."""
    runs: list[Sequence[str]] = []

    def run(options: Sequence[str]) -> bool:
        runs.append(options)
        assert archive_options(tmp_path / "jars", run) == []  # Another makes it just now.
        subprocess.run(["java", *options, "--version"], check=True, capture_output=True)
        return True

    made = archive_options(tmp_path / "jars", run)
    assert archive_options(tmp_path / "jars", run) == made
    assert len(runs) == 1
    subprocess.run(
        ["java", "-Xshare:on", *made, "--version"], check=True, capture_output=True, timeout=60
    )
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".jsa", ".lock"]


def test_a_part_of_an_archive_is_not_read(tmp_path: Path) -> None:
    """It is left by a program that was killed while it wrote; the next one writes it anew."""

    def killed(options: Sequence[str]) -> bool:
        (option,) = (one for one in options if "ArchiveClassesAtExit" in one)
        Path(option.partition("=")[2]).write_bytes(b"begun")
        return False

    assert archive_options(tmp_path / "jars", killed) == []
    assert archive_options(tmp_path / "jars", lambda options: True) == []
    assert not list(tmp_path.glob("*.jsa"))
