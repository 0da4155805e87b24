"""Notification file: one `*.toml` or `*.json` with targets, and rules that say who is notified of
which alarms and when.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from nova.core.notifications.quiet_hours import QuietHours, quiet_faults
from nova.sdk.alarms.alarm_rule import Severity
from nova.sdk.document import DocumentError, member_faults, parse_document
from nova.sdk.errors import NovaError
from nova.sdk.field_types import Id
from nova.sdk.regular_file import read_regular

FILE_MAX_BYTES = 4 * 1024 * 1024
MAX_AGE_S = 300.0
SECRET_MIN_CHARS = 16
WEBHOOK_ATTEMPTS = 5

Seconds = Annotated[float, Meta(gt=0, le=31_622_400)]
"""Up to a year."""

Patterns = Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(min_length=1)]
"""Patterns with `*`, `?` and `[…]`, of which one must match."""


class NotificationFileError(NovaError):
    """A notification file cannot be used; each line names file, member and remedy."""


class NotificationPart(
    msgspec.Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True
):
    """Base of all structs of a notification file."""


class NotificationTarget(NotificationPart, kw_only=True, frozen=True):
    """Where messages go: a service by its URL of Apprise, or a web hook."""

    name: Id
    url: str | None = None
    webhook: str | None = None
    secret: str | None = None
    """The key of a web hook's signature."""

    timeout_s: Annotated[float, Meta(gt=0, le=300)] = 20.0
    attempts: Annotated[int, Meta(ge=1, le=100)] | None = None

    @property
    def attempts_max(self) -> int:
        """A service may have taken a message whose sending failed, so it is sent once, unless more
        is asked for. The receiver of a web hook knows a message by its id.
        """
        return self.attempts or (WEBHOOK_ATTEMPTS if self.webhook is not None else 1)


class Escalation(NotificationPart, kw_only=True, frozen=True):
    """Who is notified too if nobody has acknowledged an alarm `after_s` after it was raised."""

    after_s: Seconds
    targets: Annotated[list[Id], Meta(min_length=1)]


class NotificationRule(NotificationPart, kw_only=True, frozen=True):
    """Which alarms the targets are notified of, and when. What is not given selects all."""

    name: Id
    targets: Annotated[list[Id], Meta(min_length=1)]
    scopes: Patterns | None = None
    rules: Patterns | None = None
    """Patterns of rule ids."""

    entities: Patterns | None = None
    """Patterns of systemId/containerId/uniqueId."""

    min_severity: Severity = "watch"
    group_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """Alarms that are raised within this time after one become one message with it."""

    quiet: QuietHours | None = None
    escalate: Escalation | None = None


class NotificationFile(NotificationPart, kw_only=True, frozen=True):
    """Targets and rules."""

    targets: list[NotificationTarget]
    rules: list[NotificationRule]
    max_age_s: Seconds = MAX_AGE_S
    """Alarms of values that are older by their source time are not notified of."""

    def target(self, name: str) -> NotificationTarget | None:
        return next((target for target in self.targets if target.name == name), None)


class NotificationFileCheck(NamedTuple):
    """A notification file, or all that is wrong with it: target or rule, member and remedy."""

    file: NotificationFile | None
    faults: list[str]


def read_notifications(path: Path) -> NotificationFile:
    """Read a notification file; raises NotificationFileError that lists its faults."""
    file, faults = check_notifications(path)
    if file is None:
        raise NotificationFileError("\n".join(f"{path}: {fault}" for fault in faults))
    return file


def check_notifications(path: Path) -> NotificationFileCheck:
    """Read a notification file, with every fault that can be found at once."""
    try:
        text = read_regular(path, FILE_MAX_BYTES)
        document = parse_document(text, is_json=path.suffix == ".json")
    except OSError as error:
        return NotificationFileCheck(None, [f"cannot be read: {error.strerror}"])
    except DocumentError as error:
        return NotificationFileCheck(None, [str(error)])
    faults = list(_structure_faults(document))
    if not faults:
        file = msgspec.convert(document, NotificationFile)
        faults = list(_faults(file))
    return NotificationFileCheck(None if faults else file, faults)


def _structure_faults(document: object) -> Iterator[str]:
    """Faults of the file's own members, and of the members of each target and rule."""
    parts: dict[str, type[msgspec.Struct]] = {
        "targets": NotificationTarget,
        "rules": NotificationRule,
    }
    for fault in member_faults(document, NotificationFile):
        if not fault.member.startswith(tuple(f"{name}[" for name in parts)):
            yield str(fault)
    for name, kind in parts.items():
        listed = document.get(name) if isinstance(document, dict) else None
        for place, item in enumerate(listed if isinstance(listed, list) else ()):
            head = f"{name.removesuffix('s')} {_name_of(item, place)}"
            yield from (f"{head}: {fault}" for fault in member_faults(item, kind))


def _name_of(item: object, place: int) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name[:64] if isinstance(name, str) else str(place + 1)


def _faults(file: NotificationFile) -> Iterator[str]:
    yield from _repeated("target", [target.name for target in file.targets])
    yield from _repeated("rule", [rule.name for rule in file.rules])
    for target in file.targets:
        for fault in _target_faults(target):
            yield f"target {target.name}: {fault}"
    known = {target.name for target in file.targets}
    for rule in file.rules:
        named = [("targets", name) for name in rule.targets]
        if rule.escalate is not None:
            named += [("escalate.targets", name) for name in rule.escalate.targets]
        for member, name in named:
            if name not in known:
                yield f"rule {rule.name}: {member}: no target is named {name!r}: add it"
        if rule.quiet is not None:
            for fault in quiet_faults(rule.quiet):
                yield f"rule {rule.name}: quiet.{fault}"


def _repeated(kind: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{kind} {name}: the name is given twice: give each {kind} its own"


def _target_faults(target: NotificationTarget) -> Iterator[str]:
    """The faults of a target; its URLs and its secret are not shown."""
    if (target.url is None) == (target.webhook is None):
        yield "give either `url`, of Apprise, or `webhook`"
    elif target.url is not None:
        if "://" not in target.url:
            yield "url: is no URL of Apprise such as mailto://user:password@example.org"
        if target.secret is not None:
            yield "secret: only web hooks are signed: leave it out"
    elif target.webhook is not None:
        if not target.webhook.startswith(("https://", "http://")):
            yield "webhook: is no URL that begins with https:// or http://"
        if target.secret is None or len(target.secret) < SECRET_MIN_CHARS:
            yield f"secret: is missing or short: give one of at least {SECRET_MIN_CHARS} characters"
        elif not target.secret.isascii():
            yield "secret: has characters beyond ASCII: use letters, digits and signs of ASCII"
