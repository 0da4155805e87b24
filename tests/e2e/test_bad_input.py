"""Malformed records over a real broker and over the local transport; each is kept with its
reason.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from pathlib import Path

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.events.event import ENVELOPE_MAX_BYTES
from nova.sdk.protocol.messages import RejectInfo, Rejects
from nova.sdk.transport.base import Record, connect
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer
from tests.command_here import command_here


def envelope(scope: str, **changes: object) -> bytes:
    """A good envelope, but for the changes; a member set to `...` is left out."""
    members: dict[str, object] = {
        "scopeId": scope,
        "lane": "parsed",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": "battery",
        "sourceTruthTime": "2026-01-01T00:00:00Z",
        "messageType": "Battery",
        "schemaVersion": "1",
        "payload": {"volts": 28.5},
        **changes,
    }
    kept = {name: value for name, value in members.items() if value is not ...}
    return msgspec.json.encode(kept)


def corpus(scope: str) -> dict[str, tuple[bytes, str, str]]:
    """Bad records by name: the bytes, and the code and member that the refusal must name."""
    good = envelope(scope)
    payload = b'{"volts":28.5}'
    return {
        "truncated": (good[:-5], "malformed", "payload"),
        "wrong type": (envelope(scope, messageType=7), "wrongType", "messageType"),
        "wrong body type": (envelope(scope, payload=[]), "wrongType", "payload"),
        "unknown member": (envelope(scope, colour="red"), "unknownMember", "colour"),
        "core's member": (
            envelope(scope, canonicalTruthTime="2026-01-01T00:00:00Z"),
            "unknownMember",
            "canonicalTruthTime",
        ),
        "missing member": (envelope(scope, payload=...), "missingMember", "payload"),
        "conflicting id": (envelope(scope, uniqueId="other"), "idConflict", "uniqueId"),
        "naive time": (
            envelope(scope, sourceTruthTime="2026-01-01T00:00:00"),
            "badTime",
            "sourceTruthTime",
        ),
        "NaN": (good.replace(payload, b'{"volts":NaN}'), "malformed", "payload"),
        "big integer": (
            good.replace(payload, b'{"count":9007199254740993}'),
            "notCanonical",
            "payload",
        ),
        "lone surrogate": (good.replace(payload, b'{"name":"\\ud800"}'), "malformed", "payload"),
        "too large": (
            good[:-2] + b',"x":"' + b"x" * (ENVELOPE_MAX_BYTES + 1 - len(good) - 7) + b'"}}',
            "tooLarge",
            "",
        ),
        "wrong eventId": (envelope(scope, eventId="0" * 64), "eventIdMismatch", "eventId"),
        "empty": (b"", "malformed", ""),
        "not UTF-8": (good.replace(b"Battery", b"\xff\xfe"), "malformed", "messageType"),
    }


async def publish(url: str, scope: str, records: list[bytes]) -> None:
    """Publish records under the battery's address."""
    address = f"nova.{scope}.parsed.bus.eps.battery.v1"
    transport = connect(url)
    await transport.publish([Record(address, record) for record in records])
    await transport.close()


async def rejects_when(data: Path, rejected: int, events: int) -> list[RejectInfo]:
    """The reject log once so much has been refused and stored."""
    async with await Client.to_core(data) as client:
        while True:
            status = await client.status()
            if status.rejects >= rejected and status.events >= events:
                return (await client.rejects(Rejects(limit=1000))).rejects
            await asyncio.sleep(0.1)


def check_refusals(found: list[RejectInfo], bad: dict[str, tuple[bytes, str, str]]) -> None:
    """Each bad record is there, in order, with its bytes and its reason."""
    assert len(found) == len(bad)
    for reject, (name, (record, code, member)) in zip(found, bad.items(), strict=True):
        assert (reject.code, reject.member) == (code, member), (name, reject.reason)
        assert reject.size == len(record)
        assert record.startswith(reject.raw)
        assert member in reject.reason


def listed(data: Path) -> list[dict[str, object]]:
    """What `nova rejects --json` prints."""
    done = command_here("rejects", "--data", str(data), "--json")
    assert done.returncode == 0, done.stderr.decode()
    return [msgspec.json.decode(line, type=dict[str, object]) for line in done.stdout.splitlines()]


def feed_and_check(data: Path, url: str, scope: str) -> None:
    """Bad records between good ones: the bad are refused with their reason, the good are stored."""
    bad = corpus(scope)
    good = [envelope(scope, payload={"volts": number}) for number in range(2)]
    records = [good[0], *(record for record, _, _ in bad.values()), good[1]]
    asyncio.run(publish(url, scope, records))
    check_refusals(asyncio.run(rejects_when(data, len(bad), len(good))), bad)
    rows = listed(data)
    assert [row["code"] for row in rows] == [code for _, code, _ in bad.values()]
    kept = dict(zip(bad, rows, strict=True))["truncated"]
    assert base64.b64decode(str(kept["raw"])) == bad["truncated"][0]


def test_garbage_over_local_is_refused_with_reasons(tmp_path: Path) -> None:
    """A-077…A-079, AMB-12: every refusal names its member, and ingest continues."""
    with running_nova(tmp_path / "data", "--scope", "sat") as nova:
        feed_and_check(nova.data, nova.publish, "sat")
        nova.kill()


@pytest.mark.kafka
def test_garbage_over_kafka_is_refused_with_reasons(
    tmp_path: Path, kafka_broker: BackendServer
) -> None:
    """The same from a broker, where nobody checks before; the position of each is kept."""
    scope = f"bad-{uuid.uuid4().hex[:8]}"
    data = tmp_path / "data"
    with running_nova(data, "--scope", scope, "--transport", kafka_broker.url) as nova:
        feed_and_check(data, kafka_broker.url, scope)
        positions = [str(row["position"]) for row in listed(data)]
        nova.kill()
    assert all(position.startswith(f"nova.{scope}.parsed.v1/") for position in positions)
    assert len(set(positions)) == len(positions)


def test_a_broken_line_reaches_the_reject_log_through_produce(tmp_path: Path) -> None:
    """A file's bad lines are not swallowed by the tool that reads it."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(envelope("sat") + b"\n" + envelope("sat", payload=3) + b"\n")
    with running_nova(tmp_path / "data", "--scope", "sat") as nova:
        sent = command_here("produce", str(file), "--to", nova.publish, "--scope", "sat")
        assert sent.returncode == 1
        assert b"payload" in sent.stdout + sent.stderr
        assert [row["member"] for row in listed(nova.data)] == ["payload"]
        nova.kill()
