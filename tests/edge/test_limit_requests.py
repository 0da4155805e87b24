"""What admins see of limits and of logins that are held back, and the release of an account."""

from __future__ import annotations

from pathlib import Path

from nova.edge.audit_queue import AuditQueue
from nova.edge.cookie_names import REFRESH
from nova.edge.edge_config import EdgeLimits
from nova.edge.limit_requests import LimitRequests
from nova.edge.limit_store import LimitStore
from nova.edge.login_store import LoginStore
from nova.edge.login_throttle import LoginClient, LoginThrottle
from nova.edge.session_store import SessionStore
from nova.sdk.protocol.admin import (
    LimitsResponse,
    ListLimits,
    ReleaseAccount,
    UserChanged,
)
from nova.sdk.protocol.messages import Status, StatusResponse
from nova.sdk.request_limit import DEFAULT_LIMITS, RequestLimit
from tests.edge.peer import Peer
from tests.edge.server import PASSWORD, RunningEdge, cookie_line, running_edge

HOUR_LIMIT = RequestLimit(40, 600.0)


async def limits_of(edge: RunningEdge) -> LimitsResponse:
    """What a new session of the admin gets."""
    async with edge.client() as admin:
        return await admin.request(ListLimits(), LimitsResponse)


async def test_use_is_shown_over_all_edges(tmp_path: Path, peer: Peer) -> None:
    """The fullest first, with when the next request is possible; renewals by session."""
    given = EdgeLimits(requests={**DEFAULT_LIMITS, "query": HOUR_LIMIT, "http": HOUR_LIMIT})
    async with (
        running_edge(tmp_path, peer.socket, limits=given) as one,
        running_edge(tmp_path, peer.socket, limits=given) as two,
        one.new_client("ann") as first,
        two.client("ann") as second,
    ):
        for client in (first, second) * 20:
            await client.request(Status(), StatusResponse)
        assert await first.refusal(Status()) == "rateLimited"
        _, _, headers = await one.post_login("ann")
        token = cookie_line(headers, REFRESH).partition(";")[0].partition("=")[2]
        assert (await two.refresh(token))[0] == 200
        seen = await limits_of(two)
    limits = {**DEFAULT_LIMITS, "query": HOUR_LIMIT, "http": HOUR_LIMIT}
    expected = {str(kind): limit.count for kind, limit in limits.items()} | {"login": 20}
    assert {one.kind: one.count for one in seen.limits} == expected
    fullest, *others = seen.uses
    assert (fullest.principal, fullest.kind, fullest.used) == ("ann", "query", 40)
    assert fullest.count == 40 and fullest.free_at is not None and fullest.session is None
    renewals = [use for use in others if use.kind == "refresh"]
    assert [(use.used, use.free_at) for use in renewals] == [(1, None)]
    assert renewals[0].session is not None


async def test_a_held_account_is_released(edge: RunningEdge) -> None:
    """Its user gets in and learns nothing of the others; it is recorded with what was before."""
    edge.add_user("ann")
    edge.add_user("bob")
    async with edge.client("ann"):
        pass  # From this address, which the account then knows.
    for name in ("ann", "a name that nobody has"):
        while (await edge.post_login(name, "wrong"))[0] != 429:
            pass
    assert (await edge.post_login("ann", PASSWORD))[0] == 429
    seen = await limits_of(edge)
    (held,) = seen.accounts
    assert held.username == "ann" and held.failures >= 3
    assert held.addresses_until is not None and held.browsers_until is None
    assert seen.unknown_names == 1
    (network,) = seen.networks
    assert network.network == "127.0.0.0/24" and network.failures > held.failures
    async with edge.client() as admin:
        await admin.request(ReleaseAccount(username="ann"), UserChanged)
        seen = await admin.request(ListLimits(), LimitsResponse)
    assert not seen.accounts and seen.unknown_names == 1
    assert (await edge.post_login("ann", PASSWORD))[0] == 200
    (entry,) = (
        queued.entry
        for queued in edge.stores.audit.first()
        if queued.entry.details.get("action") == "releaseAccount"
    )
    assert entry.details["target"] == "ann" and entry.principal == "admin"
    assert entry.details["before"] == {"failures": held.failures}


def test_the_answer_is_bounded(tmp_path: Path) -> None:
    """However many use limits or guess; it says how many more there are."""
    limits, logins = LimitStore(tmp_path), LoginStore(tmp_path)
    sessions, audit = SessionStore(tmp_path), AuditQueue(tmp_path)
    limits.join(None)
    throttle = LoginThrottle(logins)
    for number in range(9):
        limits.lease(f"key{number}", "query", wanted=1, share=16, now_s=1.0, ends_s=2.0)
        throttle.record_refusal(LoginClient(f"10.{number}.0.1"))
    requests = LimitRequests(limits, throttle, sessions, audit, listed_max=4, clock=lambda: 1.5)
    seen = requests.overview([])
    assert (len(seen.uses), seen.uses_left_out) == (4, 5)
    assert (len(seen.networks), seen.networks_left_out) == (4, 5)
    for store in (limits, logins, sessions, audit):
        store.close()
