"""Settings: one table with help texts; from `nova.toml`, then `NOVA_*`, then the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from nova.sdk.address import is_id
from nova.sdk.alarm_settings import ALARM_HELP
from nova.sdk.backup_settings import BACKUP_HELP, minute_of_day
from nova.sdk.document import DocumentError, read_toml
from nova.sdk.errors import SettingsError
from nova.sdk.events.event import ENVELOPE_MAX_BYTES
from nova.sdk.files_settings import FILES_HELP, FILES_MAX, FilesCompression
from nova.sdk.oidc_settings import OIDC_HELP, OIDC_LISTS, OidcSettings, check_oidc
from nova.sdk.request_limit import request_limits
from nova.sdk.retention_rule import retention_rules
from nova.sdk.web_origins import web_origins

MIB = 1024 * 1024
ENV_PREFIX = "NOVA_"
LIST_SEPARATOR = ","
LISTS = (
    *("drivers", "trusted_proxies", "allowed_hosts", "cors_origins", "limits", "retention"),
    *OIDC_LISTS,
)
_URL_SEPARATOR = re.compile(r"\s*,\s*(?=[a-z][a-z0-9+.-]*://)")
"""The separator of transport URLs; a single URL may contain commas between its brokers."""

ANY_HOST = "*"
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.ASCII)

DRAIN_S = 10.0
DRAIN_MAX_S = 3_600.0

GROUND_SCOPE = "ground"
"""The default scope of a ground Core."""

SHIPPED_DRIVERS = ("rawBinary", "positionCsv", "jsonl")
DEFAULT_DRIVERS: tuple[str, ...] = SHIPPED_DRIVERS
NO_DRIVERS = ("none",)
FURTHER_HELP = {**FILES_HELP, **ALARM_HELP, **BACKUP_HELP, **OIDC_HELP}

ProxyNetwork = IPv4Network | IPv6Network

Mode = Literal["payload", "ground"]
Timebase = Literal["source", "canonical"]


class Settings(OidcSettings, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The settings of one instance; `HELP` documents the members."""

    data: str = "./nova-data"
    group: str | None = None
    archive: str | None = None
    mode: Mode = "payload"
    scope: str | None = None
    transports: tuple[str, ...] = ()
    timebase: Timebase | None = None
    listen: str = "127.0.0.1:8800"
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    open_metrics: bool = False
    envelope_max_bytes: Annotated[int, Meta(ge=1024, le=64 * MIB)] = ENVELOPE_MAX_BYTES
    commit_max_events: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    commit_max_bytes: Annotated[int, Meta(ge=64 * 1024, le=16 * MIB)] = 2 * MIB
    feed_keep_events: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000
    memory_mib: Annotated[int, Meta(ge=32, le=1_048_576)] = 512
    chunk_max_events: Annotated[int, Meta(ge=1, le=10_000)] = 1_500
    chunk_interval_ms: Annotated[int, Meta(ge=10, le=1_000)] = 50
    manifests: str | None = None
    alarm_rules: str | None = None
    definitions: str | None = None
    notifications: str | None = None
    default_view: str | None = None
    displays: str | None = None
    commands_require_descriptor: bool = True
    drivers: tuple[str, ...] | None = None
    files: str | None = None
    files_compression: FilesCompression = "zstd"
    files_max: Annotated[int, Meta(ge=16, le=10_000_000)] = FILES_MAX
    answers_mib: Annotated[int, Meta(ge=4, le=65_536)] = 64
    export_processes: Annotated[int, Meta(ge=1, le=64)] = 2
    exports_max: Annotated[int, Meta(ge=1, le=64)] = 2
    export_max_mib: Annotated[int, Meta(ge=1, le=1_048_576)] = 65_536
    exports_mib: Annotated[int, Meta(ge=1, le=1_073_741_824)] = 131_072
    reserve_mib: Annotated[int, Meta(ge=0, le=1_073_741_824)] = 1_024
    backup_to: str | None = None
    backup_at: str | None = None
    backup_interval_h: Annotated[float, Meta(gt=0, le=8_760)] = 24.0
    backup_keep: Annotated[int, Meta(ge=1, le=100_000)] = 30
    backup_with_users: bool = False
    export_keep_h: Annotated[float, Meta(gt=0, le=8_760)] = 24.0
    drain_s: Annotated[float, Meta(ge=0, le=DRAIN_MAX_S)] = DRAIN_S
    hung_restart_s: Annotated[float, Meta(ge=0, le=86_400)] = 30.0
    log_file: str | None = None
    log_file_max_mib: Annotated[int, Meta(ge=1, le=65_536)] = 64
    log_keep_days: Annotated[float, Meta(gt=0, le=36_500)] = 30.0
    log_keep_mib: Annotated[int, Meta(ge=1, le=1_048_576)] = 1_024
    retention: tuple[str, ...] = ()
    retention_export: str | None = None

    def data_folder(self) -> Path:
        return Path(self.data)

    def manifests_folder(self) -> Path | None:
        return None if self.manifests is None else Path(self.manifests)

    def chosen_timebase(self) -> Timebase:
        """The timebase of requests that name none: source on a payload, canonical on ground."""
        return self.timebase or ("source" if self.mode == "payload" else "canonical")

    def subscribed_scope(self) -> str | None:
        """The only scope to consume; None for all."""
        return None if self.mode == "ground" else self.scope

    def memory_bytes(self) -> int:
        """The memory limit of the store in one process."""
        return self.memory_mib * MIB

    def chosen_drivers(self) -> tuple[str, ...]:
        """The drivers to bind streams to, in order of preference; empty without daily files."""
        if self.drivers == NO_DRIVERS:
            return ()
        return DEFAULT_DRIVERS if self.drivers is None else self.drivers

    def files_folder(self) -> Path:
        return Path(self.files) if self.files else self.data_folder() / "files"

    def own_scope(self) -> str:
        """The scope of events that this instance writes itself, such as the gaps of a link."""
        return self.scope or GROUND_SCOPE


