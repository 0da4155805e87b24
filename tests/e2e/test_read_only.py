"""Archives on a read-only file system: one without a running instance, and one that runs
elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.writer.committer import Committer
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import Batch, connect
from nova.testkit.running_nova import nova_command, running_nova
from tests.e2e.mounting import can_mount, run_beside_read_only
from tests.e2e.test_batch_replay import records

Run = Callable[..., subprocess.CompletedProcess[bytes]]
NOVA = (sys.executable, "-m", "nova.cli")


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder whose path is short enough for its sockets."""
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        yield Path(folder) / "data"


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    """Runs a `nova` command that cannot write the data folder, with its own temporary folder."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    variables = {"TMPDIR": str(scratch)}

    def mounted(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        done = run_beside_read_only(data, [*NOVA, *arguments], variables)
        assert list(scratch.iterdir()) == [], "scratch folders stay"
        return done

    def closed(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        folders = [path for path in (data, *data.rglob("*")) if not path.is_socket()]
        modes = {path: path.stat().st_mode for path in folders}
        for path in reversed(folders):
            path.chmod(modes[path] & ~0o222)
        try:
            return nova_command(*arguments, TMPDIR=str(scratch))
        finally:
            for path in folders:
                path.chmod(modes[path])

    if can_mount():
        return mounted
    if os.getuid() != 0:
        return closed
    pytest.skip("root may write everywhere, and may not mount here")


def test_replay_reads_an_archive_at_rest(data: Path, tmp_path: Path, run: Run) -> None:
    """Before, it was refused: "Read-only file system"."""
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    committer.add_batch("link", Batch(records(2_000)))
    committer.close_commit()
    archive.sync()
    archive.close()
    expected = nova_command("replay", "--data", str(data)).stdout
    assert expected.count(b"\n") == 2_000
    done = run("replay", "--data", str(data))
    assert (done.stdout, done.returncode) == (expected, 0), done.stderr
    out = tmp_path / "shards"
    done = run("replay", "--data", str(data), "--shards", "2", "--per-shard", str(out))
    assert done.returncode == 0, done.stderr
    parts = [path.read_bytes() for path in sorted(out.glob("*.jsonl"))]
    assert b"".join(parts) == expected
    done = run("verify", "--data", str(data), "--processes", "2")
    assert done.stdout.startswith(b"whole: 2,000 events"), (done.stdout, done.stderr)


def test_an_archive_that_runs_elsewhere_is_read(data: Path, tmp_path: Path, run: Run) -> None:
    """As a container does that has the data folder without the right to write it."""

    async def publish(url: str) -> None:
        transport = connect(url)
        await Producer(transport, "sat").publish(records(1_000))
        await transport.close()

    told = ("--data", str(data))
    span = ("--from", "2025-01-01T00:00:00Z", "--to", "now", "--types", "Count")
    with running_nova(data, "--scope", "sat") as nova:
        asyncio.run(publish(nova.publish))
        expected = nova_command("replay", *told, *span).stdout
        for command in (("replay",), ("query", "--json")):
            done = run(*command, *told, *span)
            assert (done.stdout, done.returncode) == (expected, 0), done.stderr
        done = run("verify", *told, "--processes", "2")
        assert done.stdout.startswith(b"whole: 1,0"), (done.stdout, done.stderr)
        out = tmp_path / "out.zip"
        done = run("export", *told, "--driver", "jsonl", "--out", str(out))
        assert done.returncode == 0, done.stderr
        assert out.stat().st_size > 0
        nova.kill()
    assert expected.count(b"\n") == 1_000
    assert (data / TRUTH_FOLDER).is_dir()
