"""Documentation that cannot fall behind: every setting, message, envelope and folder has
its place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import click

from nova.cli.main import nova
from nova.core.store import catalog
from nova.core.store.keys import FAMILIES
from nova.core.store.rollup import COMPLETE_KEY, COUNTED_KEY, ROLLUP_PREFIX
from nova.sdk import settings
from nova.sdk.events.envelope import ALL_ENVELOPES, AUDIT_TYPES
from nova.sdk.manifests.manifest import (
    Action,
    ArgumentSpec,
    CardManifest,
    Group,
    KeySpec,
    Layout,
    Limits,
)
from nova.sdk.protocol import messages
from nova.testkit.conformance import TransportConformance
from tests.tabled_codes import codes_in

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def text_of(name: str) -> str:
    """A page of the documentation."""
    return (ROOT / name).read_text()


def test_every_setting_is_documented() -> None:
    """docs/settings.md has each setting, its variable and its default."""
    page = text_of("docs/settings.md")
    fields = set(settings.Settings.__struct_fields__)
    assert fields == set(settings.HELP)
    for name in fields:
        assert f"`{name}`" in page
        assert f"`{settings.ENV_PREFIX}{name.upper()}`" in page


def all_messages() -> list[type[messages.Message]]:
    """Every message of the protocol."""
    kinds: list[type[messages.Message]] = [messages.Auth]
    return kinds + list(get_args(messages.Request)) + list(get_args(messages.Reply))


def test_every_message_is_documented() -> None:
    """docs/protocol.md has each message with all its members."""
    page = text_of("docs/protocol.md")
    for message in all_messages():
        tag = message.__struct_config__.tag
        assert f"### `{tag}`" in page
        section = page.split(f"### `{tag}`", 1)[1].split("\n##", 1)[0]
        for member in message.__struct_encode_fields__:
            if member != "ref":
                assert f"`{member}`" in section, f"{tag} lacks {member}"


def test_every_envelope_is_documented() -> None:
    """docs/envelopes.md has each envelope with all its members."""
    page = text_of("docs/envelopes.md")
    for kind in ALL_ENVELOPES:
        for member in kind.__struct_encode_fields__:
            assert f"`{member}`" in page, f"{kind.__name__} lacks {member}"
    for name in AUDIT_TYPES:
        assert f"`{name}`" in page


def test_every_reject_code_is_documented() -> None:
    """docs/envelopes.md has each code that a record can be refused with, and no other."""
    table = text_of("docs/envelopes.md").split("## Refusals", 1)[1].split("`nova rejects`")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = [code for row in rows for code in row.replace("`", " ").split()]
    codes = codes_in("EnvelopeError", "Rejection")
    assert {"malformed", "wrongType", "badValue", "tooLarge"} <= codes, "the scan finds little"
    assert sorted(listed) == sorted(codes)


def test_every_error_code_is_documented() -> None:
    """docs/protocol.md has each code that a reply of the Core or the edge can carry."""
    section = text_of("docs/protocol.md").split("### `error`", 1)[1].split("\n##", 1)[0]
    missing = {c for c in codes_in("RequestError", "Error") if f"`{c}`" not in section}
    assert missing == set()


def test_every_family_and_catalog_record_is_documented() -> None:
    """docs/on-disk.md has each column family and each kind of catalog record."""
    page = text_of("docs/on-disk.md")
    for family in FAMILIES:
        assert f"`{family}`" in page
    prefixes = (catalog.SERIES_PREFIX, catalog.POSITION_PREFIX, catalog.REJECT_PREFIX)
    commands = (catalog.COMMAND_PREFIX, catalog.DISPATCH_PREFIX, catalog.LINK_ROUTES_PREFIX)
    for prefix in (*prefixes, *commands, ROLLUP_PREFIX, COMPLETE_KEY, COUNTED_KEY):
        assert f"`{prefix.decode()}" in page


def test_every_command_is_in_the_operations_page() -> None:
    """docs/operations.md names every subcommand of `nova`, and each explains itself."""
    page = text_of("docs/operations.md")
    context = click.Context(nova)
    for name in nova.list_commands(context):
        command = nova.get_command(context, name)
        assert command is not None
        assert command.help
        assert f"`nova {name}`" in page


def test_every_promise_of_a_transport_is_documented() -> None:
    """docs/transports.md has each case of the conformance suite with its promise."""
    page = text_of("docs/transports.md")
    cases = sorted(name for name in dir(TransportConformance) if name.startswith("test_"))
    assert len(cases) > 20
    for case in cases:
        promise = " ".join((getattr(TransportConformance, case).__doc__ or "").split())
        name = case.removeprefix("test_").replace("_", " ")
        assert f"| {name} | {promise} |" in page


def test_every_folder_is_in_the_architecture_page() -> None:
    """ARCHITECTURE.md says what each folder is for."""
    page = text_of("ARCHITECTURE.md")
    for folder in ("sdk", "core", "edge", "transport_kafka", "web", "bench", "tests", "docs"):
        assert f"`{folder}/`" in page


def test_docs_link_to_files_that_exist() -> None:
    """A relative link in a page leads somewhere."""
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "ARCHITECTURE.md"]:
        for part in page.read_text().split("](")[1:]:
            target = part.split(")", 1)[0].split("#", 1)[0]
            if target and "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def headings(page: Path) -> set[str]:
    """The anchors of a page, as hosts of Markdown make them of its headings."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("#")]
    titles = [re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()) for line in lines]
    return {title.replace(" ", "-") for title in titles}


def test_docs_link_to_headings_that_exist() -> None:
    """A link into a page leads to a place in it; the README's claims stand on such links."""
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "ARCHITECTURE.md"]:
        for target in re.findall(r"\]\(([^)\s:]*#[^)\s]+)\)", page.read_text()):
            name, anchor = target.split("#", 1)
            linked = page.parent / name if name else page
            assert anchor in headings(linked), f"{page.name}: {target}"


def test_every_claim_of_the_readme_has_its_conditions() -> None:
    """What is promised in a few words links to the words that say when it holds."""
    claims = re.findall(r"^- \*\*.*$", text_of("README.md"), re.MULTILINE)
    assert len(claims) >= 8
    for claim in claims:
        assert re.search(r"\(\[exactly\]\(docs/\w+\.md#[\w-]+\)\)\.$", claim), claim


def test_every_member_of_a_manifest_is_documented() -> None:
    """docs/manifests.md has each member of a manifest, of its keys, limits and actions."""
    page = text_of("docs/manifests.md")
    for part in (CardManifest, KeySpec, ArgumentSpec, Limits, Layout, Group, Action):
        for member in part.__struct_encode_fields__:
            assert f"`{member}`" in page, f"{part.__name__} lacks {member}"
