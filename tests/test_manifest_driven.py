"""The browser knows what a manifest is, and knows none: what there is to show is data (A-226,
A-232).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from nova.sdk.events.envelope import ALL_ENVELOPES
from nova.sdk.manifests.manifest import ANY_KEY, CardManifest
from nova.sdk.manifests.manifest_files import load

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for path in (ROOT / "web/src").rglob("*")
    if path.suffix in (".ts", ".tsx", ".css") and path.stem != "protocol"
)
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`((?:[^`\\]|\\.)*)`')
MEMBER = re.compile(r"\.([A-Za-z_]\w*)")
COMPOUND = re.compile(r"[a-z][A-Z]|_")
CLASS = re.compile(r'\b(?:class|data-testid)=("[^"]*"|\{`[^`]*`\})')
"""Names of styles and for tests: transport links have panels too."""
PLANE = re.compile(r'from "[./a-z]*/(manifests|card|cards|ui_state|limits|format|alarms|shields)"')
"""What of the browser's code draws cards. The rest has words of its own, and some are keys too."""


@cache
def manifests() -> list[CardManifest]:
    """Every manifest that is shipped."""
    return [manifest for _, manifest in load()]


def ids() -> set[str]:
    """Every entityType, viewId and manifestId."""
    return {name for one in manifests() for name in (one.entity_type, one.view_id, one.manifest_id)}


def keys() -> set[str]:
    """Every key of their data, but for words that envelopes have too."""
    found = {key for one in manifests() for key in one.allowed_keys if key != ANY_KEY}
    return found - {name for kind in ALL_ENVELOPES for name in kind.__struct_encode_fields__}


def literals(text: str) -> set[str]:
    """Every text between quotes of any kind."""
    return {next(filter(None, parts)) for parts in LITERAL.findall(text) if any(parts)}


def named_in(text: str, names: set[str]) -> set[str]:
    """Which of the names a source has as a text, or as a member that can be nothing else."""
    text = CLASS.sub("", text)
    members = {member for member in MEMBER.findall(text) if COMPOUND.search(member)}
    return names & (literals(text) | members)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_names_an_entity_type_or_a_view(path: Path) -> None:
    """No list of entityTypes, no view and no manifest has a place in the browser's code."""
    assert named_in(path.read_text(), ids()) == set()


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if PLANE.search(path.read_text())],
    ids=lambda path: path.name,
)
def test_no_source_that_draws_cards_names_a_key(path: Path) -> None:
    """Titles and meanings of values come from manifests."""
    assert named_in(path.read_text(), keys()) == set()


def test_a_name_would_be_found() -> None:
    """The two tests above can fail: quoted in any way, or as a member."""
    for text in ('a === "gps"', "a === 'gps'", "`gps`", "switch (a) { case 'telemetry.gps': }"):
        assert named_in(text, ids()), text
    assert named_in("state.stateOfCharge > 5", keys()) == {"stateOfCharge"}
    assert named_in('data["voltage"]', keys()) == {"voltage"}
