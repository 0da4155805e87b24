"""Discovery of manifest files: `*.manifest.py`, each with one `MANIFEST`.

The entry points of `nova.manifests` name the folders of the shipped manifests; a setting names a
folder of the user's. Files are read in the order of their names. Two files that claim the same
name are an error that names both: none overrides the other.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.sdk import plugins
from nova.sdk.errors import NovaError
from nova.sdk.manifests.manifest import CardManifest, name_of
from nova.sdk.manifests.manifest_lint import first_problem
from nova.sdk.regular_file import require_regular

GROUP = "nova.manifests"
SUFFIX = ".manifest.py"
MEMBER = "MANIFEST"


class ManifestError(NovaError):
    """A manifest file cannot be used; the message names the file and the rule."""


class ManifestFile(NamedTuple):
    """A manifest and its path."""

    path: Path
    manifest: CardManifest


def shipped_folders() -> list[Path]:
    """The manifest folders of installed packages, ordered by entry-point name."""
    return [_folder(name) for name in sorted(plugins.names(GROUP))]


def _folder(name: str) -> Path:
    found = plugins.load(GROUP, name)
    origin = getattr(found, "__file__", None)
    if origin is None:
        raise ManifestError(f"entry point {name!r} of {GROUP} is not a package with a folder")
    return Path(origin).parent


def load(user_folder: Path | None = None) -> list[ManifestFile]:
    """The shipped manifests and those of the user's folder; raises ManifestError."""
    return load_folders([*shipped_folders(), *([] if user_folder is None else [user_folder])])


def load_folders(folders: Sequence[Path]) -> list[ManifestFile]:
    """The manifests of folders, in the order of folders and then of file names. Raises
    ManifestError if a file is invalid or two files claim the same.
    """
    found = [ManifestFile(path, read(path)) for folder in folders for path in files_of(folder)]
    _refuse_collisions(found)
    return found


def files_of(folder: Path) -> list[Path]:
    try:
        names = sorted(path.name for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError as error:
        raise ManifestError(f"cannot read the manifests in {folder}: {error.strerror}") from None
    return [folder / name for name in names]


def read(path: Path) -> CardManifest:
    """The manifest of one file; raises ManifestError that names the file and the rule."""
    try:
        require_regular(path)  # The loader would wait for the writer of a FIFO.
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror}") from None
    spec = importlib.util.spec_from_file_location(
        f"nova_manifest_{path.name[: -len(SUFFIX)]}", path
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # The file is code, so it may raise anything.
        raise ManifestError(f"{path}: {type(error).__name__}: {error}") from error
    manifest = getattr(module, MEMBER, None)
    if not isinstance(manifest, CardManifest):
        got = "absent" if manifest is None else f"a {type(manifest).__name__}"
        raise ManifestError(f"{path}: {MEMBER} is {got}, it must be a CardManifest")
    if (reason := problem_of(manifest)) is not None:
        raise ManifestError(f"{path}: {reason}")
    return manifest


def problem_of(manifest: CardManifest) -> str | None:
    """The first fault of a manifest; also checks the types, which code does not enforce."""
    try:
        msgspec.convert(msgspec.to_builtins(manifest), CardManifest)
    except (msgspec.ValidationError, TypeError) as error:
        return str(error)
    return first_problem(manifest)


def _refuse_collisions(files: Sequence[ManifestFile]) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for path, manifest in files:
        for claim in _claims(manifest):
            other = seen.setdefault(claim, path)
            if other != path:
                raise ManifestError(
                    f"{other} and {path} both claim {claim[0]} {claim[1]!r}: remove one of them"
                )


def _claims(manifest: CardManifest) -> Iterator[tuple[str, str]]:
    yield "entityType", manifest.entity_type
    yield "viewId", manifest.view_id
    yield "manifestId and version", name_of(manifest)
