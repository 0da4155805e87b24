"""Jars of Java programs that tests run, fetched once by Maven into a cache outside the checkout."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

DEPENDENCY_PLUGIN_VERSION = "3.8.1"
RESOLVE_TIMEOUT_S = 900

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>nova.tests</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-dependency-plugin</artifactId>
        <version>{plugin_version}</version>
      </plugin>
    </plugins>
  </build>
</project>
"""
_DEPENDENCY = """
    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
    </dependency>"""


class MavenArtifact(NamedTuple):
    """An artifact, which Maven fetches with what it needs at run time."""

    group: str
    artifact: str
    version: str


def maven_jars(name: str, artifacts: Sequence[MavenArtifact], cache: Path | None = None) -> Path:
    """The folder `name` of the cache with the jars. It appears atomically, also for concurrent
    callers. Raises RuntimeError if they cannot be fetched.
    """
    cache = cache or Path.home() / ".cache" / "nova-tests"
    folder = cache / name
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(cache / f"{name}.lock"):
            if not folder.exists():
                _resolve(folder, artifacts)
    return folder


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _resolve(folder: Path, artifacts: Sequence[MavenArtifact]) -> None:
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    pom = unfinished / "pom.xml"
    dependencies = "".join(_DEPENDENCY.format(**one._asdict()) for one in artifacts)
    pom.write_text(_POM.format(dependencies=dependencies, plugin_version=DEPENDENCY_PLUGIN_VERSION))
    _run_maven(pom, unfinished, folder.name)
    os.rename(unfinished, folder)


def _run_maven(pom: Path, output: Path, name: str) -> None:
    if shutil.which("mvn") is None:
        raise RuntimeError(f"`mvn` not found, cannot fetch {name}: install Maven and a JDK 17")
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={output}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RESOLVE_TIMEOUT_S)
    if done.returncode != 0:
        raise RuntimeError(f"Maven failed to fetch {name}: {done.stdout[-2_000:]}")
