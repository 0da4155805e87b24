"""`nova displays`: the same in a data folder and at an edge."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from nova.edge.actor import local_actor
from nova.edge.display_folder import load_display
from nova.edge.display_store import DisplayStore
from nova.edge.displays_command import displays
from nova.edge.edge_config import FOLDER_NAME
from nova.sdk.display import Display, DisplayColumn, DisplayPage, DisplayPanel, content_of
from tests.edge.server import PASSWORD, RunningEdge


async def run(*arguments: object) -> Result:
    """Run the command beside the edge."""
    words = list(map(str, arguments))
    environment = {"NOVA_PASSWORD": PASSWORD, "NOVA_DATA": None}
    return await asyncio.to_thread(CliRunner().invoke, displays, words, env=environment)


async def succeed(*arguments: object) -> str:
    result = await run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


async def refusal(*arguments: object) -> str:
    result = await run(*arguments)
    assert result.exit_code != 0
    return result.output + str(result.exception)


def file_of(folder: Path, name: str) -> Path:
    panel = DisplayPanel(id="chat", kind="chat")
    page = DisplayPage(name="One", columns=[DisplayColumn(panels=[panel])])
    path = folder / f"{name}.json"
    path.write_bytes(content_of(Display(name=name, pages=[page])))
    return path


@pytest.mark.parametrize("at", ["data", "url"])
async def test_a_display_is_imported_listed_and_exported(
    edge: RunningEdge, tmp_path: Path, at: str
) -> None:
    """As another one, and as the next version of one that is there; former ones stay."""
    where: tuple[object, ...] = ("--url", edge.url, "--user", "admin")
    if at == "data":
        where = ("--data", edge.config.data)
    first, second = file_of(tmp_path, "Power"), file_of(tmp_path, "Power2")
    await succeed("import", first, "--share", "viewer", *where)
    await succeed("import", second, "--replace", "Power", "--name", "Power 2", *where)
    lines = (await succeed("list", "--json", *where)).splitlines()
    (one,) = [json.loads(line) for line in lines]
    assert (one["name"], one["version"], one["sharedWith"]) == ("Power 2", 2, "viewer")
    assert one["own"] is (at == "url")
    assert "Power 2" in await succeed("list", *where)
    exported: dict[str, Any] = json.loads(await succeed("export", "Power 2", *where))
    assert exported == {**json.loads(second.read_text()), "name": "Power 2"}
    former = json.loads(await succeed("export", one["displayId"], "--version", 1, *where))
    assert former == json.loads(first.read_text())
    await succeed("import", first, "--name", "Power 2", *where)
    assert "several displays are named 'Power 2'" in await refusal("export", "Power 2", *where)


async def test_a_wrong_file_and_an_unknown_display_are_named(
    edge: RunningEdge, tmp_path: Path
) -> None:
    where = ("--data", edge.config.data)
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"version": 1, "name": "x", "pages": []}')
    assert "wrong.json" in await refusal("import", wrong, *where)
    assert "there is no display 'none'" in await refusal("export", "none", *where)


async def test_names_of_before_do_not_drive_the_terminal(edge: RunningEdge, tmp_path: Path) -> None:
    """An earlier edge has kept them; now they are refused."""
    name = "Power\x1b]0;x\x07\u202e"
    file = file_of(tmp_path, "Power")
    with DisplayStore(edge.config.data / FOLDER_NAME) as store:
        store.add(structs.replace(load_display(file), name=name), local_actor())
    where = ("--data", edge.config.data)
    assert "Power\\x1b]0;x\\x07\\u202e" in await succeed("list", *where)
    for words in (("list", "--json"), ("export", name)):
        text = await succeed(*words, *where)
        assert "\x1b" not in text
        assert "\u202e" not in text
    refused = await refusal("import", file, "--name", name, *where)
    assert "name: has the control character U+001B" in refused
