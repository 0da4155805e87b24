"""Metrics: complete, in Prometheus' names and format, and only for authorized clients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.edge.peer import Peer
from tests.edge.server import RunningEdge, running_edge

TOKEN = "long-and-random"
KAFKA, NATS = "kafka://a:9092", 'nats://b:4222?a="b"'


async def get(edge: RunningEdge, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and text of the metrics."""
    async with edge.http.get(f"{edge.url}/metrics", headers=headers) as reply:
        return reply.status, await reply.text()


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Values by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_every_figure_of_archive_and_links_is_there(edge: RunningEdge) -> None:
    """A-291, nova.md §7: events, size, and per link what came, what lies unread, and its state."""
    status, text = await get(edge)
    assert status == 200
    assert samples(text) == {
        ("nova_events_total",): 12,
        ("nova_duplicates_total",): 3,
        ("nova_rejects_total",): 1,
        ("nova_request_clashes_total",): 4,
        ("nova_unknown_commands_total",): 5,
        ("nova_file_failures_total",): 3,
        ("nova_derived_remade_total",): 2,
        ("nova_submissions_total", "core", "submitChat", "taken"): 6,
        ("nova_series",): 2,
        ("nova_disk_bytes",): 4096,
        ("nova_writer_connected",): 1,
        ("nova_durable_time_seconds",): 1_767_225_601.5,
        ("nova_link_records_total", KAFKA, "new"): 12,
        ("nova_link_records_total", KAFKA, "duplicate"): 3,
        ("nova_link_records_total", KAFKA, "rejected"): 1,
        ("nova_link_records_total", NATS, "new"): 0,
        ("nova_link_records_total", NATS, "duplicate"): 0,
        ("nova_link_records_total", NATS, "rejected"): 0,
        ("nova_link_gaps_total", KAFKA): 1,
        ("nova_link_gaps_total", NATS): 0,
        ("nova_link_outages_total", KAFKA): 0,
        ("nova_link_outages_total", NATS): 2,
        ("nova_link_connected", KAFKA): 1,
        ("nova_link_connected", NATS): 0,
        ("nova_link_lag_records", KAFKA): 7,
        ("nova_link_last_seen_seconds", KAFKA): 1_767_225_602,
        ("nova_stream_lag_records", KAFKA, "nova.sat.raw.v1/0"): 5,
        ("nova_stream_lag_records", KAFKA, "nova.sat.raw.v1/1"): 2,
    }


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_without_a_token_a_proxy_opens_nothing(edge: RunningEdge, header: str) -> None:
    """Names of links are not for the world: behind a proxy everybody comes from loopback."""
    status, text = await get(edge, {header: "for=10.0.0.1"})
    assert status == 403
    assert "NOVA_METRICS_TOKEN" in text


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
async def test_with_a_token_only_its_bearer_is_answered(
    tmp_path: Path, reader_socket: Path, peer: Peer, given: str | None
) -> None:
    """The same answer for none and for a wrong one, and the token is not in it."""
    async with running_edge(tmp_path, reader_socket, metrics_token=TOKEN) as edge:
        status, text = await get(edge, {} if given is None else {"Authorization": given})
        assert status == 401
        assert TOKEN not in text
        proxied = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "10.0.0.1"}
        assert (await get(edge, proxied))[0] == 200
        assert TOKEN not in repr(edge.config)


async def test_without_a_reader_it_says_so(tmp_path: Path, reader_socket: Path) -> None:
    """No figures are better than old ones."""
    async with running_edge(tmp_path, reader_socket) as edge:
        status, text = await get(edge)
        assert status == 503
        assert "reader" in text
