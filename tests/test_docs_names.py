"""Names in the documentation exist: modules, files, and commands with their options."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import entry_points

import click
import pytest

from nova.cli.main import nova
from tests.test_tidy import ROOT, tracked

PAGES = [page for page in tracked("*.md") if page.name != "CHANGELOG.md"]
DOTTED = re.compile(r"(?<![\w/.-])nova(?:\.\w+)+")
SETTINGS_FILE = "nova.toml"
ENTRY_POINT_GROUPS = {"nova.commands", "nova.devices", "nova.drivers", "nova.transports"}
USERS_GROUPS = {"nova.derived"}
"""Groups of which NOVA itself registers nothing."""

NATIVE = {"nova.native"}
"""Is there only where it was built."""

HOST = "nova.example.org"
ADDRESS_END = ".v1"
"""The end of each address, which is a NATS subject or a Kafka topic."""

SOURCE_FILE = re.compile(r"[\w./-]*\w\.(?:py|ts|tsx|css)")
FOLDERS = ("bench", "core", "deploy", "docs", "edge", "examples", "scripts", "sdk", "tests", "web")
FOREIGN_FILES = {"NAME.manifest.py": "the pattern of a manifest file's name"}
CODE = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def names_of(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Each match in the pages with its page, once."""
    found = {
        (match[0], page.name) for page in PAGES for match in pattern.finditer(page.read_text())
    }
    return sorted(found)


def resolves(dotted: str) -> bool:
    """Whether it is a module, or an attribute of one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def test_every_dotted_name_exists() -> None:
    """A module of `nova`, or what one defines; a group of entry points; the settings file."""
    known = {*ENTRY_POINT_GROUPS, *USERS_GROUPS, *NATIVE, SETTINGS_FILE, HOST}
    names = [(n, p) for n, p in names_of(DOTTED) if n not in known and not n.endswith(ADDRESS_END)]
    assert [(name, page) for name, page in names if not resolves(name)] == []


@pytest.mark.parametrize("group", sorted(ENTRY_POINT_GROUPS - {"nova.commands"}))
def test_every_group_of_entry_points_exists(group: str) -> None:
    assert list(entry_points(group=group))


def is_in_repository(name: str, files: list[str]) -> bool:
    """A file by its path, by the end of its path, or a folder."""
    folder = f"/{name.strip('/')}/"
    return any(f"/{file}".endswith(f"/{name}") or folder in f"/{file}" for file in files)


def test_every_source_file_exists() -> None:
    files = [str(path.relative_to(ROOT)) for path in tracked("*")]
    quoted = {(n, p.name) for p in PAGES for n in re.findall(r"`([^`\s]+)`", p.read_text())}
    paths = [(n, page) for n, page in quoted if SOURCE_FILE.fullmatch(n) or is_folder(n)]
    assert len(paths) > 100, "the scan finds little"
    missing = [(n, page) for n, page in paths if not is_in_repository(n, files)]
    assert sorted((n, page) for n, page in missing if n not in FOREIGN_FILES) == []


def is_folder(name: str) -> bool:
    """Whether a name is meant as a folder of the repository."""
    return name.endswith("/") and name.split("/")[0] in FOLDERS


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each `nova …` of a page, as words: inline code, and lines of code blocks."""
    for page in PAGES:
        text = page.read_text()
        inline = re.findall(r"(?<!`)`(nova [a-z][^`]*)`", text)
        lines = [line for block in CODE.findall(text) for line in joined(block).splitlines()]
        piped = [part.strip() for line in lines for part in line.split(" | ")]
        for command in [*inline, *(part for part in piped if part.startswith("nova "))]:
            yield page.name, shlex.split(command, comments=True)


def joined(block: str) -> str:
    """A code block with continued lines joined."""
    return block.replace("\\\n", " ")


def problems(words: list[str]) -> list[str]:
    """The subcommand and the options in a command line that do not exist."""
    command: click.Command = nova
    words = words[1:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return [words[0]]
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    options = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return [option for option in options if option not in known | {"--help", "-h"}]


def test_every_command_and_its_options_exist() -> None:
    found = list(commands())
    assert len(found) > 60, "the scan finds little"
    wrong = [(page, " ".join(words), bad) for page, words in found if (bad := problems(words))]
    assert wrong == []


def test_a_wrong_command_is_found() -> None:
    assert problems(["nova", "fly"]) == ["fly"]
    assert problems(["nova", "up", "--sope", "sat1", "--data", "x"]) == ["--sope"]
    assert problems(["nova", "files", "mend"]) == ["mend"]
    assert not resolves("nova.core.reader") and resolves("nova.sdk.Producer")


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    named = {
        (n, p.name)
        for p in PAGES
        for n in re.findall(r"(?:`|^)make ([a-z][\w-]*)", p.read_text(), re.M)
    }
    assert sorted((n, page) for n, page in named if n not in targets) == []
