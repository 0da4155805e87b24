"""The public API: every name resolves to what type checkers see, and costs only what it needs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from nova import sdk

NAMES_MIN, NAMES_MAX = 25, 55
MODULES_MAX = 240
"""Of a producer, with those of Python itself; it has about 220."""
NOT_OF_PRODUCERS = {"batch", "blocking", "client", "drivers", "protocol"}
LIBRARIES = {"msgspec", "orjson", "rfc8785"}
OF_CLIENT = {"BlockingClient", "Client", "columns", "login"}
LOOK = """
import sys; sys.modules['aiohttp'] = None
from nova.sdk import *
assert 'importlib.metadata' not in sys.modules
import nova.sdk, pydoc
shown = pydoc.plain(pydoc.render_doc(nova.sdk))
print(*sorted(set(nova.sdk.__all__) & globals().keys()))
print(' '.join(shown.split()))
"""
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


def test_names_are_what_type_checkers_see() -> None:
    """At run time and for a type checker each comes from the same module."""
    homes = declared_homes()
    for name in sdk.__all__:
        found = getattr(sdk, name)
        home = import_module(homes[name])
        assert found is getattr(home, name), name
        if not isinstance(found, ModuleType):
            assert found.__module__ == home.__name__, name


def test_names_have_docstrings() -> None:
    """Each has one of its own, not what dataclasses and tuples make of their fields."""
    for name in sdk.__all__:
        text = inspect.cleandoc(getattr(sdk, name).__doc__ or "")
        assert text, name
        assert not text.startswith(f"{name}("), name


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
        "from nova.sdk import Producer, Entity, Transport",
        "from nova.sdk.producer.producer import Producer",
    ],
)
def test_a_producer_loads_neither_client_nor_command_line(statement: str) -> None:
    """Nor the database, nor a scan of all installed packages: it starts in the time that asyncio
    and msgspec take.
    """
    loaded = loaded_by(statement)
    assert not loaded & set(HEAVY)
    assert len(loaded) <= MODULES_MAX
    parts = {name.split(".")[2] for name in loaded if name.startswith("nova.sdk.")}
    assert parts and not parts & NOT_OF_PRODUCERS
    foreign = {name.partition(".")[0] for name in loaded} & set(packages_distributions())
    assert foreign - {"nova", "_distutils_hack", "typing_extensions"} <= LIBRARIES


def test_a_query_is_made_without_any_library_of_the_client() -> None:
    assert not loaded_by("from nova.sdk import Query, Filters") & set(HEAVY)


def test_a_missing_extra_is_named() -> None:
    """Without aiohttp the client says what to install."""
    code = "import sys; sys.modules['aiohttp'] = None\nfrom nova.sdk import Client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install --find-links dist 'nova-sdk[client]==" in done.stderr.splitlines()[-1]


def test_what_lacks_its_extra_is_not_listed_but_named() -> None:
    """Without aiohttp `import *` and `help` work; help says what is missing, and what brings it."""
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    names, shown = done.stdout.splitlines()
    assert set(names.split()) == set(sdk.__all__) - OF_CLIENT
    assert "Not listed here: BlockingClient, Client, columns, login. They need aiohttp" in shown
