"""The import contracts name every package of the Core, and only the store names column families."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from nova.core.ordering import TIMEBASES
from nova.core.store.keys import FAMILIES

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core/nova/core"
STORE = CORE / "store"
SOURCES = ("core", "edge", "sdk", "transport_kafka", "transport_nats")
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
    for node in ast.walk(ast.parse(path.read_text())):
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
