"""A scale run can be made, stopped and resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import steps
from bench.own import WriterSide
from bench.scale import STEPS_NAME, scale

EVENTS = 10_000
PNG = b"\x89PNG"
PICTURE_MAX_BYTES = 120 * 1024


def run(data: Path, events: int) -> str:
    """One run; returns its table."""
    arguments = ["--events", str(events), "--data", str(data), "--seeks", "10"]
    outputs = ["--out", str(data / "scale.md"), "--picture", str(data / "images" / "scale.png")]
    done = CliRunner().invoke(scale, [*arguments, *outputs])
    assert done.exit_code == 0, done.output
    return (data / "scale.md").read_text()


@pytest.mark.slow
def test_a_run_that_lost_its_last_steps_measures_them_again(tmp_path: Path) -> None:
    """Events go on where the archive ends: each is there once, at every size that is measured."""
    run(tmp_path, EVENTS)
    path = tmp_path / STEPS_NAME
    whole = steps.load(path)
    assert [step.size for step in whole] == steps.sizes(EVENTS)
    assert [step.events for step in whole] == steps.sizes(EVENTS)
    kept = b"".join(path.read_bytes().splitlines(keepends=True)[:-1])
    path.write_bytes(kept)
    table = run(tmp_path, EVENTS)
    again = steps.load(path)
    assert again[:-1] == whole[:-1]
    assert (again[-1].size, again[-1].events) == (EVENTS, EVENTS + EVENTS // 2)
    with WriterSide(tmp_path) as store:
        assert store.events == again[-1].events
    for step in again:
        assert min(step.ingest_hz, step.look_up_new_us, step.look_up_known_us) > 0
        assert min(step.bytes_per_event, step.writer_mib, step.reader_mib) > 0
    assert f"{again[-1].events:,}" in table
    picture = (tmp_path / "images" / "scale.png").read_bytes()
    assert picture.startswith(PNG) and len(picture) <= PICTURE_MAX_BYTES


def test_steps_end_at_what_is_asked_for() -> None:
    """The steps of the full run are round; of a smaller one they have the same proportions."""
    assert steps.sizes(steps.STEPS[-1]) == list(steps.STEPS)
    assert steps.sizes(500_000) == [10_000, 20_000, 50_000, 100_000, 200_000, 500_000]
