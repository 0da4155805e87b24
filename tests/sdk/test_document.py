"""Files that people write: one that cannot be read or parsed is one error that names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.backup.extra_files import copied_settings
from nova.core.definitions import definition_files
from nova.core.notifications.notification_file import read_notifications
from nova.core.store.roots_file import read_roots
from nova.hardware import hardware_config
from nova.recordings.xtce import XtceDefinition
from nova.sdk import default_view, durable, settings
from nova.sdk.alarms.alarm_rule_files import read_rules
from nova.sdk.errors import NovaError
from nova.sdk.manifests import manifest_files
from nova.sdk.regular_file import read_regular

DEPTH = 100_000
UNPARSABLE = {
    "deep.toml": b"a = " + b"[" * DEPTH,
    "deep.json": b'{"a": ' + b"[" * DEPTH,
    "long.toml": b"a = " + b"1" * 5_000,
    "cut.json": b"{",
    "latin.toml": b"a = '\xe9'",
}


def copy_settings(path: Path) -> None:
    copied_settings(path, path.parent)


def use_definition(path: Path) -> None:
    (fault,) = definition_files.load_files([path]).faults
    raise NovaError(str(fault))


READERS: dict[str, Callable[[Path], object]] = {
    "definition": use_definition,
    "rules": read_rules,
    "notifications": read_notifications,
    "settings": lambda path: settings.load(config=path),
    "hardware": hardware_config.load,
    "backup": copy_settings,
}


@pytest.mark.parametrize("name", UNPARSABLE)
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_cannot_be_parsed_is_named(tmp_path: Path, reader: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(UNPARSABLE[name])
    with pytest.raises(NovaError, match=r"is not (TOML|JSON): .") as caught:
        READERS[reader](path)
    assert str(path) in str(caught.value) and len(str(caught.value)) < 400


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def too_long(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(128 * 1024 * 1024)  # It takes no space.


OTHER_KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "fifo.toml": (fifo, "it is a FIFO: name a regular file"),
    "zero.json": (endless, "it is a character device: name a regular file"),
    "folder.toml": (Path.mkdir, "it is a folder: name a regular file"),
    "long.toml": (too_long, r"it has more than \d+ bytes: shorten or divide it"),
}
NAMED_FILES = {**READERS, "default view": default_view.load}
UNBOUNDED: dict[str, Callable[[Path], object]] = {
    "roots": read_roots,
    "manifest": manifest_files.read,
    "xtce": XtceDefinition,
    "stored": durable.read,
}


@pytest.mark.parametrize("name", OTHER_KINDS)
@pytest.mark.parametrize("reader", NAMED_FILES)
def test_only_a_regular_file_within_the_limit_is_read(
    tmp_path: Path, reader: str, name: str
) -> None:
    path = tmp_path / name
    make, words = OTHER_KINDS[name]
    make(path)
    with pytest.raises(NovaError, match=words) as caught:
        NAMED_FILES[reader](path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("reader", UNBOUNDED)
def test_what_has_no_limit_is_read_from_a_regular_file_too(tmp_path: Path, reader: str) -> None:
    for name in ("fifo.toml", "zero.json"):
        make, words = OTHER_KINDS[name]
        make(tmp_path / name)
        with pytest.raises((NovaError, OSError), match=words):
            UNBOUNDED[reader](tmp_path / name)


def test_a_file_of_the_limit_and_one_through_a_link_are_read(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_bytes(b"x" * 9)
    link.symlink_to(path)
    assert read_regular(link, 9) == b"x" * 9
    with pytest.raises(OSError, match="more than 8 bytes"):
        read_regular(link, 8)
