"""The documented metrics, and the expressions over them in dashboard and alert rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operations.md"
DASHBOARD = ROOT / "deploy" / "grafana" / "nova.json"
ALERTS = ROOT / "deploy" / "grafana" / "alerts.yaml"

NAME = re.compile(r"\bnova_\w+")


def documented() -> dict[str, set[str]]:
    """The labels of each metric in the table of the page."""
    part = PAGE.read_text().split("\n## Metrics\n", 1)[1].split("\n## ", 1)[0]
    found: dict[str, set[str]] = {}
    for line in part.splitlines():
        if line.startswith("| `nova_"):
            _, names, labels, *_ = line.split("|")
            columns = re.sub(r"\([^)]*\)", "", labels)
            for name in re.findall(r"`(nova_\w+)`", names):
                found[name] = set(re.findall(r"`(\w+)`", columns))
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(DASHBOARD.read_bytes())
    return found


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Every expression of both."""
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    yield from (rule["expr"] for rule in rules())


def names_in(expression: str) -> list[str]:
    """The metrics that it names, in order."""
    return NAME.findall(expression)
