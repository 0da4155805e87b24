"""A running NOVA with a folder of alarm rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nova.testkit.running_nova import RunningNova, running_nova
from tests.core.commanding import SCOPE


@contextmanager
def nova_with_rules(tmp_path_factory: pytest.TempPathFactory, rules: str) -> Iterator[RunningNova]:
    """One NOVA of one scope; `rules` is its file of rules."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "power.toml").write_text(rules)
    data = tmp_path_factory.mktemp("nova") / "data"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NOVA_ALARM_RULES", str(folder))
        with running_nova(data, "--scope", SCOPE) as nova:
            yield nova
            nova.kill()
