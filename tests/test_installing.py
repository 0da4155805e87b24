"""How to install NOVA: from its own wheels and pinned, wherever a page, an error or a project file
says it, because a package index has somebody else's packages of similar names.
"""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from nova.sdk.install_command import OWN, install_command
from tests.test_tidy import ROOT, tracked

PROJECT_FILES = ("sdk/pyproject.toml", "pyproject.toml", "examples/pyproject.toml")
INSTALLING = re.compile(r"pip install[^\n`]*?\bnova-(?:sdk|truth)[^\n`]*")
OWN_REQUIREMENT = re.compile(r"nova-(?:sdk|truth)(?:\[[\w,]+\])?")


def project(path: str) -> dict[str, object]:
    """The table `project` of a project file."""
    table: dict[str, object] = tomllib.loads((ROOT / path).read_text())["project"]
    return table


VERSION = str(project("sdk/pyproject.toml")["version"])


def requirements(path: str) -> list[str]:
    """All requirements of a project file, with those of its extras."""
    table = project(path)
    needed, extras = table.get("dependencies", []), table.get("optional-dependencies", {})
    assert isinstance(needed, list) and isinstance(extras, dict)
    return [*needed, *(one for extra in extras.values() for one in extra)]


def test_the_two_distributions_have_one_version() -> None:
    assert project("pyproject.toml")["version"] == VERSION


@pytest.mark.parametrize("path", PROJECT_FILES)
def test_a_project_file_pins_what_is_nova(path: str) -> None:
    """An open requirement takes whatever an index has under that name."""
    own = [one for one in requirements(path) if OWN_REQUIREMENT.match(one)]
    assert own or path.startswith("sdk")
    assert [one for one in own if not one.endswith(f"=={VERSION}")] == []


def test_pages_install_from_the_wheels_and_pin_the_version() -> None:
    found = [
        (path.name, match[0])
        for path in (*tracked("*.md"), *tracked("examples/*.py"))
        if path.name != "CHANGELOG.md"
        for match in INSTALLING.finditer(path.read_text())
    ]
    assert len(found) >= 8, "the scan finds little"
    safe = re.compile(rf"pip install --find-links dist '{OWN_REQUIREMENT.pattern}=={VERSION}'")
    assert [one for one in found if not safe.match(one[1])] == []


@pytest.mark.parametrize("distribution", OWN)
def test_an_error_says_it_as_the_pages_do(distribution: str) -> None:
    wanted = f"{distribution}[cli]=={VERSION}"
    assert install_command(distribution, "cli") == f"pip install --find-links dist '{wanted}'"


def test_somebody_elses_package_is_installed_as_theirs() -> None:
    assert install_command("pigeon-nova", "coop") == "pip install 'pigeon-nova[coop]'"


def test_no_other_text_of_the_program_says_how_to_install() -> None:
    """One place knows the folder and the version."""
    saying = {
        path.name
        for path in tracked("sdk/*.py", "core/*.py", "edge/*.py", "transport_*/*.py")
        if "pip" in (source := path.read_text())
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and "pip install" in str(node.value)
    }
    assert saying == {"install_command.py"}
