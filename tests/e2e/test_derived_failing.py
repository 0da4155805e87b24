"""NOVA serves while the processes of derived data cannot start."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from nova.testkit.running_nova import running_nova
from tests.e2e.recorded_flight import SCOPE
from tests.e2e.test_up import count, publish


@pytest.mark.parametrize("is_link", [False, True])
def test_samples_that_are_no_folder_keep_nobody_from_starting(
    tmp_path: Path, is_link: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """A plain file, or a link to a disk that is not mounted, ended all of NOVA in a traceback."""
    data = tmp_path / "data"
    data.mkdir()
    if is_link:
        (data / "samples").symlink_to(tmp_path / "nowhere")
    else:
        (data / "samples").write_bytes(b"x")
    with running_nova(data, "--scope", SCOPE) as nova:
        asyncio.run(publish(nova.publish, 1))
        assert asyncio.run(count(data)) == 1
        errors = ""
        while "NOVA keeps a folder there: move it away" not in errors:  # the test's timeout bounds
            time.sleep(0.1)
            errors += capfd.readouterr().err
    assert "Traceback" not in errors
