"""Files that people write: one that cannot be parsed is one error that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.backup.extra_files import copied_settings
from nova.core.definitions import definition_files
from nova.core.notifications.notification_file import read_notifications
from nova.hardware import hardware_config
from nova.sdk import settings
from nova.sdk.alarms.alarm_rule_files import read_rules
from nova.sdk.errors import NovaError

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
