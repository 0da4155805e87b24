"""Definition files: which are used, and the faults of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from nova.core.definitions import definition_files
from nova.core.definitions.definition_graph import in_order, loops
from nova.core.definitions.definition_manifest import derived_manifests, manifest_of
from nova.core.derivation.formula_check import formula_faults
from nova.sdk.manifests.manifest_files import problem_of
from nova.testkit.running_nova import nova_command
from tests.core.derivation.deriving import AMPS, OUTPUT, VOLTS, definition_of, write_definition
from tests.core.derivation.functions import install_functions


def output(unit: str) -> dict[str, Any]:
    return {**OUTPUT, "address": f"nova.sat.parsed.derived.battery.{unit}.v1", "card": False}


def reading(unit: str) -> dict[str, Any]:
    """An input from the output of that unit."""
    return {"watts": {**OUTPUT, "address": output(unit)["address"]}}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"inputs": {}}, "inputs: missing"),
        ({"inputs": {"in": VOLTS, "amps": AMPS}}, "inputs.in: reserved"),
        ({"inputs": {"volts": {**VOLTS, "address": "volts"}}}, "inputs.volts.address: malformed"),
        (
            {"inputs": {"volts": {**VOLTS, "address": "nova.sat.raw.a.b.c.v1"}}},
            "inputs.volts.address: wrongLane",
        ),
        (
            {"inputs": {"volts": {**VOLTS, "address": "nova.sat.ui.a.b.c.v1"}}},
            "inputs.volts.view: missing",
        ),
        (
            {"inputs": {"volts": {**VOLTS, "samples": 2, "seconds": 2}}},
            "inputs.volts: conflict: a window is of samples or of seconds",
        ),
        ({"inputs": {"volts": {**VOLTS, "aggregate": "mean"}}}, "inputs.volts.aggregate: conflict"),
        (
            {"triggers": ["ohms"]},
            "triggers: unknown: 'ohms' is no input. Name some",
        ),
        ({"function": "f"}, "expression: conflict"),
        ({"vectorised": True}, "vectorised: conflict"),
        ({"output": {**OUTPUT, "address": "nova.sat.parsed.nova.a.b.v1"}}, "output.address: res"),
        ({"output": {**OUTPUT, "kind": "text", "unit": "W"}}, "output.unit: conflict"),
        ({"version": "1"}, "version: badValue"),
        ({"expresion": "a"}, "file: badValue: Object contains unknown field `expresion`"),
    ],
)
def test_a_fault_says_place_kind_and_rule(
    tmp_path: Path, members: dict[str, Any], words: str
) -> None:
    """The other file is used all the same."""
    whole = {
        "id": "bad",
        "version": "1.0.0",
        "expression": "volts",
        "inputs": {"volts": VOLTS, "amps": AMPS},
        "output": output("bad"),
        **members,
    }
    (tmp_path / "bad.json").write_bytes(msgspec.json.encode(whole))
    write_definition(tmp_path, definition_of())
    loaded = definition_files.load(tmp_path)
    assert [one.definition.id for one in loaded.files] == ["power"]
    assert words in str(loaded.faults[0]) and str(loaded.faults[0]).startswith(str(tmp_path))


def test_loops_are_refused_and_chains_are_not(tmp_path: Path) -> None:
    """By itself, over others, and with a definition that only uses a member of the loop."""
    chain = [
        definition_of(id="third", inputs=reading("b"), expression="watts", output=output("c")),
        definition_of(id="second", inputs=reading("a"), expression="watts", output=output("b")),
        definition_of(id="first", output=output("a")),
    ]
    assert loops(chain) == []
    assert [one.id for one in in_order(chain)] == ["first", "second", "third"]
    own = definition_of(id="own", inputs=reading("d"), expression="watts", output=output("d"))
    looped = [
        definition_of(id="one", inputs=reading("f"), expression="watts", output=output("e")),
        definition_of(id="two", inputs=reading("e"), expression="watts", output=output("f")),
        definition_of(id="user", inputs=reading("e"), expression="watts", output=output("g")),
    ]
    found = loops([*chain, own, *looped])
    assert [[one.id for one in loop] for loop in found] == [["own"], ["one", "two"]]
    for definition in (*chain, own, *looped):
        write_definition(tmp_path, definition)
    loaded = definition_files.load(tmp_path)
    used = sorted(one.definition.id for one in loaded.files)
    assert used == ["first", "second", "third", "user"]
    assert all("inputs: loop" in str(fault) for fault in loaded.faults)


def test_ids_versions_and_outputs_are_of_one_file(tmp_path: Path) -> None:
    """Versions of one id may write to the same place, other ids may not."""
    write_definition(tmp_path, definition_of())
    write_definition(tmp_path, definition_of(version="1.1.0"))
    assert len(definition_files.load(tmp_path).files) == 2
    write_definition(tmp_path, definition_of(id="thief"))
    (tmp_path / "z.json").write_bytes((tmp_path / "power-1.1.0.json").read_bytes())
    loaded = definition_files.load(tmp_path)
    assert [one.definition.name for one in loaded.files] == ["power@1.0.0", "power@1.1.0"]
    assert ["output" in str(one) or "version" in str(one) for one in loaded.faults] == [True] * 2
    with pytest.raises(definition_files.DefinitionError, match="several versions"):
        loaded.named("power")
    assert loaded.named("power@1.1.0").version == "1.1.0"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("volts *", "expression: malformed"),
        ("volts * 2", "expression: mismatch: Unsupported operation: float * int"),
        ("volts * ohms", "expression: unknown: Undefined variable or function: 'ohms'"),
        ("volts > 1.0", "expression: mismatch: the result is a bool, the output's kind is number"),
        ("sqrt(volts - 10.0) / (amps - amps)", ""),
    ],
)
def test_an_expression_is_tried(expression: str, words: str) -> None:
    """What may depend on the values is no fault."""
    found = [str(fault) for fault in formula_faults(definition_of(expression=expression))]
    assert len(found) == bool(words)
    assert all(words in fault for fault in found)


def test_the_manifest_of_an_output_is_valid(tmp_path: Path) -> None:
    """Of each kind; it has the unit, and the version of the definition."""
    for kind in ("number", "text", "boolean"):
        definition = definition_of(output={**OUTPUT, "kind": kind, "card": True})
        assert problem_of(manifest_of(definition)) is None
    write_definition(tmp_path, definition_of(output={**OUTPUT, "unit": "W", "card": True}))
    (file,) = derived_manifests(str(tmp_path))
    assert file.manifest.allowed_keys["watts"].unit == "W"
    assert file.manifest.manifest_version == "1.0.0"
    assert derived_manifests(str(tmp_path / "absent")) == derived_manifests(None) == []


def checked(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = nova_command("derive", "check", *arguments, "--json")
    return done.returncode, msgspec.json.decode(done.stdout)


def test_the_command_reports_every_fault_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of files and of formulas, also of one that hangs, which is stopped and named."""
    install_functions(tmp_path / "site", monkeypatch)
    folder = tmp_path / "definitions"
    folder.mkdir()
    status, found = checked(str(folder))
    assert status == 3 and "has no definition" in found["nothing"]
    for name in ("absent", "hang", "crash", "power", "short"):
        made = definition_of(
            id=name, function=name, expression=None, vectorised=name == "short", output=output(name)
        )
        write_definition(folder, made)
    bad = {"id": "bad", "version": "1", "inputs": [], "output": OUTPUT, "formula": "x"}
    (folder / "bad.json").write_bytes(msgspec.json.encode(bad))
    status, found = checked(str(folder), "--timeout", "2")
    assert (status, found["definitions"]) == (1, 5)
    faults = {
        (Path(one["file"]).name, one["place"], one["kind"]): one["rule"] for one in found["faults"]
    }
    assert set(faults) == {
        ("bad.json", "version", "badValue"),
        ("bad.json", "inputs", "badValue"),
        ("bad.json", "file", "badValue"),
        ("absent-1.0.0.json", "function", "unknown"),
        ("hang-1.0.0.json", "function", "limit"),
        ("crash-1.0.0.json", "function", "crash"),
        ("short-1.0.0.json", "function", "mismatch"),
    }
    assert "took longer than 2 s" in faults["hang-1.0.0.json", "function", "limit"]
