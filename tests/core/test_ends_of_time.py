"""Events at the first and last representable times, in every reply and every digest."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import msgspec

from nova.core.ordering import TIMEBASES
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch
from tests.core.answering import Answerer
from tests.core.telling import telling, told

ENDS = (NS_MIN, NS_MIN + 1, -1, 1, NS_MAX - 1, NS_MAX)


def test_the_ends_of_time_are_in_every_answer(tmp_path: Path) -> None:
    """1677-09-21T00:12:43.145224192Z … 2262-04-11T23:47:16.854775807Z: an export left out what it
    held of the last nanosecond.
    """
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    records = [
        telling(at_ns, {"n": number}, lane=lane, unit=unit)
        for number, at_ns in enumerate(ENDS)
        for lane in ("parsed", "ui", "raw", "metadata")
        for unit in ("a", "b", "c")
    ]
    committer.add_batch("link", Batch(records))
    committer.close_commit()
    events = told(archive)
    assert len(events) == len(records)
    with ExitStack() as stack:
        stack.callback(archive.close)
        asked = Answerer(stack, tmp_path, tmp_path / "asked", committer.last_ns)
        answers = {kind: ask() for kind, ask in asked.kinds().items()}
    for timebase in TIMEBASES:
        for kind in ("query", "stream", "replay"):
            assert answers[f"{kind} {timebase}"].split()[0] == str(len(records)), kind
        assert answers[f"query {timebase}"] == answers[f"stream {timebase}"]
        assert answers[f"query {timebase}"] == answers[f"replay {timebase}"]
        export = msgspec.json.decode(answers[f"export {timebase}"].rsplit("}", 1)[0] + "}")
        assert export["events"] == len(records)
        assert sum(file["events"] for file in export["files"]) == len(records)
        assert answers[f"latest {timebase}"].split()[0] == "12"
        counts = [int(n) for n in re.findall(r"\d+", answers[f"summary {timebase}"])]
        assert sum(counts) == len(records)
        states = msgspec.json.decode(answers[f"state {timebase}"])
        assert [state["state"] for state in states] == [{"n": len(ENDS) - 1}] * 3
        sample = msgspec.json.decode(answers[f"sample {timebase}"])
        assert [sum(one["fields"][0]["count"]) for one in sample] == [len(ENDS)] * 2
    extent, previous, following = msgspec.json.decode(answers["ends source"])
    assert (extent["startTime"], extent["stopTime"]) == tuple(
        map(timestamps.text, (NS_MIN, NS_MAX))
    )
    assert previous["time"] == timestamps.text(NS_MAX - 1)
    assert following["time"] == timestamps.text(NS_MIN + 1)
