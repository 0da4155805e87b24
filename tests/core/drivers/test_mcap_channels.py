"""Channels of MCAP files have schemas with the kinds of their fields."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from mcap.reader import make_reader

from nova.core.drivers.mcap import McapRecording
from nova.core.drivers.mcap_channels import LEARNED_EVENTS
from nova.sdk.events.envelope_schema import envelope_schema
from tests.core.drivers.test_drivers import events

Payload = dict[str, object]
FIRST = json.loads(events(kind="Count")[0])


def stored(payload: Payload, unit: str = "a") -> bytes:
    """An envelope with a payload, in the order in which envelopes are stored."""
    changed = {"uniqueId": unit, "payload": payload}
    return json.dumps({**FIRST, **changed}, separators=(",", ":")).encode()


def made(blocks: Sequence[Sequence[bytes]], **limits: int) -> bytes:
    out = io.BytesIO()
    McapRecording(**limits).make(blocks, out)
    return out.getvalue()


def schemas(data: bytes) -> dict[str, tuple[str, dict[str, Any]]]:
    """By topic, the name and the content of the schema that the mcap library finds."""
    summary = make_reader(io.BytesIO(data), validate_crcs=True).get_summary()
    assert summary is not None
    found = {}
    for channel in summary.channels.values():
        schema = summary.schemas[channel.schema_id]
        assert schema.encoding == "jsonschema"
        found[channel.topic.split("/")[-2]] = (schema.name, json.loads(schema.data))
    return found


def body(data: bytes, unit: str = "a") -> dict[str, Any]:
    content: dict[str, Any] = schemas(data)[unit][1]["properties"]["payload"]
    return content


def test_fields_have_the_kinds_of_the_first_events() -> None:
    first = {"volts": 1, "gps": {"fix": {"on": True}}, "cells": [1], "gone": None}
    data = made([[stored(first)], [stored({"name": "x", "volts": "high"})]])
    assert body(data) == {
        "type": "object",
        "properties": {
            "gps": {
                "type": "object",
                "properties": {
                    "fix": {"type": "object", "properties": {"on": {"type": "boolean"}}}
                },
            },
            "name": {"type": "string"},
            "volts": {"type": "number"},
        },
    }


def test_later_events_of_a_channel_change_no_schema() -> None:
    count = LEARNED_EVENTS
    learned = [stored({"a": 1})] * (count - 1) + [stored({"b": 1})]
    data = made([[*learned, stored({"c": 1})]])
    assert sorted(body(data)["properties"]) == ["a", "b"]
    data = made([[stored({"a": 1}), stored({"a": 1}), stored({"b": 1})]], window_events=2)
    assert sorted(body(data)["properties"]) == ["a"]


def test_channels_share_a_schema_and_no_two_have_its_name() -> None:
    """Viewers know a schema by its name."""
    data = made([[stored({"v": 1}, "a"), stored({"v": 2}, "b"), stored({"w": 1}, "c")]])
    found = {unit: name for unit, (name, _) in schemas(data).items()}
    name = "nova.parsed.Count"
    assert found == {"a": name, "b": name, "c": f"{name}.2"}


def test_beyond_the_maximum_schemas_have_no_fields() -> None:
    data = made([[stored({unit: 1}, unit) for unit in "abc"]], schemas_max=2)
    assert [sorted(body(data, unit).get("properties", {})) for unit in "abc"] == [["a"], ["b"], []]
    assert schemas(data)["c"][1] == envelope_schema("parsed", "Count")


@pytest.mark.parametrize("window", [1, 7, 299, 300])
def test_bytes_do_not_depend_on_blocks(window: int) -> None:
    """Windows count events, so a day's file and an export of it learn the same."""
    all_events = events()
    whole = made([all_events], window_events=window)
    dice = random.Random(window)
    for _ in range(5):
        cuts = sorted(dice.choices(range(len(all_events) + 1), k=5))
        ends = zip([0, *cuts], [*cuts, None], strict=True)
        assert made([all_events[a:b] for a, b in ends], window_events=window) == whole
    found = make_reader(io.BytesIO(whole)).iter_messages(log_time_order=False)
    assert [message.data for _, _, message in found] == all_events
