"""Apache Kafka as a process: one KRaft node on loopback with its data in a temporary folder."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGKILL

from nova.testkit import child
from nova.testkit.broker import wait_until_ready
from nova.testkit.class_archive import archive_options
from nova.testkit.kafka_jars import KAFKA_VERSION, kafka_jars
from nova.testkit.ports import LOOPBACK, free_port
from nova.testkit.process_server import LOG_TAIL_CHARS, ProcessServer

RECORD_MAX_BYTES = 16 * 1024 * 1024
HEAP_MAX = "512m"
FORMAT_TIMEOUT_S = 60
ARCHIVED_GRACE_S = 120.0
CHECKPOINT = "bootstrap.checkpoint"
"""The features of a new cluster; the same for all of a version."""

# The fastest compiler to start and the collector with the fewest threads, since test brokers live
# for seconds. slf4j-simple writes the stack trace of a failed start to the log.
_JVM = (
    f"-Xmx{HEAP_MAX}",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)

# The session timeout is 3 s (default 9 s): after a SIGKILL the restarted broker is admitted only
# when the session of the killed one has expired.
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


class ApacheKafka(ProcessServer):
    """One broker for the caller alone."""

    kind = f"Apache Kafka {KAFKA_VERSION}"
    name = "kafka"

    def __init__(self, jvm_options: Sequence[str] | None = None) -> None:
        self._jars = kafka_jars()
        if jvm_options is None:
            jvm_options = archive_options(self._jars, _run_once)
        self._jvm_options = jvm_options
        super().__init__()

    def properties(self, port: int, controller_port: int) -> str:
        """The broker's configuration; if a name occurs twice, the later line applies."""
        return _PROPERTIES.format(
            host=LOOPBACK,
            port=port,
            controller_port=controller_port,
            data=self._data(port),
            record_max_bytes=RECORD_MAX_BYTES,
        )

    def prepare(self) -> None:
        """Choose free ports and format the storage for them."""
        port, controller_port = free_port(), free_port()
        self.url = f"kafka://{LOOPBACK}:{port}"
        self._properties = self.folder / f"server-{port}.properties"
        self._properties.write_text(self.properties(port, controller_port))
        self._format(self._data(port))

    def _data(self, port: int) -> Path:
        return self.folder / f"data-{port}"

    def command(self) -> Sequence[str]:
        """The JVM command line of the broker."""
        return [*self._java("kafka.Kafka"), str(self._properties)]

    def wait_until_ready(self, check_alive: Callable[[], None]) -> None:
        wait_until_ready(self.url, check_alive)

    def _java(self, main_class: str) -> list[str]:
        return ["java", "-cp", str(self._jars / "*"), *_JVM, *self._jvm_options, main_class]

    def _format(self, data: Path) -> None:
        """Format the storage. What the tool writes is kept for later brokers: a JVM for it would be
        a third of their start.
        """
        kept = self._jars.with_name(f"{self._jars.name}-{CHECKPOINT}")
        if kept.exists():
            data.mkdir()
            shutil.copyfile(kept, data / CHECKPOINT)
            (data / "meta.properties").write_text(
                f"node.id=1\ndirectory.id={_new_id()}\nversion=1\ncluster.id={_new_id()}\n"
            )
            return
        # With "=", since an id may begin with a dash.
        arguments = ["format", f"--cluster-id={_new_id()}", "-c", str(self._properties)]
        command = [*self._java("kafka.tools.StorageTool"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S)
        if done.returncode != 0:
            raise RuntimeError(
                f"Kafka failed to format its storage: {done.stderr[-LOG_TAIL_CHARS:]}"
            )
        with contextlib.suppress(OSError):  # This user may not.
            unfinished = kept.with_name(f"{kept.name}.{os.getpid()}")
            shutil.copyfile(data / CHECKPOINT, unfinished)
            unfinished.rename(kept)


def _new_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


class _ArchivingKafka(ApacheKafka):
    """One whose JVM archives its classes when it ends."""

    def __init__(self, archiving: Sequence[str]) -> None:
        super().__init__(())
        self._archiving = archiving

    def command(self) -> Sequence[str]:
        java, *rest = super().command()
        return [java, *self._archiving, *rest]

    def stop_whole(self) -> bool:
        """Stop it; returns whether it came to its end, where it writes the archive."""
        process, self._process = self._process, None
        return process is not None and child.terminate(process, ARCHIVED_GRACE_S) != -SIGKILL


def _run_once(archiving: Sequence[str]) -> bool:
    broker = _ArchivingKafka(archiving)
    try:
        broker.start()
        return broker.stop_whole()
    finally:
        broker.close()
