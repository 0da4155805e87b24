"""An archive of two scopes, and its keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nova.testkit.running_nova import RunningNova, running_nova
from tests.edge.read_api.http_reader import HttpReader, filled_reader


@pytest.fixture(scope="package")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    with running_nova(tmp_path_factory.mktemp("foxglove") / "data", "--ground") as running:
        yield running
        running.kill()


@pytest.fixture(scope="package")
def api(nova: RunningNova) -> HttpReader:
    """Keys for everything, for a scope and for a lane."""
    return filled_reader(nova)
