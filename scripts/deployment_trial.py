"""What scripts/try-deployment checks inside the Debian root: an installation, begin to end."""

from __future__ import annotations

import atexit
import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import urllib.request
from pathlib import Path

DEPLOY = Path("/root/nova/deploy")
NOVA = "/usr/local/bin/nova"
URL = "http://127.0.0.1:8800"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 120.0
FAILING_SYSTEMCTL = """#!/bin/sh
[ "$1" = restart ] || exit 0
echo "$@" >> /root/restarts
[ "$(wc -l < /root/restarts)" -gt 1 ]
"""
EVENT = b"""
import asyncio
from nova.sdk import Entity, Producer, connect
async def main():
    producer = Producer(connect("local:///var/lib/nova"), "sat1")
    event = producer.observe(Entity("bus", "eps", "a")).ui("view", "m", "1", {"n": 1})
    await producer.send([event])
asyncio.run(main())
"""


def run(*command: str, stdin: bytes = b"", status: int = 0) -> str:
    """Run a command; what it prints."""
    done = subprocess.run(
        command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    text = done.stdout.decode()
    assert done.returncode == status, (command, done.returncode, text)
    return text


def as_nova(*command: str) -> list[str]:
    return ["runuser", "-u", "nova", "--", *command]


def mode(path: str) -> str:
    """Mode and owner of a path."""
    found = os.stat(path)
    return f"{stat.S_IMODE(found.st_mode):04o} {pwd.getpwuid(found.st_uid).pw_name}"


class Service:
    """`nova up` as the unit starts it, and the manager's side of its notifications."""

    def __init__(self, *groups: str) -> None:
        text = Path("/etc/systemd/system/nova.service").read_text()
        found = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
        assert found is not None
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind("\0nova-trial")
        self._manager.settimeout(START_TIMEOUT_S)
        Path("/run/nova").mkdir(mode=0o700, exist_ok=True)
        os.chown("/run/nova", pwd.getpwnam("nova").pw_uid, -1)
        variables = {"NOTIFY_SOCKET": "@nova-trial", "WATCHDOG_USEC": "3000000"}
        self._log = os.open("/root/nova.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._process = subprocess.Popen(
            # Without runuser: the process itself is what the manager knows.
            found[1].split(),
            env={**os.environ, **variables, "XDG_RUNTIME_DIR": "/run/nova"},
            user="nova",
            group="nova",
            extra_groups=list(groups),
            umask=0o077,
            cwd="/var/lib/nova",
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

        atexit.register(self._process.kill)

    def until(self, text: str) -> None:
        while text not in self._manager.recv(65_536).decode():
            assert self._process.poll() is None, Path("/root/nova.log").read_text()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(STOP_TIMEOUT_S) == 0
        self._manager.close()
        os.close(self._log)


def log_in(password: str) -> None:
    body = json.dumps({"username": "admin", "password": password}).encode()
    request = urllib.request.Request(f"{URL}/auth/login", data=body)
    with urllib.request.urlopen(request) as reply:
        assert json.load(reply)["token"]


def events() -> int:
    return count(run(*as_nova(NOVA, "query", "--data", "/var/lib/nova", "--json")))


def count(lines: str) -> int:
    """The events of the trial's producer among envelopes."""
    return lines.count('"systemId":"bus"')


def check_modes() -> None:
    """All data is the service's alone; programs and settings are not its to change."""
    assert mode("/var/lib/nova") == "0700 nova", mode("/var/lib/nova")
    assert mode("/etc/nova/nova.toml") == "0640 root"
    assert mode("/etc/nova/nova.env") == "0600 root"
    found = run("find", "/var/lib/nova", "-perm", "/077")
    assert not found, found
    found = run("find", "-L", "/opt/nova", "/etc/nova", "-user", "nova", "-o", "-perm", "/002")
    assert not found, found


def check_readers(stored: int) -> None:
    """A member of the setting's group replays and verifies, while the service runs and at rest,
    and has no access to keys and sockets; somebody else has none at all.
    """
    run("groupadd", "nova-readers")
    run("usermod", "-aG", "nova-readers", "nova")
    run("useradd", "--no-create-home", "--groups", "nova-readers", "ann")
    run("useradd", "--no-create-home", "bob")
    with Path("/etc/nova/nova.toml").open("a") as settings:
        settings.write('group = "nova-readers"\n')
    service = Service("nova-readers")
    service.until("READY=1")
    replay = (NOVA, "replay", "--data", "/var/lib/nova")
    assert count(run("runuser", "-u", "ann", "--", *replay)) == stored
    run("runuser", "-u", "ann", "--", NOVA, "verify", "--data", "/var/lib/nova")
    run("runuser", "-u", "bob", "--", *replay, status=2)
    for path in ("edge", "edge/jwt.key", "run", "run/reader.sock", "exports"):
        run("runuser", "-u", "ann", "--", "test", "-r", f"/var/lib/nova/{path}", status=1)
    service.stop()
    assert count(run("runuser", "-u", "ann", "--", *replay)) == stored


def check_upgrade_is_taken_back() -> None:
    """A service manager whose restart fails, once: the former release is in use again."""
    before = os.readlink("/opt/nova/current")
    fake = Path("/usr/local/sbin/systemctl")
    fake.write_text(FAILING_SYSTEMCTL)
    fake.chmod(0o755)
    Path("/run/systemd/system").mkdir(parents=True)
    failed = run(str(DEPLOY / "install"), "--offline", status=1)
    assert "the former one runs again" in failed, failed
    assert os.readlink("/opt/nova/current") == before
    assert Path(before).is_dir() and [p.name for p in Path("/opt/nova/releases").glob(".*")] == []
    assert Path("/root/restarts").read_text().count("restart nova") == 2
    Path("/run/systemd/system").rmdir()
    fake.unlink()


def check_service(password: str) -> int:
    """The first run: it is reported, serves, and stores events; returns how many."""
    service = Service()
    service.until("READY=1")
    service.until("WATCHDOG=1")
    log_in(password)
    run(*as_nova("/opt/nova/current/bin/python", "-c", EVENT.decode()))
    stored = events()
    assert stored
    check_modes()
    check_upgrade()
    service.stop()
    service = Service()
    service.until("READY=1")
    log_in(password)
    assert events() == stored
    service.stop()
    return stored


def check_upgrade() -> None:
    """While the service runs; settings stay as they are."""
    with Path("/etc/nova/nova.toml").open("a") as settings:
        settings.write("# mine\n")
    before = os.readlink("/opt/nova/current")
    again = run(str(DEPLOY / "install"), "--offline")
    assert "password" not in again and os.readlink("/opt/nova/current") != before
    assert "# mine" in Path("/etc/nova/nova.toml").read_text()


def check_logs(password: str) -> None:
    """All that was logged is JSON, without the password."""
    for line in Path("/root/nova.log").read_text().splitlines():
        json.loads(line)
        assert password not in line


def check_uninstall() -> None:
    """Data stays unless its deletion is confirmed."""
    run(str(DEPLOY / "uninstall"))
    assert not Path("/opt/nova").exists() and not Path("/usr/local/bin/nova").is_symlink()
    assert Path("/var/lib/nova/truth").is_dir() and Path("/etc/nova/nova.toml").exists()
    run(str(DEPLOY / "uninstall"), "--purge", stdin=b"no\n", status=1)
    assert Path("/var/lib/nova/truth").is_dir()
    run(str(DEPLOY / "uninstall"), "--purge", stdin=b"purge\n")
    assert not Path("/var/lib/nova").exists() and not Path("/etc/nova").exists()
    assert "nova" not in {user.pw_name for user in pwd.getpwall()}


def main() -> None:
    first = run(str(DEPLOY / "install"), "--offline")
    password = re.search(r"with the password (\S+)", first)
    assert password, first
    print("installed")
    print(run("systemd-analyze", "verify", "/etc/systemd/system/nova.service") or "unit verified")
    stored = check_service(password[1])
    print("runs as a service, upgraded")
    check_readers(stored)
    check_logs(password[1])
    print("read by a group")
    check_upgrade_is_taken_back()
    print("upgrade taken back")
    check_uninstall()
    print("uninstalled")


if __name__ == "__main__":
    main()
