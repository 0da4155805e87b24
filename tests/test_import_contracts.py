"""The import contracts name every package of the Core, and only the store names column families."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from nova.core.ordering import TIMEBASES
from nova.core.store.keys import FAMILIES
from tests.syntax_trees import nodes_in, nodes_of

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core/nova/core"
STORE = CORE / "store"
SOURCES = ("core", "edge", "sdk", "transport_kafka", "transport_mqtt", "transport_nats")
FAMILY_NAMES = set(FAMILIES) - set(TIMEBASES)
"""Names that nothing but a column family has; two families are named like their timebase."""

ALL_BUT_THE_STORE = (
    "RocksDB, its column families and its iterators have one home",
    "Only the store and what reads and writes events know the bytes of a key",
)


def rooms_of_core() -> set[str]:
    """The packages and modules that lie directly in nova.core."""
    rooms = (path for path in CORE.iterdir() if path.suffix == ".py" or path.is_dir())
    return {f"nova.core.{path.stem}" for path in rooms if not path.stem.startswith("__")}


def test_contracts_about_the_store_list_the_rest_of_core() -> None:
    """A package that is added later is held to them as well."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    listed = {one["name"]: set(one.get("source_modules", ())) for one in settings["contracts"]}
    for name in ALL_BUT_THE_STORE:
        of_core = {module for module in listed[name] if module.startswith("nova.core.")}
        assert of_core == rooms_of_core() - {"nova.core.store"}, name


def names_of_families(path: Path) -> list[str]:
    """Where a module reads an archive's families or names one, as `file:line name`."""
    found = []
    for node in nodes_in(path):
        match node:
            case ast.Attribute(attr="families"):
                name = "families"
            case ast.Constant(value=str(text)) if text in FAMILY_NAMES:
                name = text
            case _:
                continue
        found.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
    return found


def test_only_the_store_names_column_families() -> None:
    """Others read through `Archive.events`, `series` and `record` and write through
    `ArchiveBatch`.
    """
    paths = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")]
    outside = [path for path in paths if not path.is_relative_to(STORE)]
    assert len(outside) > 100
    assert [line for path in outside for line in names_of_families(path)] == []
    inside = [line for path in STORE.glob("*.py") for line in names_of_families(path)]
    assert len(inside) >= len(FAMILY_NAMES), "the search finds them where they are"


CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
IMPORTING_BY_NAME = {"import_module", "find_spec", "__import__"}


def packages() -> set[str]:
    """Every package directly below `nova`, in whichever folder it lies."""
    found = (path for folder in SOURCES for path in (ROOT / folder / "nova").iterdir())
    return {f"nova.{path.stem}" for path in found if path.name != "__pycache__"}


def heights() -> dict[str, int]:
    """The layer of each package: 0 is the lowest, which imports none of the others."""
    layers = reversed(CONTRACTS["contracts"][0]["layers"])
    return {name: level for level, row in enumerate(layers) for name in row.split(" | ")}


def test_contracts_list_every_package() -> None:
    """The linter sees nothing of a package that is not among its roots."""
    assert len(packages()) > 8
    assert set(CONTRACTS["root_packages"]) == packages() == set(heights())
    assert set(CONTRACTS["contracts"][-1]["ancestors"]) == packages()


def test_the_direction_has_no_exception() -> None:
    """One contract alone names modules that it lets through: those that read and write events."""
    excepted = [one["name"] for one in CONTRACTS["contracts"] if one.get("ignore_imports")]
    assert excepted == ["Only the store and what reads and writes events know the bytes of a key"]


def imports(text: str) -> Iterator[tuple[int, str]]:
    """Lines and names of what a module imports: for type checkers only or by name too."""
    for node in nodes_of(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module="nova", names=names):
                yield from ((node.lineno, f"nova.{alias.name}") for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield node.lineno, module
            case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
                called = function.attr if isinstance(function, ast.Attribute) else function
                if getattr(called, "id", called) in IMPORTING_BY_NAME:
                    yield node.lineno, module


def upward(package: str, text: str) -> list[str]:
    """Imports of a module of one package that go to its own layer or a higher one."""
    height = heights()
    return [
        f"{line} {module}"
        for line, module in imports(text)
        if (other := ".".join(module.split(".")[:2])) in height
        and other != package
        and height[other] >= height[package]
    ]


def test_no_import_goes_upwards_not_for_types_and_not_by_name_either() -> None:
    """The linter leaves out imports under TYPE_CHECKING, and sees none by name."""
    found = []
    for folder in SOURCES:
        for path in (ROOT / folder / "nova").rglob("*.py"):
            package = f"nova.{path.relative_to(ROOT / folder / 'nova').parts[0]}"
            found += [
                f"{path.relative_to(ROOT)}:{one}" for one in upward(package, path.read_text())
            ]
    assert found == []


def test_an_import_that_goes_upwards_is_found() -> None:
    hidden = "if TYPE_CHECKING:\n    from nova.core.store import archive"
    assert upward("nova.sdk", hidden) == ["2 nova.core.store"]
    assert upward("nova.sdk", "importlib.import_module('nova.edge.app')") == ["1 nova.edge.app"]
    assert upward("nova.cli", "from nova import edge, sdk") == ["1 nova.edge"]
    assert upward("nova.core", "import nova.sdk.errors, nova.transport_nats") == [
        "1 nova.transport_nats"
    ]