class SettingHelp(NamedTuple):
    """The purpose of a setting, in one sentence."""

    text: str


HELP: Mapping[str, SettingHelp] = {
    "data": SettingHelp("Folder of the archive and of all that this instance keeps."),
    "group": SettingHelp(
        "Unix group whose members may read the archive and the daily files, to replay, verify and "
        "copy them; nobody else may if absent."
    ),
    "archive": SettingHelp(
        "Id of the archive to serve; if the data folder holds another archive or none, NOVA does "
        "not start."
    ),
    "mode": SettingHelp("`payload` consumes one scope, `ground` consumes every scope."),
    "scope": SettingHelp(
        "The scope that a payload is the authority of, required unless the mode is `ground`; on "
        "ground the scope of the events that the instance itself writes."
    ),
    "transports": SettingHelp("URLs to consume from; none means the embedded local transport."),
    "timebase": SettingHelp("Timebase of requests that name none; by mode if absent."),
    "listen": SettingHelp("HOST:PORT of the edge; port 0 picks a free one."),
    "trusted_proxies": SettingHelp(
        "Addresses or networks of the proxies in front of the edge. X-Forwarded-For and Forwarded "
        "are trusted from these alone."
    ),
    "allowed_hosts": SettingHelp(
        "Additional host names that the edge answers to, `*.NAME` for all below one, `*` for any; "
        "its own name, loopback names and addresses are always allowed."
    ),
    "cors_origins": SettingHelp(
        "Origins of web pages of other sites that may read over HTTP; none if absent."
    ),
    "limits": SettingHelp(
        "Most requests of each user or key in any span of seconds, KIND=COUNT/SECONDS, over all "
        "edges of the archive together."
    ),
    "open_metrics": SettingHelp("Whether `/metrics` needs no key from programs of this machine."),
    "envelope_max_bytes": SettingHelp("Largest accepted envelope; a larger one is rejected."),
    "commit_max_events": SettingHelp("Maximum number of events in one commit."),
    "commit_max_bytes": SettingHelp("Maximum number of bytes in one commit."),
    "feed_keep_events": SettingHelp("Number of newest events that a reader keeps in memory."),
    "memory_mib": SettingHelp("Memory of the store per process: caches and memtables."),
    "chunk_max_events": SettingHelp("Maximum number of events in one stream chunk."),
    "chunk_interval_ms": SettingHelp("Maximum time between two chunks while a stream plays."),
    "manifests": SettingHelp("Folder of your own card manifests, in addition to the shipped ones."),
    "definitions": SettingHelp("Folder of definitions of derived telemetry; none derives nothing."),
    "default_view": SettingHelp("File of the view that screens open with until users change it."),
    "displays": SettingHelp("Folder of displays that every user sees and nobody changes."),
    "commands_require_descriptor": SettingHelp(
        "Whether a command requires a descriptor of its target in effect; if it does not and there "
        "is none, the command itself names systemId and containerId."
    ),
    "answers_mib": SettingHelp(
        "Memory of a reader for replies and stream chunks that are not sent yet; when it is full, "
        "requests are answered `busy`."
    ),
    "export_processes": SettingHelp("Number of processes per export."),
    "exports_max": SettingHelp("Maximum number of concurrent exports; further ones are refused."),
    "export_max_mib": SettingHelp("Maximum size of an export; one that exceeds it fails."),
    "exports_mib": SettingHelp(
        "Maximum total size of kept exports; the oldest are removed first, and one that would "
        "exceed it fails."
    ),
    "reserve_mib": SettingHelp(
        "Free disk space that exports, daily files, derived data and backups leave to the "
        "archive on the same disk."
    ),
    "export_keep_h": SettingHelp("How long a finished export can be downloaded."),
    "drain_s": SettingHelp(
        "How long a stop waits for requests, exports and commands that are under way."
    ),
    "hung_restart_s": SettingHelp(
        "How long a process may hang until `nova up` kills and restarts it; 0 for never."
    ),
    "log_file": SettingHelp(
        "File to which `nova up` writes the logs of all its processes; stderr if absent."
    ),
    "log_file_max_mib": SettingHelp(
        "Size at which the log file is rotated; it is also rotated at each UTC day."
    ),
    "log_keep_days": SettingHelp("How long rotated logs are kept."),
    "log_keep_mib": SettingHelp(
        "Maximum total size of rotated logs, compressed; the oldest are removed first."
    ),
    "retention": SettingHelp(
        "Rules SCOPE/LANE AGE [files]; the first that matches counts: sealed days that are older "
        "are deleted, with the word `files` their daily files too. None keeps everything."
    ),
    "retention_export": SettingHelp(
        "Folder to which each day is exported, and read back, before retention deletes it."
    ),
    **{n: SettingHelp(t) for n, t in FURTHER_HELP.items()},
}


