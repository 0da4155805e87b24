"""A provider for tests that others wrote, oidc-provider-mock, as a process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

READY_WAIT_S = 60
POLL_S = 0.05
CLIENT_SECRET = "the secret of this client"


@dataclass(frozen=True)
class ProviderProcess:
    """A running provider."""

    issuer: str
    process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def add_user(self, subject: str, **claims: Any) -> None:
        """Make a user, or replace its claims."""
        request = urllib.request.Request(
            f"{self.issuer}/users/{subject}",
            data=json.dumps(claims).encode(),
            headers={"Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request) as reply:
            assert reply.status == 204

    def variables(self) -> dict[str, str]:
        """The settings of an edge whose users log in here."""
        return {
            "NOVA_OIDC_ISSUER": self.issuer,
            "NOVA_OIDC_CLIENT_ID": "nova",
            "NOVA_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "NOVA_OIDC_NAME": "Mock",
            "NOVA_OIDC_ROLE_CLAIM": "groups",
            "NOVA_OIDC_ROLES": "nova-admins=admin,nova-operators=operator",
        }


@contextmanager
def provider_process() -> Iterator[ProviderProcess]:
    """A provider that is ready, and ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port))
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        issuer = f"http://localhost:{port}"  # Another site than 127.0.0.1 for a browser.
        _wait_until_ready(process, issuer)
        yield ProviderProcess(issuer, process)
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], issuer: str) -> None:
    deadline = time.monotonic() + READY_WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration"):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(POLL_S)
    raise AssertionError(f"the provider did not become ready: {process.poll()}")
