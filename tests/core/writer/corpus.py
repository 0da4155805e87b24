"""Random events of every kind and entity: typical ones, and everything else that is accepted."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

import msgspec

from nova.sdk import timestamps
from nova.sdk.address import LANES, SCOPE_TOKEN
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import CardManifest, published_body
from nova.sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND
from nova.sdk.transport.base import Record

OWN_SCOPE = "sat"
SCOPES = (OWN_SCOPE, OWN_SCOPE, OWN_SCOPE, "other", "ground", "nova")
LANES_DRAWN = (*LANES, "metadata", "metadata", "metadata")
"""What speaks in the Core's own name is metadata mostly."""

SYSTEMS = ("bus", "bus", "nova", "tcpStream", "S-_9")
UNITS = ("u", "gps", "nova", "x" * 64)
TYPES = ("Count", "Note:x", "IngestGap", "AlarmAcknowledged", "ManifestPublished", "a.b:c-d_e")
TEXTS = (
    "",
    "1",
    "1.0.0",
    'a"b\\',
    "|||",
    "sat|bus|eps|u",
    "x|y",
    "é漢\U0001f600",
    "\x00\n",
    "=1+1",
)
VERSIONS = ("1", "1.0.0", '2"\\', "é漢", "0.0.0-rc.1", "v" * 128)
DRIVERS = ("jsonl", "rawBinary", "positionCsv", "mcap", "gone", "a.b:c")
CAPABILITIES = ("command:go", "driver:", "driver:jsonl", "driver:mcap@1.0.0", "driver:@", "", "é")
SHOWN = ("default-card", "battery", "pump", "nobody")
DEEP = 240

AUDIT_TYPES = (
    "UserLogin",
    "UserLogout",
    "CommandSubmitted",
    "ExportRequested",
    "EventsImported",
    "AdminAction",
    "AuditGap",
    "DayGivenBack",
)
"""Those of the versions whose rows are compared: with another the events would be others."""


