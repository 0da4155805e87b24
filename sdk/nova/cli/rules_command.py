"""`nova rules`: checks files of alarm rules."""

from __future__ import annotations

from pathlib import Path

import click

from nova.console.check_report import CheckReport
from nova.sdk.alarms.alarm_rule_files import check_rules, rule_paths

EXAMPLE = """a rule file is a *.toml or *.json, such as

[[rules]]
ruleId = "battery-voltage"
messageType = "Power"
field = "bus.volts"
ranges.warning = { low = 24.0, high = 33.5 }"""


@click.group()
def rules() -> None:
    """Check alarm rules.

    \b
    Example:
      nova rules check ./rules
    """


@rules.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def check(path: Path, as_json: bool) -> None:
    """Check a rule file, or all of a folder, by themselves and together.

    Every fault is printed with file, rule, member and remedy, and the exit status is 1; without any
    rule it is 3.

    \b
    Examples:
      nova rules check ./rules
      nova rules check ./rules/battery.toml --json
    """
    files = check_rules(rule_paths(path) if path.is_dir() else [path])
    faults = [{"file": str(file.path), "fault": fault} for file in files for fault in file.faults]
    count = sum(len(file.rules) for file in files)
    nothing = ""
    if not count and not faults:
        nothing = f"{path}: has no {'rule' if files else 'rule file'}: {EXAMPLE}"
    CheckReport(
        {"files": len(files), "rules": count},
        faults,
        f"{count} rules in {len(files)} files are valid",
        nothing,
    ).finish(as_json=as_json)
