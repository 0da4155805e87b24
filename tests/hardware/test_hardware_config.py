"""The configuration: one file, and one clear error for each thing that can be wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.hardware import hardware_config as configs
from nova.sdk.errors import SettingsError

GOOD = """
scope = "sat1"
transports = ["local:///var/lib/nova"]
data = "/var/lib/hardware"
[devices.satellite]
type = "simulator"
seed = 7
command_timeout_s = 90
[devices.gps]
type = "line"
source = "tcp://127.0.0.1:2947"
silence_max_s = 5.5
"""


def written(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "hardware.toml"
    path.write_text(text)
    return path


def test_devices_get_their_own_members(tmp_path: Path) -> None:
    """What is not the host's is the plug-in's."""
    config = configs.load(written(tmp_path, GOOD))
    satellite, gps = config.devices
    assert (config.scope, config.transports) == ("sat1", ("local:///var/lib/nova",))
    assert satellite.options == {"seed": 7}
    assert (satellite.command_timeout_s, satellite.silence_max_s) == (90, None)
    assert (gps.command_timeout_s, gps.silence_max_s) == (60, 5.5)
    assert config.setup(gps).folder == Path("/var/lib/hardware/devices/gps")


def test_the_caller_decides_over_the_file(tmp_path: Path) -> None:
    """As `--scope`, `--to` and `--data` do."""
    config = configs.load(
        written(tmp_path, GOOD), scope="sat2", transports=("a://", "b://"), data=tmp_path
    )
    assert (config.scope, config.transports, config.data) == ("sat2", ("a://", "b://"), tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scope = ", "not TOML"),
        (GOOD.replace('"local:///var/lib/nova"', '"a://b", "a://b"'), "listed twice"),
        (GOOD.replace('scope = "sat1"', ""), "`scope` is missing"),
        (GOOD.replace('transports = ["local:///var/lib/nova"]', ""), "`transports` is missing"),
        (GOOD.replace('data = "/var/lib/hardware"', ""), "`data` is missing"),
        (GOOD.replace("sat1", "sat 1"), "scope 'sat 1' is not"),
        (GOOD.replace("[devices.gps]", '[devices."g p s"]'), "'g p s' is not"),
        (GOOD.replace('type = "line"', 'type = "telepathy"'), "ccsds, file, line, simulator"),
        (GOOD.replace('type = "line"', ""), "devices.gps: Object missing required field `type`"),
        (GOOD.replace("5.5", "0"), "devices.gps"),
        ("colour = 1\n" + GOOD, "colour"),
        ("buffer_mib = 1\n" + GOOD, "buffer_mib"),
        ('scope = "a"\ntransports = ["b"]\ndata = "c"', "[devices.<name>]"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    """The file, the member and the rule."""
    with pytest.raises(SettingsError) as raised:
        configs.load(written(tmp_path, text))
    assert "hardware.toml" in str(raised.value)
    assert words in str(raised.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(SettingsError, match=r"cannot read .*none\.toml"):
        configs.load(tmp_path / "none.toml")


def test_a_plug_in_that_refuses_its_options_is_named(tmp_path: Path) -> None:
    """Before anything runs."""
    text = GOOD.replace("seed = 7", 'seed = "seven"')
    config = configs.load(written(tmp_path, text), data=tmp_path)
    with pytest.raises(SettingsError, match=r"devices\.satellite: .*seed"):
        configs.make_device(config, config.devices[0])


@pytest.mark.parametrize(
    ("processes", "devices", "cores", "has_own"),
    [
        ("", 2, 4, True),
        ("", 2, 3, False),
        ("", 1, 64, False),
        ("", 8, 8, True),
        ("", 9, 8, False),
        ('processes = "auto"', 2, 4, True),
        ('processes = "one"', 2, 64, False),
        ('processes = "device"', 1, 1, True),
    ],
)
def test_devices_have_processes_where_cores_allow(
    tmp_path: Path, processes: str, devices: int, cores: int, has_own: bool
) -> None:
    """Unless the file decides."""
    tables = "".join(f'[devices.d{one}]\ntype = "simulator"\n' for one in range(devices))
    text = f'scope = "s"\ntransports = ["local:///n"]\ndata = "/d"\n{processes}\n{tables}'
    assert configs.load(written(tmp_path, text)).has_device_processes(cores) is has_own
