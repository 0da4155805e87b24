"""`nova manifests`: checks and lists the card manifests that an instance would use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from nova.sdk import settings
from nova.sdk.manifests import manifest_files
from nova.sdk.manifests.manifest_files import ManifestFile

WIDE_CHARS = 240
"""Width of the table if the output is not a terminal."""


def _load_manifests(config: Path | None, folder: Path | None) -> Sequence[ManifestFile]:
    """The shipped manifests and the user's: of `folder`, else of the folder in the settings."""
    if folder is None:
        folder = settings.load(config, mode="ground").manifests_folder()
    return manifest_files.load(folder)


@click.group()
def manifests() -> None:
    """Check or list card manifests: the shipped ones and your own.

    \b
    Examples:
      nova manifests check ./cards
      nova manifests list ./cards --json
    """


@manifests.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(folder: Path | None, config: Path | None, as_json: bool) -> None:
    """Check the manifests of FOLDER together with the shipped ones.

    FOLDER defaults to the setting `manifests`.

    \b
    An error names file, member and rule, and the exit status is 1:
      nova manifests check ./cards
    """
    found = _load_manifests(config, folder)
    if as_json:
        click.echo(msgspec.json.encode({"manifests": len(found)}).decode())
    else:
        click.echo(f"{len(found)} manifests are valid and do not conflict")


@manifests.command(name="list")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print one complete manifest per line.")
def list_(folder: Path | None, config: Path | None, as_json: bool) -> None:
    """List manifests in the order in which they are loaded.

    FOLDER defaults to the setting `manifests`.

    \b
    Example:
      nova manifests list ./cards
    """
    found = _load_manifests(config, folder)
    if as_json:
        for path, manifest in found:
            line = {"path": str(path), "manifest": manifest}
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        return
    table = Table("manifest", "version", "view", "entity type", "keys", "actions", "file")
    for path, manifest in found:
        table.add_row(
            manifest.manifest_id,
            manifest.manifest_version,
            manifest.view_id,
            manifest.entity_type,
            str(len(manifest.allowed_keys)),
            ", ".join(action.command_type for action in manifest.actions),
            str(path),
        )
    Console(width=None if sys.stdout.isatty() else WIDE_CHARS).print(table)
