"""The classes of a Java program in a file that JVMs map, which halves what a start costs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

QUIET = "-Xlog:disable"


def archive_options(jars: Path, run: Callable[[Sequence[str]], bool]) -> list[str]:
    """The options of a JVM that reads the archive of a folder of jars. If there is none, `run` has
    to run the program once with the options that it gets, and returns whether it came to an orderly
    end. Whoever asks while another makes the archive does without it, as where it cannot be made.
    """
    archive = jars.with_name(f"{jars.name}-{_java_mark()}.jsa")
    if not archive.exists():
        _make(archive, run)
    return [f"-XX:SharedArchiveFile={archive}", QUIET] if archive.exists() else []


def _java_mark() -> str:
    """Differs between JVMs: none reads the archive of another."""
    java = Path(os.path.realpath(shutil.which("java") or "java"))
    changed_ns = java.stat().st_mtime_ns if java.exists() else 0
    return hashlib.sha256(f"{java} {changed_ns}".encode()).hexdigest()[:12]


def _make(archive: Path, run: Callable[[Sequence[str]], bool]) -> None:
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(archive.with_suffix(".lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # Another makes it, or this user may not.
            return
        if archive.exists():
            return
        unfinished = archive.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        # A JVM that cannot do it runs the program all the same.
        options = ["-XX:+IgnoreUnrecognizedVMOptions", f"-XX:ArchiveClassesAtExit={unfinished}"]
        if run([*options, QUIET]) and unfinished.exists():
            unfinished.rename(archive)
