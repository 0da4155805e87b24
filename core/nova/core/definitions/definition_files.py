"""Definition files: `*.toml` or `*.json`, each with one definition.

A file with a fault does not keep the others from being used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.core.definitions.definition import Definition
from nova.core.definitions.definition_graph import loops, outputs_of
from nova.core.definitions.definition_rules import Fault, faults_of
from nova.sdk.document import DocumentError, member_faults, parse_document
from nova.sdk.errors import NovaError
from nova.sdk.regular_file import read_regular

SUFFIXES = (".toml", ".json")


class DefinitionError(NovaError):
    """A definition cannot be used; the message names the file, the place, the rule and a remedy."""


class DefinitionFile(NamedTuple):
    """A definition and its path."""

    path: Path
    definition: Definition


class FileFault(NamedTuple):
    """A fault of a file."""

    path: Path
    fault: Fault

    def __str__(self) -> str:
        return f"{self.path}: {self.fault}"


class LoadedDefinitions(NamedTuple):
    """The definitions that can be used, and the faults of the others."""

    files: list[DefinitionFile]
    faults: list[FileFault]

    def named(self, name: str) -> Definition:
        """The definition `id@version`, or the only version of an id; raises DefinitionError."""
        found = [one.definition for one in self.files if name in (_names(one.definition))]
        if len(found) == 1:
            return found[0]
        known = ", ".join(one.definition.name for one in self.files) or "none"
        reason = "has several versions" if found else "is not defined"
        raise DefinitionError(f"{name} {reason}: name one of {known}")


def _names(definition: Definition) -> tuple[str, str]:
    return definition.id, definition.name


def load(folder: Path, before: Mapping[Path, Definition] | None = None) -> LoadedDefinitions:
    """The definitions of a folder, in the order of file names; raises DefinitionError if it cannot
    be read.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    except OSError as error:
        raise DefinitionError(
            f"cannot read the definitions in {folder}: {error.strerror}"
        ) from None
    return load_files(paths, before)


def load_files(
    paths: Sequence[Path], before: Mapping[Path, Definition] | None = None
) -> LoadedDefinitions:
    """The definitions of files, checked by themselves and together. What a file had `before` stays
    while it has a fault.
    """
    found: list[DefinitionFile] = []
    faults: list[FileFault] = []
    for path in paths:
        read = _read(path)
        own = list(faults_of(read)) if isinstance(read, Definition) else read
        faults += [FileFault(path, fault) for fault in own]
        if isinstance(read, Definition) and not own:
            found.append(DefinitionFile(path, read))
        elif before is not None and path in before:
            found.append(DefinitionFile(path, before[path]))
    sound, joint = _sound_together(found)
    if joint and before is not None:
        bad = {fault.path for fault in joint}
        kept = [
            DefinitionFile(path, before[path]) for path in paths if path in before and path in bad
        ]
        sound, _ = _sound_together([*sound, *kept])
    return LoadedDefinitions(sound, [*faults, *joint])


def _sound_together(
    files: list[DefinitionFile],
) -> tuple[list[DefinitionFile], list[FileFault]]:
    faults = [*_collisions(files), *_loop_faults(files)]
    bad = {fault.path for fault in faults}
    return [one for one in files if one.path not in bad], faults


def _read(path: Path) -> Definition | list[Fault]:
    """A definition as it is written, or every fault of its structure."""
    try:
        members = parse_document(read_regular(path), is_json=path.suffix == ".json")
    except OSError as error:
        remedy = "Check the path and its permissions"
        return [Fault("file", "unreadable", f"{error.strerror}", remedy)]
    except DocumentError as error:
        return [Fault("file", "malformed", f"it {error}", "Correct its syntax")]
    remedy = "docs/derived.md lists all members"
    faults = [
        Fault(fault.member or "file", "badValue", fault.reason, remedy)
        for fault in member_faults(members, Definition)
    ]
    return faults or msgspec.convert(members, Definition)


def _collisions(files: Sequence[DefinitionFile]) -> Iterator[FileFault]:
    first: dict[str, Path] = {}
    writers: dict[object, DefinitionFile] = {}
    for one in files:
        other = first.setdefault(one.definition.name, one.path)
        if other != one.path:
            rule = f"{other} has the same id and version"
            yield FileFault(one.path, Fault("version", "conflict", rule, "Give it a new version"))
            continue
        for series in outputs_of(one.definition):
            writer = writers.setdefault(series, one)
            if writer.definition.id != one.definition.id:
                rule = f"{writer.path} writes the same address and type"
                remedy = "Let each id have an output of its own"
                yield FileFault(one.path, Fault("output", "conflict", rule, remedy))
                break


def _loop_faults(files: Sequence[DefinitionFile]) -> Iterator[FileFault]:
    path_of = {id(one.definition): one.path for one in files}
    for loop in loops([one.definition for one in files]):
        names = " uses ".join(one.name for one in (*loop, loop[0]))
        rule = f"a definition must not depend on its own output: {names}"
        for definition in loop:
            fault = Fault("inputs", "loop", rule, "Remove one of these inputs")
            yield FileFault(path_of[id(definition)], fault)
