"""Counts of a status as metrics: a bounded number of them, whatever producers name."""

from __future__ import annotations

from nova.core.server.status_metrics import OTHER_STREAMS, STREAMS_MAX, status_metrics
from nova.sdk.protocol.health import BackupInfo, LinkInfo, StatusResponse


def status_of(*links: LinkInfo) -> StatusResponse:
    """The status of an empty archive with these links."""
    return StatusResponse(
        mode="ground",
        timebase="canonical",
        events=0,
        duplicates=0,
        rejects=0,
        series=0,
        bytes_on_disk=0,
        links=list(links),
        writer_connected=True,
    )


def test_streams_of_a_link_are_bounded_and_nothing_is_left_out_of_their_sum() -> None:
    """A ground archive has streams for every scope that somebody invents."""
    lags = {f"nova.s{number}.ui.v1": number for number in range(10 * STREAMS_MAX)}
    status = status_of(LinkInfo(link="kafka://a", lag=sum(lags.values()), lag_by_stream=lags))
    (streams,) = (one for one in status_metrics(status) if one.name == "nova_stream_lag_records")
    values = {one.labels["stream"]: one.value for one in streams.samples}
    assert len(values) == STREAMS_MAX + 1
    assert sum(values.values()) == sum(lags.values())
    assert values.pop(OTHER_STREAMS) > max(values.values())
    assert min(values.values()) == len(lags) - STREAMS_MAX


def test_the_last_backup_and_a_failure_since_are_metrics() -> None:
    """A-299: without any backup there is no time, which differs from an old one."""
    status = status_of()

    def found() -> dict[str, float]:
        named = (one for one in status_metrics(status) if one.name.startswith("nova_backup_"))
        return {one.name: one.samples[0].value for one in named if one.samples}

    assert found() == {}
    status.backup = BackupInfo(scheduled=True, failed_time="1970-01-01T00:00:10Z", failure="full")
    assert found() == {"nova_backup_failing": 1}
    status.backup = BackupInfo(time="1970-01-01T00:01:00Z")
    assert found() == {"nova_backup_failing": 0, "nova_backup_time_seconds": 60}
