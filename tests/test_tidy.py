"""The code itself, held to the rules that make it readable (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova import core, edge, sdk

ROOT = Path(__file__).parents[1]
LINE_MAX_CHARS = 100
MODULE_MAX_LINES = 400
FUNCTION_MAX_LINES = 60
VIEW_MAX_LINES = 200
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX)\b")
REGISTRY_HOSTS = re.compile(r"https?://(registry|pypi|files\.pythonhosted|repo1?\.maven)[^\s\"]*")


def tracked(*patterns: str) -> list[Path]:
    """Files of the project: those that git tracks, and new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def python_files() -> list[Path]:
    """All Python of the project, tests included."""
    return tracked("*.py")


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_small_and_has_a_docstring(path: Path) -> None:
    """Files, functions and lines stay small, and each module says what it is responsible for."""
    text = path.read_text()
    lines = text.splitlines()
    tree = ast.parse(text)
    assert len(lines) <= MODULE_MAX_LINES
    assert [number for number, line in enumerate(lines, 1) if len(line) > LINE_MAX_CHARS] == []
    assert path == Path(__file__) or not LEFTOVERS.search(text)
    assert path.stem not in VAGUE_NAMES
    assert ast.get_docstring(tree), "no module docstring"
    for function in functions(tree):
        assert (function.end_lineno or 0) - function.lineno < FUNCTION_MAX_LINES, function.name


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
