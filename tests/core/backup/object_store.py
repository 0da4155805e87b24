"""An S3 server of its own: moto's, as a process, with its objects in memory."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from nova.testkit.ports import LOOPBACK, free_port

START_TIMEOUT_S = 60.0
BUCKET = "backups"
REGION = "us-east-1"


@contextlib.contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """The environment by which clients reach a server with one bucket."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _create_bucket(url)
            yield {
                "AWS_ENDPOINT_URL": url,
                "AWS_ALLOW_HTTP": "true",
                "AWS_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            }
        finally:
            process.kill()


def _create_bucket(url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    request = urllib.request.Request(f"{url}/{BUCKET}", method="PUT")
    while True:
        try:
            with urllib.request.urlopen(request):
                return
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
