"""Rules, definitions and notifications that change while NOVA runs, and what the status says."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nova.core.definitions.definition import Definition
from nova.sdk import BlockingClient, BlockingProducer, Filters, Query
from nova.sdk.events.observation import Entity, record_of
from nova.sdk.protocol.health import ConfiguredFiles
from nova.testkit.running_nova import RunningNova, nova_command, running_nova
from tests.core.derivation.deriving import OUTPUT, VOLTS, definition_of, write_definition

WAIT_S = 240.0
"""The sampler has the lowest priority, and judges late on a busy machine."""
SCOPE = "sat"
RULE = """
[[rules]]
ruleId = "volts"
messageType = "Battery"
field = "volts"
ranges.warning = { low = %s }
"""
NOTIFICATIONS = """
rules = [%s]
[[targets]]
name = "hook"
webhook = "http://127.0.0.1:1/hook"
secret = "0123456789abcdef"
attempts = 1
"""
ALL = '{ name = "all", targets = ["hook"] }'


class Configured:
    """A running NOVA whose files a test changes."""

    def __init__(self, nova: RunningNova, folder: Path) -> None:
        self.nova = nova
        self.folder = folder

    def measure(self, volts: float) -> None:
        with BlockingProducer(self.nova.publish, SCOPE) as producer:
            at = producer.observe(Entity("eps", "battery", "main"))
            producer.publish([record_of(at.parsed("Battery", {"volts": volts}))])

    def of(self, kind: str) -> ConfiguredFiles:
        with BlockingClient.to_core(self.nova.data) as client:
            found: dict[str, ConfiguredFiles] = {
                one.kind: one for one in client.status().configured
            }
        return found.get(kind) or ConfiguredFiles(kind="rules", path="")  # Not reported yet.

    def until(self, kind: str, holds: Callable[[ConfiguredFiles], bool]) -> ConfiguredFiles:
        deadline = time.monotonic() + WAIT_S
        while not holds(found := self.of(kind)):
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found

    def until_in_effect(self, kind: str, count: int) -> None:
        self.until(kind, lambda found: found.in_effect == count)

    def events(self, message_type: str) -> list[dict[str, Any]]:
        query = Query(timebase="canonical", filters=Filters(message_types=[message_type]))
        with BlockingClient.to_core(self.nova.data) as client:
            return [msgspec.json.decode(event) for event in client.query(query)]

    def status(self) -> subprocess.CompletedProcess[bytes]:
        return nova_command("status", "--data", str(self.nova.data))


def bad_definition(expression: str) -> Definition:
    """Another definition, whose card the writer has to publish."""
    output = {**OUTPUT, "address": "nova.sat.parsed.derived.battery.bad.v1", "card": True}
    return definition_of(id="bad", inputs={"volts": VOLTS}, expression=expression, output=output)


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[Configured]:
    for name in ("rules", "definitions"):
        (tmp_path / name).mkdir()
    (tmp_path / "rules" / "power.toml").write_text(RULE % 24)
    power = definition_of(inputs={"volts": VOLTS}, expression="volts * 2.0")
    write_definition(tmp_path / "definitions", power)
    (tmp_path / "notifications.toml").write_text(NOTIFICATIONS % "")
    config = tmp_path / "nova.toml"
    config.write_text(
        f'scope = "{SCOPE}"\nalarm_rules = "{tmp_path}/rules"\n'
        f'definitions = "{tmp_path}/definitions"\n'
        f'notifications = "{tmp_path}/notifications.toml"\n'
    )
    with running_nova(tmp_path / "data", "--config", str(config)) as nova:
        yield Configured(nova, tmp_path)
        nova.kill()


def test_changed_files_take_effect_and_faults_change_nothing(configured: Configured) -> None:
    folder = configured.folder
    rules, notifications = folder / "rules", folder / "notifications.toml"
    for kind, count in (("rules", 1), ("definitions", 1), ("notifications", 0)):
        configured.until_in_effect(kind, count)

    (rules / "power.toml").write_text(RULE % 22)
    (rules / "more.toml").write_text((RULE % 1).replace("volts", "more"))
    bad = write_definition(folder / "definitions", bad_definition("volts[0]"))
    notifications.write_text(NOTIFICATIONS % ALL)
    for kind, count in (("rules", 2), ("definitions", 2), ("notifications", 1)):
        configured.until_in_effect(kind, count)
    assert len(configured.events("AlarmRulePublished")) == 3, "one has a second version"
    published = [one["manifestId"] for one in configured.events("ManifestPublished")]
    assert "derived.bad" in published, "the writer publishes the card's manifest"

    (rules / "power.toml").write_text("[[rules")
    (rules / "more.toml").unlink()
    bad.write_text(bad.read_text().replace("1.0.0", "one"))
    notifications.write_text(NOTIFICATIONS % ALL.replace("hook", "pager"))
    for kind, count, fault in (
        ("rules", 2, "power.toml: is not TOML"),
        ("definitions", 2, "bad-1.0.0.json: version: badValue"),
        ("notifications", 1, "no target is named 'pager'"),
    ):
        found = configured.until(kind, lambda found: bool(found.faults))
        assert found.in_effect == count and fault in found.faults[0]
    assert len(configured.events("AlarmRulePublished")) == 3, "nothing is withdrawn"

    configured.measure(10.0)
    found = configured.until("notifications", lambda found: found.parts[0].state != "idle")
    assert found.parts[0].state == "failed" and "no connection" in (found.parts[0].reason or "")
    found = configured.until("definitions", lambda found: any(one.time for one in found.parts))
    states = {one.name: one.state for one in found.parts}
    assert states["bad@1.0.0"] == "failing"
    assert states["power@1.0.0"] in ("running", "slow")
    shown = b"".join(configured.status().stdout.split())  # Its lines are wrapped.
    for text in (b"power.toml:isnotTOML", b"1routesofnotifications", b"failing", b"all/hook"):
        assert text in shown

    (rules / "power.toml").write_text(RULE % 22)
    bad.unlink()
    configured.until("rules", lambda found: not found.faults and found.in_effect == 1)
    assert configured.events("AlarmRulePublished")[-1]["payload"] == {"ruleId": "more"}
    configured.until("definitions", lambda found: not found.faults and found.in_effect == 1)
