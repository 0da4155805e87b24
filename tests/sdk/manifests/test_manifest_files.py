"""Discovery of manifest files: in one order, and no claim made twice (A-228…A-233)."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk.manifests import manifest_files
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.manifests.manifest_files import ManifestError, load, load_folders, read

TEXT = """
from nova.sdk.manifests.manifest import CardManifest, KeySpec

MANIFEST = CardManifest(
    manifest_id={id!r},
    manifest_version={version!r},
    view_id={view!r},
    entity_type={entity!r},
    title="T",
    allowed_keys={{"n": KeySpec(type="number")}},
)
"""


def write(
    folder: Path,
    name: str,
    *,
    id: str | None = None,
    version: str = "1.0.0",
    view: str | None = None,
    entity: str | None = None,
) -> Path:
    """A manifest file whose claims are its own name unless said otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.manifest.py"
    path.write_text(
        TEXT.format(id=id or name, version=version, view=view or name, entity=entity or name)
    )
    return path


def ids(folders: list[Path]) -> list[str]:
    """What is found, in its order."""
    return [file.manifest.manifest_id for file in load_folders(folders)]


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    """A-228: whatever order they were written in."""
    for name in ("b", "a.b", "c", "a"):
        write(tmp_path, name)
    assert ids([tmp_path]) == ["a.b", "a", "b", "c"]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    """A-228: only `*.manifest.py` are manifests."""
    write(tmp_path, "a")
    (tmp_path / "b.py").write_text("raise RuntimeError")
    (tmp_path / "c.manifest.txt").write_text("nonsense")
    assert ids([tmp_path]) == ["a"]


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    """The user's folder may be made before its first file."""
    assert load_folders([tmp_path]) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A setting that names no folder is a mistake."""
    with pytest.raises(ManifestError, match=r"cannot read the manifests in .*absent"):
        load_folders([tmp_path / "absent"])


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"entity": "same"}, "entityType 'same'"),
        ({"view": "same"}, "viewId 'same'"),
        ({"id": "same"}, "manifestId and version 'same 1.0.0'"),
    ],
)
def test_a_claim_made_twice_names_both_files(
    tmp_path: Path, claim: dict[str, str], words: str
) -> None:
    """A-230, AMB-49: no last one wins."""
    first = write(tmp_path, "a", **claim)
    second = write(tmp_path, "b", **claim)
    with pytest.raises(ManifestError) as caught:
        load_folders([tmp_path])
    assert str(first) in str(caught.value) and str(second) in str(caught.value)
    assert words in str(caught.value)


def test_a_claim_made_in_two_folders_names_both_files(tmp_path: Path) -> None:
    """A-230: a user's manifest cannot quietly replace a shipped one."""
    first = write(tmp_path / "shipped", "gps")
    second = write(tmp_path / "own", "mine", entity="gps")
    with pytest.raises(ManifestError) as caught:
        load_folders([tmp_path / "shipped", tmp_path / "own"])
    assert str(first) in str(caught.value) and str(second) in str(caught.value)


def test_a_user_manifest_collides_with_what_is_shipped(tmp_path: Path) -> None:
    """A-230, with the real shipped ones."""
    write(tmp_path, "mine", entity="battery")
    with pytest.raises(ManifestError, match=r"battery\.manifest\.py and .*mine\.manifest\.py"):
        load(tmp_path)


def test_a_version_of_the_same_manifest_collides_by_its_view(tmp_path: Path) -> None:
    """A folder holds one version; those before are in the archive."""
    write(tmp_path, "a", id="m", view="v", entity="e")
    write(tmp_path, "b", id="m", view="v", entity="e", version="1.1.0")
    with pytest.raises(ManifestError, match="both claim entityType 'e'"):
        load_folders([tmp_path])


def test_a_file_without_manifest_says_so(tmp_path: Path) -> None:
    """A-229."""
    (tmp_path / "a.manifest.py").write_text("MANIFESTS = 1\n")
    with pytest.raises(ManifestError, match=r"a\.manifest\.py: MANIFEST is absent"):
        load_folders([tmp_path])


def test_a_manifest_of_another_kind_says_so(tmp_path: Path) -> None:
    """A-229: it has to be a CardManifest."""
    (tmp_path / "a.manifest.py").write_text("MANIFEST = {'manifestId': 'a'}\n")
    with pytest.raises(ManifestError, match=r"a\.manifest\.py: MANIFEST is a dict"):
        load_folders([tmp_path])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import absent_module\n", "ModuleNotFoundError: No module named 'absent_module'"),
        ("def (\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_file_that_does_not_run_says_why(tmp_path: Path, text: str, words: str) -> None:
    """The author reads which file, and what Python said."""
    path = tmp_path / "a.manifest.py"
    path.write_text(text)
    with pytest.raises(ManifestError) as caught:
        read(path)
    assert str(path) in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"version": "1.0"}, "manifestVersion"),
        ({"version": "01.0.0"}, "manifestVersion"),
        ({"view": "has space"}, "viewId"),
        ({"entity": "x" * 129}, "entityType"),
    ],
)
def test_members_have_their_form(tmp_path: Path, claim: dict[str, str], words: str) -> None:
    """A-215: semver, and names as the envelopes have them, whatever code has put there."""
    path = write(tmp_path, "a", **claim)
    with pytest.raises(ManifestError, match=words):
        read(path)


def test_an_unsound_manifest_names_the_member(tmp_path: Path) -> None:
    path = tmp_path / "a.manifest.py"
    path.write_text(
        TEXT.format(id="a", version="1.0.0", view="a", entity="a").replace('"number"', '"enum"')
    )
    with pytest.raises(ManifestError, match=r"allowedKeys\.n\.labels"):
        read(path)


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    """A-233: discovery is deterministic."""
    for name in ("b", "a"):
        write(tmp_path, name)
    assert load_folders([tmp_path]) == load_folders([tmp_path])


def test_what_is_shipped_is_sound() -> None:
    """A-227: several ship, and a default card among them (A-231)."""
    found = {file.manifest.manifest_id: file.manifest for file in load()}
    assert {"gps", "battery", "temperature", "attitude", "link", "default-card"} <= set(found)
    assert all(isinstance(manifest, CardManifest) for manifest in found.values())


def test_shipped_cards_show_what_they_allow() -> None:
    """A key that a card allows and never shows would be lost to who looks at it; controls need some
    that say nothing by themselves.
    """
    for _, manifest in load():
        shown = {key for group in manifest.layout.card for key in group.rows}
        shown |= {manifest.layout.name or "*"}
        for control in manifest.layout.controls:
            shown |= {*control.members.values(), *control.shown_if}
            shown |= {field.begins_with or "*" for field in control.fields.values()}
        assert shown - {"*"} == set(manifest.allowed_keys) - {"*"}, manifest.manifest_id


def test_the_shipped_folder_is_found_by_an_entry_point() -> None:
    """The sdk imports no Core."""
    assert [folder.name for folder in manifest_files.shipped_folders()] == ["manifests"]
