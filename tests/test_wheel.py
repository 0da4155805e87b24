"""The wheel: a stranger installs it into an empty environment, and the demo runs without Node."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest

from nova.sdk import timestamps
from nova.sdk.client.client import Client, login
from nova.sdk.protocol.messages import Filters
from nova.testkit.running_nova import FREE_PORT, PASSWORD
from tests.fetched_wheels import constraints, fetched
from tests.test_tidy import ROOT, tracked

pytestmark = [pytest.mark.timeout(480), pytest.mark.usefixtures("public_authorities")]
BUILD_TIMEOUT_S = 150
INSTALL_TIMEOUT_S = 170
SOURCES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE")
BUILDING = "hatchling>=1.27"
PACKAGES = ("core", "edge", "sdk", "transport_kafka", "transport_mqtt", "transport_nats")

HELPS = """
from click.testing import CliRunner
from nova.cli.main import nova
for name in names:
    if CliRunner().invoke(nova, [name, "--help"], catch_exceptions=False).exit_code == 0:
        print(name)
"""


def copied(folder: Path, *, page: bool) -> Path:
    """What a wheel is built from, in a folder of its own, with the built page or without it."""
    for file in tracked(*SOURCES, *PACKAGES):
        place = folder / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)
    if page:
        shutil.copytree(
            ROOT / "edge/nova/edge/static", folder / "edge/nova/edge/static", dirs_exist_ok=True
        )
    return folder


def build(
    sources: Path, into: Path, *projects: str, only: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`pip wheel`, as anybody would, or with a folder of wheels in the place of an index."""
    command = [
        *(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(into)),
        *only_from(only),
        *projects,
    ]
    return subprocess.run(
        command, cwd=sources, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S
    )


def only_from(folder: Path | None) -> tuple[str, ...]:
    """The options of pip that have it look into a folder in the place of an index."""
    return () if folder is None else ("--no-index", "--find-links", str(folder))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = copied(folder / "sources", page=True)
    done = build(sources, folder, "./sdk", ".", only=fetched(BUILDING))
    assert done.returncode == 0, done.stderr
    assert len(list(folder.glob("*.whl"))) == 2
    (found,) = folder.glob("nova_truth-*.whl")
    return found


def test_a_wheel_holds_the_page_and_the_licence(wheel: Path) -> None:
    """What runs is in it, and under which terms."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "nova/edge/static/index.html" in names
    assert {Path(name).suffix for name in names if name.startswith("nova/edge/static/assets/")} >= {
        ".js",
        ".css",
    }
    assert [name for name in names if name.endswith("dist-info/licenses/LICENSE")]
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


@pytest.mark.slow
def test_a_wheel_without_the_page_is_refused_in_words(tmp_path: Path) -> None:
    """It would install an edge whose page says that it was not built."""
    done = build(copied(tmp_path / "sources", page=False), tmp_path, ".")
    assert done.returncode != 0
    assert "make wheel" in done.stdout + done.stderr
    assert list(tmp_path.glob("*.whl")) == []


def environment_with(folder: Path, wheel: Path, extra: str = "", only: Path | None = None) -> Path:
    """The programs of a new environment with a wheel, an extra and their dependencies only."""
    venv.create(folder / "venv")
    programs = folder / "venv" / "bin"
    locked = folder / "constraints.txt"
    locked.write_text(constraints())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(programs / "python")),
            *("install", "-q", "--no-compile", "--constraint", str(locked)),
            *("--find-links", str(wheel.parent), *only_from(only), f"{wheel}{extra}"),
        ],
        check=True,
        cwd=folder,
        timeout=INSTALL_TIMEOUT_S,
    )
    return programs


@pytest.fixture(scope="module")
def needed(wheel: Path) -> Path:
    """The folder with what the wheels of this checkout need."""
    return fetched(beside=wheel.parent)


@pytest.fixture(scope="module")
def installed(wheel: Path, needed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with all of NOVA."""
    return environment_with(tmp_path_factory.mktemp("empty"), wheel, only=needed)


def run_python(programs: Path, code: str) -> subprocess.CompletedProcess[str]:
    """A program of an environment, away from any checkout."""
    command = [str(programs / "python"), "-P", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=programs)


def test_everything_is_below_nova(installed: Path) -> None:
    """The names core, edge and sdk belong to whoever installs NOVA."""
    for name in ("core", "edge", "sdk"):
        assert "ModuleNotFoundError" in run_python(installed, f"import {name}").stderr
        assert run_python(installed, f"import nova.{name}").returncode == 0


