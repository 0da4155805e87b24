"""Replies find their requests, and requests that get none fail once."""

from __future__ import annotations

import asyncio
import gc

import pytest

from nova.sdk.pending_replies import PendingReplies


async def test_a_reply_finds_its_request() -> None:
    """In any order; what nobody waits for any more is dropped."""
    pending: PendingReplies[str] = PendingReplies()
    one, two, three = map(pending.expect, (1, 2, 3))
    assert len(pending) == 3
    assert pending.resolve(2, "second") and pending.resolve(1, "first")
    assert (await one, await two) == ("first", "second")
    pending.forget(3)
    assert not any(pending.resolve(ref, "to nobody") for ref in (1, 3, 4))
    assert not pending and not three.done()


async def test_a_request_that_was_cancelled_has_its_reply_all_the_same() -> None:
    """It is no reply to somebody else, such as a stream."""
    pending: PendingReplies[str] = PendingReplies()
    pending.expect(1).cancel()
    assert pending.resolve(1, "late")


async def test_all_requests_fail_with_their_connection() -> None:
    """Also one that nobody awaits, without a complaint of the event loop."""
    pending: PendingReplies[str] = PendingReplies()
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    one, _ = map(pending.expect, (1, 2))
    pending.fail(ConnectionResetError("gone"))
    with pytest.raises(ConnectionResetError, match="gone"):
        await one
    pending.forget(2)
    del one, _
    gc.collect()
    assert complaints == []
