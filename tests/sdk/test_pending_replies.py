"""Replies find their requests, and requests that get none fail once."""

from __future__ import annotations

import asyncio

import pytest

from nova.sdk.pending_replies import PendingReplies


async def test_a_reply_finds_its_request() -> None:
    """In any order; what nobody waits for any more is dropped."""
    pending: PendingReplies[str] = PendingReplies()
    with pending.expect(1) as one, pending.expect(2) as two:
        assert len(pending) == 2
        assert pending.resolve(2, "second") and pending.resolve(1, "first")
        assert (await one, await two) == ("first", "second")
        assert not pending.resolve(1, "again")
    assert not pending.resolve(3, "to nobody") and not pending


async def test_a_request_that_was_cancelled_has_its_reply_all_the_same() -> None:
    """It is no reply to somebody else, such as a stream."""
    pending: PendingReplies[str] = PendingReplies()
    with pending.expect(1) as reply:
        reply.cancel()
        assert pending.resolve(1, "late")


async def test_all_requests_fail_with_their_connection() -> None:
    """Also one that nobody awaits, without a complaint of the event loop."""
    pending: PendingReplies[str] = PendingReplies()
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    with pending.expect(1) as one, pending.expect(2):
        pending.fail(ConnectionResetError("gone"))
        with pytest.raises(ConnectionResetError, match="gone"):
            await one
    del one
    assert not pending and complaints == []
