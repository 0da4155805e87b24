"""The brokers of the tests: found or started, faulted and ended."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from nova.testkit import kafka
from nova.testkit.broker import bootstrap_servers
from nova.testkit.kafka_jars import kafka_jars
from nova.testkit.test_server import BackendServer

pytestmark = pytest.mark.kafka

SLOW_MAVEN = """#!/bin/sh
for option; do case $option in -DoutputDirectory=*) folder=${option#*=} ;; esac; done
for number in 1 2 3; do sleep 0.2; : > "$folder/$number.jar"; done
"""
RESOLVE = "import sys, pathlib; from nova.testkit.kafka_jars import kafka_jars; " + (
    "folder = kafka_jars(pathlib.Path(sys.argv[1])); print(folder, len(list(folder.glob('*.jar'))))"
)


def topics(broker: BackendServer) -> set[str]:
    with AdminClient({"bootstrap.servers": bootstrap_servers(broker.url)}) as admin:
        return set(admin.list_topics(timeout=30).topics)


def test_a_broker_keeps_address_and_data_over_restart_and_kill(
    own_kafka_broker: BackendServer,
) -> None:
    """Fault tests need the same broker back."""
    url = own_kafka_broker.url
    with AdminClient({"bootstrap.servers": bootstrap_servers(url)}) as admin:
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result()
    own_kafka_broker.restart()
    assert "kept" in topics(own_kafka_broker)
    own_kafka_broker.kill()
    own_kafka_broker.start()
    assert "kept" in topics(own_kafka_broker)
    assert own_kafka_broker.url == url


def test_a_broker_that_is_given_is_used_and_not_stopped(
    kafka_broker: BackendServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOVA_TEST_KAFKA comes first, and it is not ours."""
    monkeypatch.setenv(kafka.BROKER_VARIABLE, bootstrap_servers(kafka_broker.url))
    with kafka.shared_broker() as broker:
        assert broker.url == kafka_broker.url
        assert kafka.BROKER_VARIABLE in broker.kind
        for fault in (broker.stop, broker.kill):
            with pytest.raises(RuntimeError, match="not the tests' to stop"):
                fault()
    topics(kafka_broker)


@pytest.mark.parametrize("by", ["script", pytest.param("maven", marks=pytest.mark.slow)])
def test_the_jars_are_whole_for_all_who_ask_at_once(tmp_path: Path, by: str) -> None:
    """Two runs on a fresh machine: one resolves, the other waits, neither sees half a folder."""
    cache, programs = tmp_path / "cache", tmp_path / "programs"
    programs.mkdir()
    if by == "script":
        (programs / "mvn").write_text(SLOW_MAVEN)
        (programs / "mvn").chmod(0o755)
    variables = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", RESOLVE, str(cache)]

    def ask() -> bytes:
        return subprocess.check_output(command, env=variables)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = {run.result() for run in [pool.submit(ask) for _ in range(2)]}
    count = 3 if by == "script" else len(list(kafka_jars().glob("*.jar")))
    assert answers == {f"{cache / kafka_jars().name} {count}\n".encode()}
    assert {found.name for found in cache.iterdir()} == {
        kafka_jars().name,
        f"{kafka_jars().name}.lock",
    }
