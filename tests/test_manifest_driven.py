"""The browser knows what a manifest is, and knows none: what there is to show is data (A-226,
A-232).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from nova.sdk.events.envelope import ALL_ENVELOPES
from nova.sdk.manifests.manifest import ANY_KEY, CardManifest
from nova.sdk.manifests.manifest_files import load

ROOT = Path(__file__).parents[1]
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`((?:[^`\\]|\\.)*)`')
MEMBER = re.compile(r"\.([A-Za-z_]\w*)")
COMPOUND = re.compile(r"[a-z][A-Z]|_")
CLASS = re.compile(r'\b(?:class|data-testid)=("[^"]*"|\{`[^`]*`\})')
"""Names of styles and for tests: transport links have panels too."""
PLANE = re.compile(r'from "[./a-z]*/(manifests|card|cards|ui_state|limits|format|alarms|shields)"')
"""What of the browser's code draws cards. The rest has words of its own, and some are keys too."""


def sources() -> dict[str, str]:
    """The browser's code: path and text of each file."""
    paths = sorted((ROOT / "web/src").rglob("*"))
    own = (p for p in paths if p.suffix in (".ts", ".tsx", ".css") and p.stem != "protocol")
    return {str(path.relative_to(ROOT)): path.read_text() for path in own}


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


def naming(texts: dict[str, str], names: set[str]) -> dict[str, set[str]]:
    """The sources that have some of the names."""
    return {path: found for path, text in texts.items() if (found := named_in(text, names))}


def test_no_source_names_an_entity_type_or_a_view() -> None:
    """No list of entityTypes, no view and no manifest has a place in the browser's code."""
    texts = sources()
    assert len(texts) > 200
    assert naming(texts, ids()) == {}


def test_no_source_that_draws_cards_names_a_key() -> None:
    """Titles and meanings of values come from manifests."""
    texts = {path: text for path, text in sources().items() if PLANE.search(text)}
    assert len(texts) >= 20
    assert naming(texts, keys()) == {}


def test_a_name_would_be_found() -> None:
    """The two tests above can fail: quoted in any way, or as a member."""
    for text in ('a === "gps"', "a === 'gps'", "`gps`", "switch (a) { case 'telemetry.gps': }"):
        assert named_in(text, ids()), text
    assert named_in("state.stateOfCharge > 5", keys()) == {"stateOfCharge"}
    assert named_in('data["voltage"]', keys()) == {"voltage"}
