"""The code itself, held to the rules that make it readable (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nova import core, edge, sdk
from tests.syntax_trees import nodes_of

ROOT = Path(__file__).parents[1]
LINE_MAX_CHARS = 100
MODULE_MAX_LINES = 350
TEST_MODULE_MAX_LINES = 400
FUNCTION_MAX_LINES = 40
PARAMETERS_MAX = 8
TEST_FUNCTION_MAX_LINES = 60
VIEW_MAX_LINES = 200
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
SOURCES = ("core/*.py", "edge/*.py", "sdk/*.py", "transport_*/*.py")
TWICE = {
    "__init__": "every package has one",
    "cli": "the command groups of Core and edge",
    "errors": "the errors of each package",
    **dict.fromkeys(
        ("config", "consumer", "naming", "publisher", "transport"),
        "what every transport package consists of",
    ),
    "connection": "the client's to NOVA, and the transports' to NATS and MQTT servers",
    **dict.fromkeys(
        ("export", "rejects", "replay"),
        "a module of nova.cli has the name of its command",
    ),
    "__main__": "`python -m` of nova.cli and of bench",
    "conftest": "the fixtures of each folder of tests",
    **dict.fromkeys(
        ("screen", "timeline"), "`python -m bench.NAME` measures what the product's module is for"
    ),
}
"""File stems that may stand more than once, and why."""

LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX)\b")
REGISTRY_HOSTS = re.compile(r"https?://(registry|pypi|files\.pythonhosted|repo1?\.maven)[^\s\"]*")


def tracked(*patterns: str) -> list[Path]:
    """Files of the project: those that git tracks, and new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


class Function(NamedTuple):
    """What the rules look at in a function."""

    name: str
    code_lines: int
    parameters: int


class Outline(NamedTuple):
    """What the rules look at in a Python file."""

    path: Path
    text: str
    documented: bool
    functions: list[Function]
    classes: list[tuple[str, int]]


