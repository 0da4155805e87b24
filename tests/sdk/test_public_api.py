"""The public API: every name resolves to what type checkers see, and costs only what it needs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from nova import sdk

NAMES_MIN, NAMES_MAX = 25, 50
HEAVY = ("aiohttp", "click", "rich", "rocksdict", "pyarrow", "importlib.metadata")


def declared_homes() -> dict[str, str]:
    """The module that each name is imported from in the block for type checkers."""
    tree = ast.parse(Path(str(sdk.__file__)).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname or alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after one statement."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return set(msgspec.json.decode(done.stdout, type=list[str]))


def test_the_public_api_is_small_and_sorted() -> None:
    assert sorted(sdk.__all__) == sdk.__all__
    assert NAMES_MIN <= len(sdk.__all__) <= NAMES_MAX
    assert set(sdk.__all__) <= set(dir(sdk))


@pytest.mark.parametrize("name", sdk.__all__)
def test_a_name_is_what_type_checkers_see(name: str) -> None:
    """At run time and for a type checker it comes from the same module."""
    found = getattr(sdk, name)
    home = import_module(declared_homes()[name])
    assert found is getattr(home, name)
    if not isinstance(found, ModuleType):
        assert found.__module__ == home.__name__


@pytest.mark.parametrize("name", sdk.__all__)
def test_a_name_has_a_docstring(name: str) -> None:
    """One of its own, not what dataclasses and tuples make of their fields."""
    found = getattr(sdk, name)
    text = inspect.cleandoc(found.__doc__ or "")
    assert text
    assert not text.startswith(f"{name}(")


def test_type_checkers_see_nothing_else() -> None:
    assert set(declared_homes()) == set(sdk.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'nova\.sdk' has no attribute 'Pigeon'"):
        sdk.Pigeon  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_sdk_loads_none_of_it() -> None:
    loaded = loaded_by("import nova.sdk")
    assert not loaded & {"asyncio", "msgspec", *HEAVY}


@pytest.mark.parametrize(
    "statement",
    [
        "import nova.sdk.producer",
        "from nova.sdk import Producer, Entity, Query, Transport",
        "from nova.sdk.producer.producer import Producer",
    ],
)
def test_a_producer_loads_neither_client_nor_command_line(statement: str) -> None:
    """Nor the database, nor a scan of all installed packages."""
    assert not loaded_by(statement) & set(HEAVY)


def test_a_missing_extra_is_named() -> None:
    """Without aiohttp the client says what to install."""
    code = "import sys; sys.modules['aiohttp'] = None\nfrom nova.sdk import Client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install --find-links dist 'nova-sdk[client]==" in done.stderr.splitlines()[-1]
