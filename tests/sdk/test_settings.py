"""Settings come from a file, the environment and the caller, and are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdk import settings
from sdk.errors import SettingsError


def test_later_sources_win(tmp_path: Path) -> None:
    """A-032: file, then environment, then what was given."""
    file = tmp_path / "nova.toml"
    file.write_text('scope = "file"\nlisten = "127.0.0.1:1"\ncommit_max_events = 7\n')
    environment = {"NOVA_SCOPE": "environment", "NOVA_LISTEN": "127.0.0.1:2"}
    found = settings.load(file, environment, listen="127.0.0.1:3", data=None)
    assert (found.scope, found.listen, found.commit_max_events) == ("environment", "127.0.0.1:3", 7)


def test_settings_survive_the_environment() -> None:
    """What a parent was told reaches its children whole."""
    chosen = settings.load(
        None, {}, mode="ground", transports=("kafka://a:1", "local:///b"), chunk_max_events=9
    )
    assert settings.load(None, settings.as_environment(chosen)) == chosen


def test_modes_decide_scope_and_timebase() -> None:
    """A-030, A-035, A-286: a payload takes its scope in source time, ground all in receive time."""
    payload = settings.load(None, {}, scope="sat")
    ground = settings.load(None, {}, mode="ground")
    assert (payload.subscribed_scope(), payload.chosen_timebase()) == ("sat", "source")
    assert (ground.subscribed_scope(), ground.chosen_timebase()) == (None, "canonical")
    assert settings.load(None, {}, mode="ground", timebase="source").chosen_timebase() == "source"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "scope"),
        ({"scope": "a.b"}, "scope"),
        ({"scope": "a", "mode": "moon"}, "mode"),
        ({"scope": "a", "commit_max_events": 0}, "commit_max_events"),
        ({"scope": "a", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given: dict[str, object], named: str) -> None:
    """A wrong setting stops the start, in words."""
    with pytest.raises(SettingsError, match=named):
        settings.load(None, {}, **given)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    """So are a file that is not there and one that cannot be read."""
    file = tmp_path / "nova.toml"
    with pytest.raises(SettingsError, match="cannot read"):
        settings.load(file, {})
    file.write_text("= nonsense")
    with pytest.raises(SettingsError, match="not TOML"):
        settings.load(file, {})
