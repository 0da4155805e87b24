"""What people read of NOVA: pages of documentation, texts of the screen, help and error texts."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.syntax_trees import nodes_in
from tests.test_tidy import ROOT, SOURCES, tracked

HISTORY = {"CHANGELOG.md", "requirements.md"}
"""Pages that quote older texts."""

Text = tuple[str, str]
"""Where a text stands, and the text."""

CODE = re.compile(r"^```.*?^```|`[^`\n]*`|\]\([^)]*\)|https?://\S+", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*$", re.MULTILINE | re.DOTALL)
SCREEN_TEXT = re.compile(
    r"\"([^\"\n]*)\"|`([^`\n]*)`|>([^<>{}\n]+)<|^\s+([A-Z][^<>{}=;()\n]+)$", re.M
)


def pages(*without: str) -> Iterator[Text]:
    """The prose of each page: without code, addresses and the targets of links."""
    for path in tracked("*.md"):
        if path.name not in HISTORY | set(without):
            yield str(path.relative_to(ROOT)), CODE.sub(" ", path.read_text())


def screen_texts() -> Iterator[Text]:
    """Texts of several words in the page's source."""
    for path in tracked("web/src/*.ts", "web/src/*.tsx"):
        if path.name != "protocol.ts":
            for match in SCREEN_TEXT.finditer(COMMENT.sub("", path.read_text())):
                text = next(group for group in match.groups() if group is not None)
                if " " in text.strip():
                    yield str(path.relative_to(ROOT)), text


class Strings(NamedTuple):
    """The strings of a Python file, each with its line."""

    documentation: list[tuple[int, str]]
    others: list[tuple[int, str]]
    of_functions: list[tuple[int, str]]
    """Docstrings of functions, without their indentation."""


@cache
def strings_of(path: Path) -> Strings:
    """The strings of a module, which is parsed once for all tests of a run."""
    found = Strings([], [], [])
    documenting: set[int] = set()
    for node in nodes_in(path):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text)) as constant):
                documenting.add(id(constant))
                found.documentation.append((constant.lineno, text))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if text := ast.get_docstring(node) or "":
                    found.of_functions.append((node.lineno, text))
            case ast.Constant(value=str(text)) if id(node) not in documenting:
                found.others.append((node.lineno, text))
    return found


def program_texts() -> Iterator[Text]:
    """Strings of several words in the Python source: errors, log messages, help of options."""
    for path in tracked(*SOURCES):
        where, strings = path.relative_to(ROOT), strings_of(path)
        for line, text in strings.others:
            if " " in text.strip():
                yield f"{where}:{line}", text
        # The help of commands: click shows a function's docstring.
        if "cli" in path.parts or path.name.endswith(("cli.py", "_command.py")):
            yield from ((f"{where}:{line}", text) for line, text in strings.of_functions)


def source_texts() -> Iterator[Text]:
    """Comments and docstrings of the Python source and tests, without code in backticks."""
    for path in tracked(*SOURCES, "bench/*.py", "tests/*.py"):
        where = path.relative_to(ROOT)
        for line, text in _comments(path.read_text()):
            yield f"{where}:{line}", CODE.sub(" ", text)
        for line, text in strings_of(path).documentation:
            yield f"{where}:{line}", " ".join(CODE.sub(" ", text).split())


def _comments(source: str) -> Iterator[tuple[int, str]]:
    if "#" in source:  # two of three files have none, and Python's own tokenizer is slow
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
