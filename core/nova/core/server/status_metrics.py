"""The counts of a status as metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from nova.sdk import timestamps
from nova.sdk.protocol.health import BackupInfo, LinkInfo, StatusResponse, SubmissionCount
from nova.sdk.protocol.metric_messages import Metric, counter, gauge
from nova.sdk.timestamps import NS_PER_SECOND

STREAMS_MAX = 100
"""Streams of a link with a sample of their own, those with the longest lag; a ground archive may
have a stream for each scope that producers invent. The rest are one sample, of OTHER_STREAMS.
"""

OTHER_STREAMS = "(others)"


def status_metrics(status: StatusResponse) -> Iterator[Metric]:
    """The metrics of the archive, its links, and the submissions that the Core has answered."""
    yield from _archive(status)
    yield from _links(status.links)
    restarts = counter("nova_process_restarts_total", "Restarts of a process by its supervisor")
    for process in status.processes:
        restarts.add(process.restarts, process=process.name)
    yield restarts
    yield from _backup(status.backup)
    yield _submissions(status.submissions)


def _submissions(counts: Sequence[SubmissionCount]) -> Metric:
    submissions = counter("nova_submissions_total", "Submissions by outcome")
    for one in counts:
        submissions.add(one.count, at="core", kind=one.kind, outcome=one.outcome)
    return submissions


def _archive(status: StatusResponse) -> Iterator[Metric]:
    counts = {
        "events": ("Events in the archive", status.events),
        "duplicates": ("Records dropped as duplicates", status.duplicates),
        "rejects": ("Records in the reject log", status.rejects),
        "request_clashes": ("Requests that reused a requestId", status.request_clashes),
        "unknown_commands": ("Progress and results of unknown commands", status.unknown_commands),
        "file_failures": ("Failed writes of the daily files", status.file_failures),
        "derived_remade": ("Rebuilds of damaged derived data", status.derived_remade),
    }
    for name, (text, value) in counts.items():
        yield counter(f"nova_{name}_total", text).add(value)
    yield gauge("nova_series", "Series in the archive").add(status.series)
    yield gauge("nova_disk_bytes", "Bytes of the archive on disk").add(status.bytes_on_disk)
    connected = gauge("nova_writer_connected", "1 while the writer is connected")
    yield connected.add(int(status.writer_connected))
    if status.durable_time is not None:
        durable = gauge(
            "nova_durable_time_seconds", "Canonical time of the newest durable event, since 1970"
        )
        yield durable.add(_seconds(status.durable_time))


def _backup(backup: BackupInfo | None) -> Iterator[Metric]:
    time = gauge("nova_backup_time_seconds", "When the last backup was begun, since 1970")
    failing = gauge("nova_backup_failing", "1 while backups fail")
    if backup is not None:
        failing.add(int(backup.failure is not None))
        if backup.time is not None:
            time.add(_seconds(backup.time))
    yield from (time, failing)


def _links(links: Sequence[LinkInfo]) -> Iterator[Metric]:
    records = counter("nova_link_records_total", "Records by outcome")
    gaps = counter("nova_link_gaps_total", "Ranges never read")
    outages = counter("nova_link_outages_total", "Outages since the writer started")
    connected = gauge("nova_link_connected", "1 while the link's backend answers")
    lag = gauge("nova_link_lag_records", "Records that the backend holds and the archive lacks")
    seen = gauge("nova_link_last_seen_seconds", "When the last record was stored, since 1970")
    streams = gauge("nova_stream_lag_records", "Records unread, by stream of a link")
    for link in links:
        for outcome in ("new", "duplicate", "rejected"):
            records.add(getattr(link, outcome), link=link.link, outcome=outcome)
        gaps.add(link.gaps, link=link.link)
        outages.add(link.outages, link=link.link)
        connected.add(int(link.connection == "connected"), link=link.link)
        if link.lag is not None:
            lag.add(link.lag, link=link.link)
        if link.last_seen is not None:
            seen.add(_seconds(link.last_seen), link=link.link)
        for stream, behind in _longest(link.lag_by_stream):
            streams.add(behind, link=link.link, stream=stream)
    yield from (records, gaps, outages, connected, lag, seen, streams)


def _longest(lags: dict[str, int]) -> list[tuple[str, int]]:
    """The lags of at most STREAMS_MAX streams, and of all others together."""
    if len(lags) <= STREAMS_MAX:
        return list(lags.items())
    longest = Counter(lags).most_common(STREAMS_MAX)
    rest = sum(lags.values()) - sum(behind for _, behind in longest)
    return [*longest, (OTHER_STREAMS, rest)]


def _seconds(time: str) -> float:
    return timestamps.parse(time) / NS_PER_SECOND
