"""`nova notifications` names what is wrong in a file, and sends a test message."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from nova.testkit.running_nova import nova_command
from tests.core.notifications.receiving import SECRET, receiving_webhook

FILE = """
rules = []

[[targets]]
name = "hook"
webhook = "%s"
secret = "%s"

[[targets]]
name = "away"
webhook = "http://127.0.0.1:1/"
secret = "%s"
"""


async def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return await asyncio.to_thread(nova_command, "notifications", *arguments)


async def test_a_test_message_reaches_its_target_or_says_why_not(tmp_path: Path) -> None:
    async with receiving_webhook() as received:
        path = tmp_path / "notifications.toml"
        path.write_text(FILE % (received.url, SECRET, SECRET))
        sent = await run("test", "hook", "--file", str(path))
        assert (sent.returncode, sent.stdout) == (0, b"sent to hook\n"), sent.stderr
        assert [body["kind"] for body in received.bodies] == ["test"]
        assert not received.faults
        failed = await run("test", "away", "--file", str(path))
        assert failed.returncode == 1
        assert b"target away: no connection" in failed.stderr
        assert SECRET.encode() not in failed.stderr


async def test_a_url_that_apprise_does_not_know_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "notifications.toml"
    path.write_text("rules = []\ntargets = []\n")
    nobody = await run("check", str(path))
    assert nobody.returncode == 3 and b"has no rule, so nobody is notified" in nobody.stderr
    path.write_text('rules = []\n[[targets]]\nname = "x"\nurl = "nothing://user:pw7@host"\n')
    found = await run("check", str(path))
    assert found.returncode == 1
    assert b"target x: url: Apprise cannot use this URL of nothing" in found.stderr
    assert b"pw7" not in found.stderr
