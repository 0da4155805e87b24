"""Settings come from a file, the environment and the caller, and are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.sdk import settings
from nova.sdk.errors import SettingsError


def test_later_sources_win(tmp_path: Path) -> None:
    """A-032: file, then environment, then what was given."""
    file = tmp_path / "nova.toml"
    file.write_text('scope = "file"\nlisten = "127.0.0.1:1"\ncommit_max_events = 7\n')
    environment = {"NOVA_SCOPE": "environment", "NOVA_LISTEN": "127.0.0.1:2"}
    found = settings.load(file, environment, listen="127.0.0.1:3", data=None)
    assert (found.scope, found.listen, found.commit_max_events) == ("environment", "127.0.0.1:3", 7)


def test_settings_survive_the_environment() -> None:
    """What a parent was given reaches its children whole."""
    chosen = settings.load(
        None, {}, mode="ground", transports=("kafka://a:1", "local:///b"), chunk_max_events=9
    )
    assert settings.load(None, settings.as_environment(chosen)) == chosen


@pytest.mark.parametrize(
    "transports",
    [
        ("kafka://a:9092,b:9092",),
        ("kafka://a:9092,b:9092,c", "local:///var/lib/nova", "kafka://d,e?partitions=3"),
        ("local:///a,b/c",),
    ],
)
def test_urls_with_commas_survive_the_environment(transports: tuple[str, ...]) -> None:
    """A-032: a cluster of several brokers is one URL, for children too."""
    chosen = settings.load(None, {}, mode="ground", transports=transports)
    assert settings.load(None, settings.as_environment(chosen)).transports == transports


def test_the_environment_is_read_as_people_write_it() -> None:
    """A-032: numbers are numbers, empty is absent, what is not ours is not looked at."""
    environment = {
        "NOVA_SCOPE": "sat",
        "NOVA_TRANSPORTS": "kafka://a:1, local:///b",
        "NOVA_COMMIT_MAX_EVENTS": "77",
        "NOVA_TIMEBASE": "",
        "NOVA_ADMIN_PASSWORD": "secret",
        "HOME": "/root",
    }
    found = settings.load(None, environment)
    assert found.transports == ("kafka://a:1", "local:///b")
    assert (found.commit_max_events, found.timebase) == (77, None)
    assert "secret" not in str(settings.as_environment(found))


def test_every_setting_has_its_help() -> None:
    """A-032: one table feeds the command line, the environment and the docs."""
    assert set(settings.HELP) == set(settings.Settings.__struct_fields__)


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
        ({"scope": "a", "backup_at": "24:00"}, "backup_at: '24:00' is not a time of day"),
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
    file.write_bytes(b'scope = "\xff"')
    with pytest.raises(SettingsError, match="not TOML"):
        settings.load(file, {})
    file.write_text("= nonsense")
    with pytest.raises(SettingsError, match="not TOML"):
        settings.load(file, {})


def test_allowed_hosts_are_names() -> None:
    """They come from the environment too, and go back into it for the processes."""
    found = settings.load(
        environment={"NOVA_SCOPE": "s", "NOVA_ALLOWED_HOSTS": "a.example, *.b.example"}
    )
    assert found.allowed_hosts == ("a.example", "*.b.example")
    assert settings.as_environment(found)["NOVA_ALLOWED_HOSTS"] == "a.example,*.b.example"
    with pytest.raises(SettingsError, match="allowed_hosts: 'https://a'"):
        settings.load(environment={"NOVA_SCOPE": "s", "NOVA_ALLOWED_HOSTS": "https://a"})


def test_origins_are_those_that_browsers_send() -> None:
    """Scheme, name and port, and nothing behind them."""
    found = settings.load(
        environment={"NOVA_SCOPE": "s", "NOVA_CORS_ORIGINS": "https://a.example,http://[::1]:3000"}
    )
    assert found.cors_origins == ("https://a.example", "http://[::1]:3000")
    for wrong in ("a.example", "https://A.example/", "https://a.example/", "*", "file://x"):
        with pytest.raises(SettingsError, match="cors_origins"):
            settings.load(environment={"NOVA_SCOPE": "s", "NOVA_CORS_ORIGINS": wrong})


def test_trusted_proxies_are_addresses_and_networks() -> None:
    """In the variable they are parted by commas, and reach the edge the same way."""
    environment = {"NOVA_TRUSTED_PROXIES": "10.0.0.0/8, ::1", "NOVA_SCOPE": "sat"}
    found = settings.load(None, environment)
    assert found.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.as_environment(found)["NOVA_TRUSTED_PROXIES"] == "10.0.0.0/8,::1"
    with pytest.raises(SettingsError, match=r"trusted_proxies: 'proxy\.example'"):
        settings.load(None, {"NOVA_TRUSTED_PROXIES": "proxy.example", "NOVA_SCOPE": "sat"})
