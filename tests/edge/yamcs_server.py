"""Yamcs as a process: an instance for each link that reads a TCP stream, and what it archived."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nova.testkit.maven_jars import MavenArtifact, maven_jars
from nova.testkit.ports import LOOPBACK, free_port
from nova.testkit.process_server import ProcessServer
from tests.made_packets import counter_xtce

YAMCS_VERSION = "5.12.0"
READY_TIMEOUT_S = 120.0
POLL_S = 0.2
PAGE_PACKETS = 1_000

_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class YamcsServer(ProcessServer):
    """One Yamcs for the caller alone. `links`: by instance, the members of its one link that say
    where it connects and how packets are distinguished.
    """

    name = "yamcs"

    def __init__(self, links: Mapping[str, Mapping[str, Any]]) -> None:
        self._links = links
        artifact = MavenArtifact("org.yamcs", "yamcs-core", YAMCS_VERSION)
        self._jars = maven_jars(f"yamcs-{YAMCS_VERSION}", [artifact])
        super().__init__()

    def prepare(self) -> None:
        """Write the configuration, which Yamcs reads as YAML and so as JSON too."""
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        etc = self.folder / "etc"
        etc.mkdir(exist_ok=True)
        http = {"class": "org.yamcs.http.HttpServer", "args": {"address": LOOPBACK, "port": port}}
        files = {
            "yamcs.yaml": {
                "services": [http],
                "dataDir": str(self.folder / "data"),
                "cacheDir": str(self.folder / "cache"),
                "instances": list(self._links),
            },
            **{f"yamcs.{name}.yaml": self._instance(link) for name, link in self._links.items()},
        }
        for name, content in files.items():
            (etc / name).write_text(json.dumps(content))
        (self.folder / "made.xml").write_text(counter_xtce())

    def _instance(self, link: Mapping[str, Any]) -> dict[str, Any]:
        preprocessor = "org.yamcs.tctm.GenericPacketPreprocessor"
        times = {"timestampOffset": -1, "seqCountOffset": 2, "errorDetection": {"type": "NONE"}}
        return {
            "services": [{"class": "org.yamcs.archive.XtceTmRecorder"}],
            "dataLinks": [
                {
                    "name": "nova",
                    "class": "org.yamcs.tctm.TcpTmDataLink",
                    "stream": "tm_realtime",
                    "host": LOOPBACK,
                    "packetPreprocessorClassName": preprocessor,
                    "packetPreprocessorArgs": times,
                    **link,
                }
            ],
            "streamConfig": {
                "tm": [{"name": "tm_realtime", "processor": "realtime"}],
                "event": ["events_realtime"],
            },
            "mdb": [{"type": "xtce", "args": {"file": str(self.folder / "made.xml")}}],
        }

    def command(self) -> Sequence[str]:
        """Java with all jars."""
        jars = ("-cp", f"{self._jars}/*", "org.yamcs.YamcsServer")
        return ["java", *_JVM, *jars, "--etc-dir", "etc", "--data-dir", "data"]

    def wait_until_ready(self, check_alive: Callable[[], None]) -> None:
        """Wait until all links are there."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            check_alive()
            try:
                for instance in self._links:
                    self.link(instance)
                return
            except (urllib.error.URLError, ConnectionError, KeyError, IndexError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)

    def link(self, instance: str) -> dict[str, Any]:
        """The state of an instance's link."""
        found: dict[str, Any] = self._get(f"links/{instance}")["links"][0]
        return found

    def packets(self, instance: str) -> list[bytes]:
        """The packets that an instance archived, in the order of their arrival."""
        query = f"archive/{instance}/packets?limit={PAGE_PACKETS}&order=asc"
        found: list[bytes] = []
        page = self._get(query)
        while True:
            found += (base64.b64decode(one["packet"]) for one in page.get("packet", []))
            if "continuationToken" not in page:
                return found
            page = self._get(f"{query}&next={page['continuationToken']}")

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/{path}", timeout=10) as reply:
            return json.load(reply)
