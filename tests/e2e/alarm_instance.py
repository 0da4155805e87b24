"""A running NOVA with a folder of alarm rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.core.commanding import HEATER, SCOPE
from tests.e2e.demo_screen import apart


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


def measure(nova: RunningNova, **values: float) -> int:
    """Send values of the present; returns their source time."""
    at_ns = time.time_ns()
    send(nova, at_ns, values)
    return at_ns


def send(nova: RunningNova, at_ns: int, values: dict[str, float]) -> None:
    async def work() -> None:
        transport = connect(nova.publish)
        producer = Producer(transport, SCOPE)
        await producer.send([producer.observe(HEATER, at_ns).parsed("Power", values, "1")])
        await transport.close()

    apart(work)
