"""`nova manifests`: the manifests of an instance, and errors in them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.cli.manifests import manifests
from nova.sdk.manifests.manifest_files import ManifestError, load
from tests.sdk.manifests.test_manifest_files import write


def said(*arguments: str) -> str:
    """What the command prints."""
    return CliRunner().invoke(manifests, list(arguments), catch_exceptions=False).stdout


def test_sound_manifests_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "mine")
    assert said("check", str(tmp_path)).startswith(f"{len(load()) + 1} manifests are valid")
    assert msgspec.json.decode(said("check", str(tmp_path), "--json")) == {
        "manifests": len(load()) + 1
    }


def test_what_is_wrong_is_an_error(tmp_path: Path) -> None:
    """With the files named; `nova` prints it and ends with 1."""
    write(tmp_path, "mine", entity="gps")
    with pytest.raises(ManifestError, match=r"mine\.manifest\.py"):
        said("check", str(tmp_path))


def test_the_list_has_each_whole(tmp_path: Path) -> None:
    """`--json` prints one manifest a line."""
    write(tmp_path, "mine")
    lines = said("list", str(tmp_path), "--json").splitlines()
    ids = [msgspec.json.decode(line)["manifest"]["manifestId"] for line in lines]
    assert ids == [file.manifest.manifest_id for file in load(tmp_path)]
    assert "mine" in said("list", str(tmp_path))
