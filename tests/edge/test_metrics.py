"""Metrics: in Prometheus' names and format, and only for those who may read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nova.sdk.protocol.messages import Auth, Authenticated, Metrics, MetricsResponse
from tests.edge.peer import Peer
from tests.edge.server import RunningEdge, running_edge

TOKEN = "long-and-random"
NATS = 'nats://b:4222?a="b"'


async def get(edge: RunningEdge, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and text of the metrics."""
    async with edge.http.get(f"{edge.url}/metrics", headers=headers) as reply:
        return reply.status, await reply.text()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Values by name, and labels in the order of their names."""
    return {
        (sample.name, *dict(sorted(sample.labels.items())).values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_of_edge_and_core_are_one_text(edge: RunningEdge) -> None:
    """A-291, A-292: the same by HTTP and as a message, whatever stands in a label."""
    async with edge.client("admin") as client:
        status, text = await get(edge, bearer(await edge.token("admin")))
        reply = await client.request(Metrics(), MetricsResponse)
    assert status == 200
    served = samples(text)
    assert (
        served.items()
        >= {
            ("nova_events_total",): 12,
            ("nova_submissions_total", "core", "submitChat", "taken"): 6,
            ("nova_link_connected", NATS): 0,
            ("nova_request_seconds_bucket", "0.5", "query"): 2,
            ("nova_request_seconds_bucket", "+Inf", "query"): 3,
            ("nova_up", "edge"): 1,
            ("nova_up", "reader"): 1,
            ("nova_clients", "authenticated"): 1,
        }.items()
    )
    assert served["nova_process_cpu_seconds_total", "edge"] > 0
    assert served["nova_process_resident_memory_bytes", "edge"] > 1_000_000
    of_message = {
        (sample.name or metric.name, *dict(sorted(sample.labels.items())).values())
        for metric in reply.metrics
        for sample in metric.samples
    }
    assert of_message == served.keys()
    assert [one.name for one in reply.metrics] == sorted({one.name for one in reply.metrics})


@pytest.mark.parametrize("limits", [{}, {"scopes": ["sat"]}, {"lanes": ["ui"]}])
async def test_a_key_reads_metrics_unless_it_is_limited(
    edge: RunningEdge, limits: dict[str, Any]
) -> None:
    """They count everything, so those who may see a part only do not get them."""
    key = edge.stores.keys.add("prometheus", "viewer", "admin", **limits)
    assert key is not None
    status, text = await get(edge, bearer(key))
    assert status == (403 if limits else 200)
    assert ("nova_events_total" in text) == (not limits)
    async with edge.socket() as client:
        await client.request(Auth(token=key), Authenticated)
        if limits:
            assert await client.refusal(Metrics()) == "forbidden"
        else:
            await client.request(Metrics(), MetricsResponse)


@pytest.mark.parametrize("header", [{}, {"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=a"}])
async def test_nothing_is_open_unless_a_setting_says_so(
    tmp_path: Path, peer: Peer, header: dict[str, str]
) -> None:
    """Names of links are not for the world: behind a proxy everybody comes from loopback."""
    async with running_edge(tmp_path, peer.socket) as edge:
        assert (await get(edge, header))[0] == 401
    async with running_edge(tmp_path, peer.socket, open_metrics=True) as edge:
        assert (await get(edge, header))[0] == (401 if header else 200)
        assert (await get(edge, bearer("wrong")))[0] == 401


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
async def test_with_a_token_only_its_bearer_is_answered(
    tmp_path: Path, peer: Peer, given: str | None
) -> None:
    """The same answer for none and for a wrong one, and the token is not in it."""
    async with running_edge(tmp_path, peer.socket, metrics_token=TOKEN) as edge:
        status, text = await get(edge, {} if given is None else {"Authorization": given})
        assert status == 401
        assert TOKEN not in text
        proxied = {**bearer(TOKEN), "X-Forwarded-For": "10.0.0.1"}
        assert (await get(edge, proxied))[0] == 200
        assert TOKEN not in repr(edge.config)


async def test_without_a_reader_the_edge_is_up_and_the_reader_is_not(
    tmp_path: Path, reader_socket: Path
) -> None:
    """No figures are better than old ones, and an alert has something to fire on."""
    async with running_edge(tmp_path, reader_socket, open_metrics=True) as edge:
        status, text = await get(edge)
        assert status == 200
        served = samples(text)
        assert served["nova_up", "edge"] == 1 and served["nova_up", "reader"] == 0
        assert not any(name == "nova_events_total" for name, *_ in served)
