"""Prometheus' own tool on the alert rules and on what a NOVA serves. It is that of PATH, or else of
Debian's package, which is unpacked into a folder of the test.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
import yaml

from tests.e2e.debian_prometheus import prometheus_program
from tests.e2e.served_nova import ALL_UP, metrics_text, served_nova, until, work
from tests.metric_expressions import ALERTS, rules

pytestmark = pytest.mark.slow

CASES = Path(__file__).with_name("alert_cases.yaml")


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the tool."""
    return prometheus_program("promtool", tmp_path_factory.mktemp("promtool"))


def run(*command: str, stdin: str = "", cwd: Path | None = None) -> None:
    done = subprocess.run(command, input=stdin, text=True, cwd=cwd, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_load(promtool: str) -> None:
    run(promtool, "check", "rules", str(ALERTS))


def test_each_alert_fires_for_what_it_is_about_and_none_at_rest(
    promtool: str, tmp_path: Path
) -> None:
    """On made series of two hours, evaluated by Prometheus."""
    firing = [
        {"labels": f'{{alertname="{rule["alert"]}"}}', "value": 1}
        for rule in sorted(rules(), key=lambda rule: str(rule["alert"]))
    ]
    cases = CASES.read_text().replace("FIRING", msgspec.json.encode(firing).decode())
    assert yaml.safe_load(cases)
    (tmp_path / "cases.yaml").write_text(cases)
    shutil.copy(ALERTS, tmp_path)
    run(promtool, "test", "rules", "cases.yaml", cwd=tmp_path)


async def test_what_is_served_is_as_prometheus_wants_it(promtool: str, tmp_path: Path) -> None:
    """Names, units, help and types pass its checks."""
    async with served_nova(tmp_path / "data") as nova:
        await work(nova)
        await until(nova, **ALL_UP)
        run(promtool, "check", "metrics", stdin=await metrics_text(nova))
