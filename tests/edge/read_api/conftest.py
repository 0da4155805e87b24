"""A NOVA with an archive of two scopes, which the tests of this folder only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nova.testkit.running_nova import running_nova
from tests.edge.read_api.http_reader import HttpReader, filled_reader


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpReader]:
    """Reads with a key of everything."""
    with running_nova(tmp_path_factory.mktemp("read") / "data", "--ground") as running:
        yield filled_reader(running)
        running.kill()
