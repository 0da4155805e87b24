"""What is wrong in a notification file is named with its place and remedy, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.notifications.notification_file import (
    NotificationFileError,
    check_notifications,
    read_notifications,
)

SECRET = "0123456789abcdef"
HOOK = f'[[targets]]\nname = "hook"\nwebhook = "https://example.org/x"\nsecret = "{SECRET}"\n'
RULE = '[[rules]]\nname = "all"\ntargets = ["hook"]\n'


def write(folder: Path, text: str, name: str = "notifications.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    file = read_notifications(
        write(
            tmp_path,
            HOOK + RULE + 'minSeverity = "critical"\n'
            'quiet = { from = "22:00", to = "06:00", timeZone = "Europe/Berlin" }\n'
            'escalate = { afterS = 300, targets = ["hook"] }\n',
        )
    )
    assert (file.max_age_s, file.targets[0].attempts_max) == (300.0, 5)
    assert file.rules[0].quiet is not None


def test_a_json_file_is_read(tmp_path: Path) -> None:
    text = '{"targets": [], "rules": [], "maxAgeS": 60}'
    assert read_notifications(write(tmp_path, text, "notifications.json")).max_age_s == 60.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("targets = [", "is not TOML"),
        (HOOK, "Object missing required field `rules`"),
        (HOOK + RULE + "groups = 1\n", "rule all: Object contains unknown field `groups`"),
        (HOOK + RULE.replace('"hook"', '"pager"'), "rule all: targets: no target is named 'pager'"),
        (HOOK + HOOK + RULE, "target hook: the name is given twice"),
        (HOOK.replace("webhook", "url") + RULE, "target hook: secret: only web hooks are signed"),
        (HOOK.replace(SECRET, "short") + RULE, "secret: is missing or short"),
        (HOOK.replace(SECRET, "whsec_" + "ä" * 16) + RULE, "secret: has characters beyond ASCII"),
        (HOOK.replace("https", "ftp") + RULE, "webhook: is no URL that begins with https://"),
        (
            HOOK + RULE + 'quiet = { from = "22:00", to = "6", timeZone = "Europe/Atlantis" }\n',
            "rule all: quiet.timeZone: 'Europe/Atlantis' is unknown",
        ),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(NotificationFileError) as caught:
        read_notifications(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    text = '[[targets]]\nname = 7\nattempts = 0\n[[rules]]\nname = "all"\ntargets = []\nquiet = 1\n'
    file, faults = check_notifications(write(tmp_path, "maxAgeS = 0\n" + text))
    assert file is None
    begins = ["maxAgeS: ", "target 1: name: ", "target 1: attempts: ", "rule all: targets: "]
    assert len(faults) == 5
    for fault, begin in zip(faults, [*begins, "rule all: quiet: "], strict=True):
        assert fault.startswith(begin)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotificationFileError, match=r"none\.toml: cannot be read: "):
        read_notifications(tmp_path / "none.toml")
