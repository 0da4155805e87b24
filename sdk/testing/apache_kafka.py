"""Apache Kafka as a process: one KRaft node on loopback, its data in a temporary folder."""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from sdk.testing import child
from sdk.testing.broker import wait_until_ready
from sdk.testing.kafka_jars import KAFKA_VERSION, kafka_jars
from sdk.testing.ports import LOOPBACK, free_port
from sdk.testing.server import Server

RECORD_MAX_BYTES = 16 * 1024 * 1024
HEAP_MAX = "512m"
STOP_GRACE_S = 15.0
START_ATTEMPTS_MAX = 3
FORMAT_TIMEOUT_S = 60
LOG_TAIL_CHARS = 3_000

# The compiler that starts fastest and the collector with the fewest threads: brokers of tests live
# for seconds. Stack traces of a failed start land in the log through slf4j-simple.
_JVM = (
    f"-Xmx{HEAP_MAX}",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)

# A session of 3 s: after a SIGKILL the broker's next life is admitted only when the last one's
# session has expired, and the default is 9 s.
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=1
message.max.bytes={record_max_bytes}
replica.fetch.max.bytes={record_max_bytes}
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=4194304
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
"""


class ApacheKafka(Server):
    """One broker of one's own, on free ports that it keeps over restarts."""

    kind = f"Apache Kafka {KAFKA_VERSION}"

    def __init__(self) -> None:
        self._jars = kafka_jars()
        self._folder = Path(tempfile.mkdtemp(prefix="nova-kafka-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start, or start again on the same ports and data; returns when it answers."""
        for attempt in range(START_ATTEMPTS_MAX):
            try:
                self._launch()
                return
            except ChildProcessError:
                # Somebody may have taken a port since it was found free; a broker that has run
                # before must come back at its old address.
                if self._has_run or attempt + 1 == START_ATTEMPTS_MAX:
                    raise
                self._prepare()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        if self._process is not None:
            child.end(self._process, STOP_GRACE_S)
            self._process = None

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def properties(self, port: int, controller_port: int) -> str:
        """The broker's configuration; of a name that comes twice, the later line counts."""
        return _PROPERTIES.format(
            host=LOOPBACK,
            port=port,
            controller_port=controller_port,
            data=self._folder / f"data-{port}",
            record_max_bytes=RECORD_MAX_BYTES,
        )

    def _prepare(self) -> None:
        self._has_run = False
        port, controller_port = free_port(), free_port()
        self.url = f"kafka://{LOOPBACK}:{port}"
        self._properties = self._folder / f"server-{port}.properties"
        self._properties.write_text(self.properties(port, controller_port))
        self._format()

    def _java(self, main_class: str) -> list[str]:
        return ["java", "-cp", str(self._jars / "*"), *_JVM, main_class]

    def _format(self) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # With "=", because an id may begin with a dash.
        arguments = ["format", f"--cluster-id={cluster_id}", "-c", str(self._properties)]
        command = [*self._java("kafka.tools.StorageTool"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S)
        if done.returncode != 0:
            raise RuntimeError(
                f"Kafka could not format its storage: {done.stderr[-LOG_TAIL_CHARS:]}"
            )

    def _launch(self) -> None:
        with (self._folder / "kafka.log").open("ab") as output:
            command = [*self._java("kafka.Kafka"), str(self._properties)]
            self._process = child.spawn(command, output, cwd=self._folder)
        wait_until_ready(self.url, self._check_alive)
        self._has_run = True

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._process = None
            raise ChildProcessError(f"Kafka ended while starting:\n{self._log_tail()}")

    def _log_tail(self) -> str:
        return (self._folder / "kafka.log").read_text(errors="replace")[-LOG_TAIL_CHARS:]
