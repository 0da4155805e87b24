"""The error codes that the source names, found in its syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("sdk", "core", "edge", "transport_kafka", "transport_mqtt", "transport_nats")
CODE_PLACE = {"EnvelopeError": 0, "RequestError": 0, "Rejection": 1}
"""Which argument of a call is the code; as a keyword it is `code` everywhere."""


def codes_in(*names: str) -> set[str]:
    """The codes that calls of these names are given, wherever they stand."""
    found: set[str] = set()
    named = re.compile(rf"\b(?:{'|'.join(names)})\b")
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "testkit" not in path.parts:
                source = path.read_text()
                if not named.search(source):
                    continue
                tree = ast.parse(source)
                for call, scope in _calls(tree, tree):
                    found |= _codes(call, scope, names)
    return found


def _calls(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Every call, with the function that it stands in."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(child, ast.Call):
            yield child, scope
        yield from _calls(child, child if is_function else scope)


def _codes(call: ast.Call, scope: ast.AST, names: tuple[str, ...]) -> set[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name not in names:
        return set()
    place = CODE_PLACE.get(name)
    given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    if place is not None and len(call.args) > place:
        given.append(call.args[place])
    return {code for one in given for code in _texts(one, scope)}


def _texts(node: ast.AST, scope: ast.AST) -> Iterator[str]:
    """The texts that an expression may be: itself, both sides of a choice, or what was assigned."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, scope)
        yield from _texts(node.orelse, scope)
    elif isinstance(node, ast.Name):
        for other in ast.walk(scope):
            targets = other.targets if isinstance(other, ast.Assign) else []
            if any(isinstance(one, ast.Name) and one.id == node.id for one in targets):
                assert isinstance(other, ast.Assign)
                yield from _texts(other.value, scope)
