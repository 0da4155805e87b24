"""`nova rules`: checks files of alarm rules."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from nova.sdk.alarms.alarm_rule_files import load_rules, read_rules


@click.group()
def rules() -> None:
    """Check alarm rules.

    \b
    Example:
      nova rules check ./rules
    """


@rules.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(path: Path, as_json: bool) -> None:
    """Check a rule file, or all of a folder.

    \b
    An error names file, rule, member and remedy, and the exit status is 1:
      nova rules check ./rules/battery.toml
    """
    files = load_rules(path) if path.is_dir() else [read_rules(path)]
    count = sum(len(file.rules) for file in files)
    if as_json:
        click.echo(msgspec.json.encode({"files": len(files), "rules": count}).decode())
    else:
        click.echo(f"{count} rules in {len(files)} files are valid")
