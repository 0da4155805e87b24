"""Limits are parameters of the components that have them: no test patches a module's constant."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.syntax_trees import nodes_of
from tests.test_tidy import ROOT, tracked

CONSTANT = re.compile(r"[A-Z][A-Z0-9_]+")
IN_A_SCRIPT = re.compile(r"^\w[\w.]*\.([A-Z][A-Z0-9_]+) \+?= ", re.MULTILINE)
"""A constant that the script of a child process sets."""

PATCHERS = {"setattr", "delattr", "patch", "object"}
ALLOWED = {
    "tests/conftest.py: DEFAULT_DRIVERS": "the whole run counts events, without driver bindings",
}
"""What may be patched, and why."""


def patched_constants(source: str) -> Iterator[str]:
    """The names of constants that a test module sets elsewhere, by a patch or an assignment."""
    for node in nodes_of(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)):
                if called in PATCHERS:
                    yield from filter(CONSTANT.fullmatch, _last_names(node.args[:2]))
            case ast.Assign(targets=targets):
                yield from _attributes(targets)
            case ast.Constant(value=str() as text):
                yield from IN_A_SCRIPT.findall(text)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                yield from _attributes([target])


def _last_names(arguments: list[ast.expr]) -> Iterator[str]:
    """What a patch names: a constant by itself, or the last part of a path to it."""
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value.rpartition(".")[2]


def _attributes(targets: list[ast.expr]) -> Iterator[str]:
    for target in targets:
        if isinstance(target, ast.Attribute) and CONSTANT.fullmatch(target.attr):
            yield target.attr


def test_no_test_patches_a_constant() -> None:
    """It would hold for whoever has not imported the name yet, and for nobody else."""
    patched = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in tracked("tests/*.py", "bench/*.py", "examples/*.py")
        if path != Path(__file__)
        for name in patched_constants(path.read_text())
    }
    assert patched == set(ALLOWED)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('monkeypatch.setattr(module, "MAX_ROWS", 3)', ["MAX_ROWS"]),
        ('patch.setattr("nova.core.module.MAX_ROWS", 3)', ["MAX_ROWS"]),
        ('setattr(module, "MAX_ROWS", 3)', ["MAX_ROWS"]),
        ('mock.patch.object(module, "MAX_ROWS", 3)', ["MAX_ROWS"]),
        ('with mock.patch("nova.core.module.MAX_ROWS", 3): pass', ["MAX_ROWS"]),
        ("module.MAX_ROWS = 3", ["MAX_ROWS"]),
        ("SCRIPT = 'import module\\nmodule.MAX_ROWS = 3'", ["MAX_ROWS"]),
        ("SCRIPT = f'import module\\nmodule.MAX_ROWS = {few}'", ["MAX_ROWS"]),
        ("module.MAX_ROWS += 3", ["MAX_ROWS"]),
        ('monkeypatch.setattr(module, "read", 3)', []),
        ('monkeypatch.setenv("MAX_ROWS", "3")', []),
        ("MAX_ROWS = 3", []),
        ("reader.max_rows = 3", []),
    ],
)
def test_every_way_of_patching_is_seen(line: str, names: list[str]) -> None:
    """And nothing else."""
    assert list(patched_constants(line)) == names