class Corpus:
    """An endless supply; the same seed and manifests give the same events."""

    def __init__(self, seed: int, manifests: list[CardManifest], now_ns: int) -> None:
        self._dice = random.Random(seed)
        self._manifests = manifests
        self._now_ns = now_ns
        self._number = 0
        self._bodies: dict[str, list[Callable[[], JsonObject]]] = {
            "raw": [self._raw],
            "parsed": [self._parsed],
            "ui": [self._update],
            "command": [self._request, self._progress, self._result],
            "metadata": [
                self._descriptor,
                self._manifest,
                self._manifest,
                self._binding,
                self._chat,
                self._audit,
                self._other,
            ],
        }

    def record(self) -> Record:
        """The next one; not each of them is an event."""
        self._number += 1
        dice = self._dice
        lane = dice.choice(LANES_DRAWN)
        body = dice.choice(self._bodies[lane])()
        is_chat = body.get("messageType") == "ChatMessage"
        is_global = is_chat or (lane == "metadata" and dice.random() < 0.5)
        ids = (dice.choice(SYSTEMS), dice.choice(("eps", "c")), dice.choice(UNITS))
        system, container, unit = (SCOPE_TOKEN,) * 3 if is_global else ids
        header: JsonObject = {
            "scopeId": dice.choice(SCOPES),
            "lane": lane,
            "systemId": system,
            "containerId": container,
            "uniqueId": unit,
            "sourceTruthTime": self._time(),
        }
        return Record(None, msgspec.json.encode({**header, **body}), f"n@{self._number}")

    def _time(self) -> str:
        dice, second = self._dice, NS_PER_SECOND
        return timestamps.text(
            dice.choice(
                (
                    NS_MIN,
                    NS_MAX,
                    0,
                    self._now_ns + dice.randrange(-3_600 * second, 3_600 * second),
                    self._now_ns + dice.choice((-1, 1)) * 86_400 * second,
                    dice.randrange(NS_MIN, NS_MAX),
                )
            )
        )

    def _payload(self) -> JsonObject:
        dice = self._dice
        payload: JsonObject = {
            "n": self._number,
            dice.choice(TEXTS) or "k": dice.choice((None, True, 2**53 - 1, -0.5, 1e300, *TEXTS)),
        }
        depth = dice.choice((0, 0, 1, 3, DEEP))
        for _ in range(depth):
            payload = {"deep": payload}
        return payload

    def _raw(self) -> JsonObject:
        content = self._dice.randbytes(self._dice.randrange(40))
        return {"bytes": base64.b64encode(content).decode(), "sequence": 2**64 - 1}

    def _parsed(self) -> JsonObject:
        version = self._dice.choice(VERSIONS)
        kind = self._dice.choice((*TYPES, "Position"))
        return {"messageType": kind, "schemaVersion": version, "payload": self._payload()}

    def _update(self) -> JsonObject:
        names = {"viewId": self._dice.choice(SHOWN), "manifestId": self._dice.choice(SHOWN)}
        version = {"manifestVersion": self._dice.choice(VERSIONS)}
        return {"messageType": "UiUpdate", **names, **version, "data": self._payload()}

    def _command(self) -> JsonObject:
        number = self._dice.randrange(20)
        return {"commandId": f"c{number}", "targetId": "u", "commandType": "go"}

    def _request(self) -> JsonObject:
        request = {"requestId": f"r{self._dice.randrange(20)}", "timelineMode": "LIVE"}
        kind = {"messageType": "CommandRequest", "payload": self._payload()}
        return {**kind, **self._command(), **request}

    def _progress(self) -> JsonObject:
        return {"messageType": "CommandProgress", **self._command(), "progressPercent": 50.5}

    def _result(self) -> JsonObject:
        outcome = {"status": self._dice.choice(("success", "failure")), "result": self._payload()}
        return {"messageType": "CommandResult", **self._command(), **outcome}

    def _descriptor(self) -> JsonObject:
        asked = self._dice.choices(CAPABILITIES, k=self._dice.randrange(4))
        said = {"schemaVersion": self._dice.choice(VERSIONS), "effectiveTime": self._time()}
        return {"messageType": "ProducerDescriptor", "capabilities": asked, **said}

    def _manifest(self) -> JsonObject:
        """A manifest that ships, mostly with one member changed."""
        dice = self._dice
        body = published_body(dice.choice(self._manifests))
        changes: JsonObject = {
            "viewId": dice.choice(SHOWN),
            "entityType": dice.choice(SHOWN),
            "manifestVersion": dice.choice(VERSIONS),
            "allowedKeys": {"*": {"type": dice.choice(("any", "number", "colour"))}},
            "layout": {"title": dice.choice(TEXTS), "card": self._payload()},
            "actions": {"go": dice.choice(({"title": "Go"}, {}, 3, self._payload()))},
            "effectiveTime": self._time(),
        }
        changed = dice.choice((*changes, None))
        return {
            "messageType": "ManifestPublished",
            **body,
            **({} if changed is None else {changed: changes[changed]}),
        }

    def _binding(self) -> JsonObject:
        dice = self._dice
        versions = {"driverVersion": dice.choice(VERSIONS), "effectiveTime": self._time()}
        of_schema = {"schemaVersion": dice.choice(VERSIONS)} if dice.random() < 0.5 else {}
        return {
            "messageType": "DriverBinding",
            "targetId": dice.choice(TEXTS),
            "targetLane": dice.choice(LANES),
            "streamType": dice.choice(TYPES),
            "driverId": dice.choice(DRIVERS),
            **versions,
            **of_schema,
        }

    def _chat(self) -> JsonObject:
        author = {"authorDisplayName": self._dice.choice(TEXTS)}
        return {"messageType": "ChatMessage", **author, "content": f"{self._number}"}

    def _audit(self) -> JsonObject:
        return {"messageType": self._dice.choice(AUDIT_TYPES), "payload": self._payload()}

    def _other(self) -> JsonObject:
        kinds = [kind for kind in TYPES if kind != "ManifestPublished"]
        dated = {"effectiveTime": self._time()} if self._dice.random() < 0.5 else {}
        return {"messageType": self._dice.choice(kinds), "payload": self._payload(), **dated}