def load(
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **given: object,
) -> Settings:
    """Settings from a file, the environment and the caller; later ones override. Raises
    SettingsError.
    """
    values: dict[str, object] = _from_file(config) if config is not None else {}
    values |= _from_environment(os.environ if environment is None else environment)
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}; see docs/settings.md") from None
    _check(settings)
    return settings


def load_oidc(environment: Mapping[str, str]) -> OidcSettings:
    """The settings about OpenID Connect, from the environment alone; raises SettingsError."""
    values = _from_environment(environment)
    given = {name: value for name, value in values.items() if name in OIDC_HELP}
    try:
        settings = msgspec.convert(given, OidcSettings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}; see docs/settings.md") from None
    check_oidc(settings)
    return settings


def proxy_networks(texts: Iterable[str]) -> tuple[ProxyNetwork, ...]:
    """Parse the networks of trusted proxies; raises SettingsError."""
    networks: list[ProxyNetwork] = []
    for text in texts:
        try:
            networks.append(ip_network(text.strip(), strict=False))
        except ValueError:
            raise SettingsError(
                f"trusted_proxies: {text[:64]!r} is neither an IP address nor a network such as "
                "10.0.0.0/8"
            ) from None
    return tuple(networks)


def host_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Parse the host names that an edge answers to; raises SettingsError."""
    names = tuple(text.strip().lower() for text in texts)
    for name in names:
        if name != ANY_HOST and not _HOST_NAME.fullmatch(name.removeprefix("*.")):
            raise SettingsError(
                f"allowed_hosts: {name[:64]!r} is not a name such as nova.example.org, or *.NAME, "
                "without scheme and port; write a non-ASCII name in its xn-- form"
            )
    return tuple(name.removesuffix(".") for name in names)


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as `NOVA_*` variables, for child processes."""
    found: dict[str, str] = {}
    for name in HELP:
        value = getattr(settings, name)
        if value is not None:
            text = LIST_SEPARATOR.join(value) if isinstance(value, tuple) else str(value)
            found[ENV_PREFIX + name.upper()] = text
    return found


def _from_file(path: Path) -> dict[str, object]:
    try:
        return read_toml(path)
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    except DocumentError as error:
        raise SettingsError(f"{path} {error}") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in HELP:
        text = environment.get(ENV_PREFIX + name.upper())
        if text:
            found[name] = _split(name, text)
    return found


def _split(name: str, text: str) -> str | list[str]:
    if name == "transports":
        return _URL_SEPARATOR.split(text)
    if name in LISTS:
        return [part.strip() for part in text.split(LIST_SEPARATOR)]
    return text


def _check(settings: Settings) -> None:
    if settings.scope is not None and not is_id(settings.scope):
        raise SettingsError(f"scope {settings.scope[:64]!r} is not [A-Za-z0-9_-]{{1,64}}")
    if settings.mode == "payload" and settings.scope is None:
        raise SettingsError(
            "mode payload requires a scope: give --scope ID, or --ground to consume all scopes"
        )
    proxy_networks(settings.trusted_proxies)
    host_names(settings.allowed_hosts)
    web_origins(settings.cors_origins)
    request_limits(settings.limits)
    retention_rules(settings.retention)
    if settings.backup_at is not None:
        minute_of_day(settings.backup_at)
    check_oidc(settings)
