"""Forwarding submissions: one that cannot be forwarded is refused to the client that sent it."""

from __future__ import annotations

import pytest

from nova.sdk.protocol.messages import Error, Status, StatusResponse
from tests.core.running import Core

IDS = '"scopeId":"sat","commandId":"c","requestId":"r","targetId":"t","commandType":"x"'


@pytest.mark.parametrize("number", ["1" + "0" * 20, "-1" + "0" * 20])
async def test_a_number_that_nobody_can_hold_is_named(core: Core, number: str) -> None:
    """The refusal is the client's error and not an internal one; the connection remains usable."""
    asked = f'{{"type":"submitCommand",{IDS},"ref":5,"timelineMode":"LIVE"'
    async with core.frames() as frames:
        await frames.send(f'{asked},"payload":{{"x":[{number}]}}}}')
        reply = await frames.receive()
        assert isinstance(reply, Error)
        assert (reply.code, reply.ref) == ("badArguments", 5)
        assert "payload.x[0]" in reply.message
        await frames.send(Status(ref=6))
        assert isinstance(await frames.receive(), StatusResponse)