def outline(path: Path, text: str) -> Outline:
    """The outline of a module: parsed and walked once for all rules."""
    tree = ast.parse(text)
    functions, classes = [], []
    for node in nodes_of(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                functions.append(Function(node.name, code_lines(node), parameters(node)))
            case ast.ClassDef():
                classes.append((node.name, node.lineno))
    return Outline(path, text, bool(ast.get_docstring(tree)), functions, classes)


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without the docstring, which is the help text of a command."""
    text = ast.get_docstring(function, clean=False)
    first, last = function.lineno, function.end_lineno or function.lineno
    return last - first + 1 - (len(text.splitlines()) if text else 0)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many parameters a caller has to know."""
    all_of = function.args
    names = [one.arg for one in (*all_of.posonlyargs, *all_of.args, *all_of.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


@cache
def outlines() -> dict[Path, Outline]:
    """All Python of the project, tests included."""
    return {path: outline(path, path.read_text()) for path in tracked("*.py")}


def faults(module: Outline) -> Iterator[str]:
    """What is too large in a file, or not allowed in any."""
    place = module.path.relative_to(ROOT)
    is_test = place.parts[0] in ("tests", "bench")
    lines = module.text.splitlines()
    if len(lines) > (TEST_MODULE_MAX_LINES if is_test else MODULE_MAX_LINES):
        yield f"{place}: {len(lines)} lines"
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_MAX_CHARS:
            yield f"{place}:{number}: {len(line)} characters"
    if module.path != Path(__file__) and (found := LEFTOVERS.search(module.text)):
        yield f"{place}: {found[0]}"
    if module.path.stem in VAGUE_NAMES:
        yield f"{place}: a vague name"
    if not module.documented:
        yield f"{place}: no module docstring"
    longest = TEST_FUNCTION_MAX_LINES if is_test else FUNCTION_MAX_LINES
    for function in module.functions:
        if function.code_lines > longest:
            yield f"{place}: {function.name} has {function.code_lines} lines"


def test_modules_are_small_and_have_a_docstring() -> None:
    """Files, functions and lines stay small, and each module says what it is responsible for."""
    assert len(outlines()) > 1000
    assert [fault for module in outlines().values() for fault in faults(module)] == []


def test_every_fault_of_a_module_is_found() -> None:
    long = "x" * (LINE_MAX_CHARS + 1)
    text = f"# {'TO' + 'DO'}\ndef f():\n" + "    x = 1\n" * MODULE_MAX_LINES + f"# {long}\n"
    assert list(faults(outline(ROOT / "sdk/nova/utils.py", text))) == [
        "sdk/nova/utils.py: 353 lines",
        "sdk/nova/utils.py:353: 103 characters",
        "sdk/nova/utils.py: TODO",
        "sdk/nova/utils.py: a vague name",
        "sdk/nova/utils.py: no module docstring",
        "sdk/nova/utils.py: f has 351 lines",
    ]
    fine = '"""What it is for."""\n\n\ndef f():\n' + "    x = 1\n" * (FUNCTION_MAX_LINES - 1)
    assert list(faults(outline(ROOT / "sdk/nova/fine.py", fine))) == []


COMMAND_STEMS = ("cli", "derive_command", "files_command", "users_command")


def test_functions_have_few_parameters() -> None:
    """Commands are left out: click gives each option of a command as a parameter."""
    for path in tracked(*SOURCES):
        if "cli" not in path.parts and path.stem not in COMMAND_STEMS:
            for function in outlines()[path].functions:
                assert function.parameters <= PARAMETERS_MAX, f"{path}: {function.name}"


def test_a_name_stands_for_one_thing() -> None:
    """No class, and but for explained exceptions no file stem, is used for two things, in bench and
    tests neither. Files of tests mirror the tree, so that some of their stems repeat.
    """
    stems: dict[str, list[str]] = defaultdict(list)
    classes: dict[str, list[str]] = defaultdict(list)
    for path in tracked(*SOURCES, "bench/*.py", "examples/*.py", "scripts/*.py", "tests/*.py"):
        if not path.stem.startswith("test_"):
            stems[path.stem].append(str(path.relative_to(ROOT)))
        for name, line in outlines()[path].classes:
            classes[name].append(f"{path.relative_to(ROOT)}:{line}")
    assert len(stems) > 300
    assert {name: places for name, places in classes.items() if len(places) > 1} == {}
    twice = {stem: places for stem, places in stems.items() if len(places) > 1}
    assert {stem: places for stem, places in twice.items() if stem not in TWICE} == {}
    assert set(TWICE) == set(twice), "exceptions that are not needed any more"


REFERENCES = re.compile(r"\b(A-\d{3}|AMB-\d+|B4-\d+)\b|nova\.md|pitfalls")


def test_source_refers_to_nothing_outside_of_the_repository() -> None:
    """Ids of requirements and names of design pages say nothing to a reader of the source."""
    for path in tracked(*SOURCES, "web/src/*.ts", "web/src/*.tsx", "docs/*.md", "*.md"):
        if path.name not in ("CHANGELOG.md", "requirements.md"):
            assert not REFERENCES.findall(path.read_text()), path


SYNCS = re.compile(r"\bos\.(fsync|fdatasync|replace)\(")
SYNCING = {
    "rotated_logs": "compresses piece by piece into a file beside it",
    "durable": "the one way to replace a file",
    "driver_files": "streams an export and syncs it once",
    "file_folder": "never follows a symlink, and syncs thousands of files at once",
    "resumable_file": "syncs what it appends before the state that counts it",
}
"""Modules that sync or rename files, and why."""


def test_files_are_replaced_in_one_way() -> None:
    """All else uses `nova.sdk.durable`, so that no step of a durable replacement is missing."""
    assert {path.stem for path in tracked(*SOURCES) if SYNCS.search(path.read_text())} == set(
        SYNCING
    )


def test_web_views_are_small() -> None:
    """A view is read in one sitting; generated types are not views."""
    sources = [path for path in tracked("web/src/*.ts", "web/src/*.tsx") if path.stem != "protocol"]
    assert sources
    for path in sources:
        limit = VIEW_MAX_LINES if "views" in path.parts else MODULE_MAX_LINES
        assert len(path.read_text().splitlines()) <= limit, path


def test_lock_files_name_no_registry() -> None:
    """Who installs from a mirror must be able to."""
    for path in (*tracked("requirements*.lock"), ROOT / "web" / "package-lock.json"):
        assert not REGISTRY_HOSTS.search(path.read_text()), path


def test_packages_are_this_project_and_not_namesakes() -> None:
    """Public indexes hold packages called sdk and edge; ours are the ones that are imported."""
    for package in (core, edge, sdk):
        assert package.__file__ is not None
        assert Path(package.__file__).is_relative_to(ROOT)
