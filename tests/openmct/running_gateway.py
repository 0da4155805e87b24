"""`nova openmct` as a process, on a free port."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova.openmct.openmct_package import LIBRARY, MAIN
from nova.testkit.command_fork import start_command


def empty_openmct(folder: Path) -> Path:
    """A folder where Open MCT seems to be installed, for tests that open no page."""
    library = folder / LIBRARY
    library.mkdir(parents=True)
    (library / MAIN).write_text("// Open MCT\n")
    return folder


@contextmanager
def running_gateway(url: str, token: str, folder: Path) -> Iterator[str]:
    """The URL of its page."""
    arguments = ("--url", url, "--port", "0", "--folder", str(folder), "--exit-with-stdin")
    environment = {**os.environ, "NOVA_TOKEN": token}
    with start_command("openmct", *arguments, environment=environment) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline().decode()
            assert line.startswith("Open MCT: http://127.0.0.1:"), line
            yield line.split()[-1]
        finally:
            process.kill()
