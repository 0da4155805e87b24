"""Manifest files: `*.manifest.py`, each with one `MANIFEST`, found in folders and never guessed at.

The shipped ones are in a folder that an entry point of `nova.manifests` names; a setting names a
folder of the user's own. Names are read in their order, and a claim that two files make is an
error that names both: there is no last one that wins (A-228…A-230).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from sdk import plugins
from sdk.errors import NovaError
from sdk.manifest import CardManifest, name_of
from sdk.manifest_fault import fault

GROUP = "nova.manifests"
SUFFIX = ".manifest.py"
MEMBER = "MANIFEST"


class ManifestError(NovaError):
    """A manifest file cannot be used; the text names the file and the rule."""


class ManifestFile(NamedTuple):
    """A manifest and where it stands."""

    path: Path
    manifest: CardManifest


def shipped_folders() -> list[Path]:
    """The folders that installed packages bring, in the order of their names."""
    return [_folder(name) for name in sorted(plugins.names(GROUP))]


def _folder(name: str) -> Path:
    found = plugins.load(GROUP, name)
    origin = getattr(found, "__file__", None)
    if origin is None:
        raise ManifestError(f"{name!r} of {GROUP} is no package with a folder of its own")
    return Path(origin).parent


def load(user_folder: Path | None = None) -> list[ManifestFile]:
    """The shipped manifests and those of the user's folder; raises ManifestError."""
    return load_folders([*shipped_folders(), *([] if user_folder is None else [user_folder])])


def load_folders(folders: Sequence[Path]) -> list[ManifestFile]:
    """The manifests of folders, in the order of folders and of file names; raises ManifestError
    where a file is unsound or two claim the same.
    """
    found = [ManifestFile(path, read(path)) for folder in folders for path in files_of(folder)]
    _refuse_collisions(found)
    return found


def files_of(folder: Path) -> list[Path]:
    """The manifest files of a folder in the order of their names."""
    try:
        names = sorted(path.name for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError as error:
        raise ManifestError(f"cannot read the manifests in {folder}: {error.strerror}") from None
    return [folder / name for name in names]


def read(path: Path) -> CardManifest:
    """The manifest of one file; raises ManifestError naming file and rule."""
    spec = importlib.util.spec_from_file_location(
        f"nova_manifest_{path.name[: -len(SUFFIX)]}", path
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # The file is code: whatever it raises is the author's to read.
        raise ManifestError(f"{path}: {type(error).__name__}: {error}") from error
    manifest = getattr(module, MEMBER, None)
    if not isinstance(manifest, CardManifest):
        got = "absent" if manifest is None else f"a {type(manifest).__name__}"
        raise ManifestError(f"{path}: {MEMBER} is {got}, it has to be a CardManifest")
    if (reason := checked(manifest)) is not None:
        raise ManifestError(f"{path}: {reason}")
    return manifest


def checked(manifest: CardManifest) -> str | None:
    """What is wrong with a manifest that code has made, whose members nobody has looked at yet."""
    try:
        msgspec.convert(msgspec.to_builtins(manifest), CardManifest)
    except (msgspec.ValidationError, TypeError) as error:
        return str(error)
    return fault(manifest)


def _refuse_collisions(files: Sequence[ManifestFile]) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for path, manifest in files:
        for claim in _claims(manifest):
            other = seen.setdefault(claim, path)
            if other != path:
                raise ManifestError(
                    f"{other} and {path} both claim {claim[0]} {claim[1]!r}: only one of them can"
                )


def _claims(manifest: CardManifest) -> Iterator[tuple[str, str]]:
    yield "entityType", manifest.entity_type
    yield "viewId", manifest.view_id
    yield "manifestId and version", name_of(manifest)