def test_the_sdk_alone_is_small(wheel: Path, needed: Path, tmp_path: Path) -> None:
    """What an integrator installs beside a program: the contract and three libraries."""
    (own,) = wheel.parent.glob("nova_sdk-*.whl")
    programs = environment_with(tmp_path, own, only=needed)
    listed = run_python(
        programs,
        "from importlib.metadata import distributions as d; print(*(x.name for x in d()))",
    )
    assert sorted(listed.stdout.split()) == ["msgspec", "nova-sdk", "orjson", "rfc8785"]
    code = "import nova.sdk.producer; from nova.sdk import *; Producer, check; help('nova.sdk')"
    done = run_python(programs, code)
    assert done.returncode == 0, done.stderr
    assert "They need aiohttp, which" in done.stdout
    assert "nova-sdk[client]==" in run_python(programs, "from nova.sdk import Client").stderr
    for arguments in (["--help"], ["--version"], ["up"]):
        assert_refused(programs, arguments, "nova-sdk[cli]==")


def assert_refused(programs: Path, arguments: list[str], installing: str) -> None:
    """`nova` says in one line of an error what to install, and ends with 2."""
    done = subprocess.run([programs / "nova", *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr.count("\n") == 1
        and f"pip install --find-links dist '{installing}" in done.stderr
    )


@pytest.mark.slow
def test_the_sdk_with_commands_names_what_brings_the_others(wheel: Path, tmp_path: Path) -> None:
    """A client's command line: its help lists what runs, and the rest names its distribution."""
    (own,) = wheel.parent.glob("nova_sdk-*.whl")
    programs = environment_with(tmp_path, own, "[cli]")
    shown = subprocess.run([programs / "nova", "--help"], capture_output=True, text=True).stdout
    listed = set(re.findall(r"^  ([a-z]+)  +[A-Z]", shown, re.MULTILINE))
    servers = {"core", "demo", "edge", "files", "rebuild", "retention", "up", "users"}
    assert {"chat", "command", "query", "tail"} <= listed and not servers & listed
    for name in sorted(servers):
        assert_refused(programs, [name, "--help"], "nova-truth==")
    helped = run_python(programs, f"names = {sorted(listed)}\n{HELPS}")
    assert helped.stdout.split() == sorted(listed), helped.stderr


@contextmanager
def demo_of(programs: Path, home: Path) -> Iterator[str]:
    """`nova demo` where nothing else can be found: no Node, no checkout; yields its address."""
    environment = {"PATH": str(programs), "HOME": str(home), "NOVA_ADMIN_PASSWORD": PASSWORD}
    assert not any(shutil.which(name, path=environment["PATH"]) for name in ("node", "npm"))
    process = subprocess.Popen(
        [programs / "nova", "demo", *FREE_PORT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=home,
        env=environment,
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield msgspec.json.decode(line, type=dict[str, str])["url"]
        finally:
            process.terminate()
            process.wait(60)


def page_of(url: str) -> list[str]:
    """What the page loads, each of it fetched."""
    with urlopen(url) as answer:
        text = answer.read().decode()
    names = re.findall(r'(?:src|href)="(/?assets/[^"]+)"', text)
    for name in names:
        with urlopen(f"{url}/{name.lstrip('/')}") as answer:
            assert answer.status == 200
    return names


async def voltage_now(url: str, begun: str) -> object:
    """The next voltage of the satellite's battery."""
    battery = Filters(unique_id="battery", lanes=["ui"])
    token = await login(url, "admin", PASSWORD)
    async with await Client.to_edge(url, token) as client:
        async for chunk in client.stream("LIVE", start_time=begun, filters=battery):
            for event in chunk.events:
                data = msgspec.json.decode(event, type=dict[str, object])["data"]
                assert isinstance(data, dict)
                if "voltage" in data:
                    return data["voltage"]
    raise AssertionError("the stream ended")


def test_the_demo_runs_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    """The page is served, and the satellite publishes values over time."""
    with demo_of(installed, tmp_path) as url:
        names = page_of(url)
        assert {Path(name).suffix for name in names} == {".js", ".css"}
        begun = timestamps.text(timestamps.now())
        voltage = asyncio.run(voltage_now(url, begun))
        assert isinstance(voltage, float)
        assert 20 < voltage < 40
