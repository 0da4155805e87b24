"""What `deploy/` holds for a service fits what NOVA is; `scripts/try-deployment` tries it whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from nova.sdk import settings

DEPLOY = Path(__file__).parents[1] / "deploy"
UNIT = DEPLOY / "systemd" / "nova.service"
SCRIPTS = (DEPLOY / "install", DEPLOY / "uninstall", DEPLOY.parent / "scripts" / "try-deployment")


def test_the_unit_is_what_systemd_reads(tmp_path: Path) -> None:
    """Each of its settings is known, and it starts what `deploy/install` installs."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text())
    service = parser["Service"]
    program, *arguments = service["ExecStart"].split()
    assert arguments == ["up", "--config", "/etc/nova/nova.toml"]
    assert service["Type"] == "notify" and program == "/opt/nova/current/bin/nova"
    analyze = shutil.which("systemd-analyze")
    if analyze is not None:
        unit = tmp_path / "nova.service"
        unit.write_text(UNIT.read_text().replace(program, sys.executable))
        done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if "nova.service" in line]
        assert said == [] and done.returncode == 0, done.stderr


def test_the_settings_of_a_new_service_are_valid() -> None:
    chosen = settings.load(DEPLOY / "nova.toml", environment={})
    assert chosen.data == "/var/lib/nova" and chosen.mode == "ground"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_read_and_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("script", SCRIPTS[:2], ids=lambda path: path.name)
def test_scripts_refuse_what_they_do_not_know(script: Path) -> None:
    """Before they change anything."""
    done = subprocess.run([str(script), "--purg"], capture_output=True, text=True)
    assert done.returncode == 1 and "unknown option --purg" in done.stderr
    helped = subprocess.run([str(script), "--help"], capture_output=True, text=True)
    assert helped.returncode == 0 and helped.stdout.startswith("Usage: deploy/")
