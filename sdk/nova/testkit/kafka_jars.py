"""The jars of Apache Kafka."""

from __future__ import annotations

from pathlib import Path

from nova.testkit.maven_jars import MavenArtifact, maven_jars

KAFKA_VERSION = "4.1.1"
SLF4J_VERSION = "1.7.36"
_ARTIFACTS = (
    MavenArtifact("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    MavenArtifact("org.slf4j", "slf4j-simple", SLF4J_VERSION),
)


def kafka_jars(cache: Path | None = None) -> Path:
    """The folder with the jars."""
    return maven_jars(f"kafka-{KAFKA_VERSION}", _ARTIFACTS, cache)
