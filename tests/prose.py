"""What people read of NOVA: pages of documentation, texts of the screen, help and error texts."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

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


def program_texts() -> Iterator[Text]:
    """Strings of several words in the Python source: errors, log messages, help of options."""
    for path in tracked(*SOURCES):
        tree = ast.parse(path.read_text())
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or id(node) in documentation:
                continue
            if isinstance(node.value, str) and " " in node.value.strip():
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
        # The help of commands: click shows a function's docstring.
        if "cli" in path.parts or path.name.endswith(("cli.py", "_command.py")):
            yield from _docstrings(path, tree)


def _docstrings(path: Path, tree: ast.Module) -> Iterator[Text]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if text := ast.get_docstring(node):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def source_texts() -> Iterator[Text]:
    """Comments and docstrings of the Python source and tests, without code in backticks."""
    for path in tracked(*SOURCES, "bench/*.py", "tests/*.py"):
        source = path.read_text()
        where = path.relative_to(ROOT)
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield f"{where}:{token.start[0]}", CODE.sub(" ", token.string)
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Expr(value=ast.Constant(value=str(text)) as constant):
                    yield f"{where}:{constant.lineno}", " ".join(CODE.sub(" ", text).split())
