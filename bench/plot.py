"""The chart of a scale run: four figures against the size of the archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

from bench.steps import ScaleStep

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, NullFormatter, ScalarFormatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = dict[str, list[float]]

SIZE_INCHES = (8.4, 5.6)
DPI = 100
MILLION, THOUSAND = 1e6, 1e3


def plot(steps: Sequence[ScaleStep], path: Path) -> None:
    """Draw ingest rate, dedupe cost, seek latency and bytes per event into a PNG."""
    figure, panels = pyplot.subplots(2, 2, figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    sizes = [step.events for step in steps]
    for axes, (title, curves) in zip(panels.flat, _panels(steps).items(), strict=True):
        _draw(axes, title, sizes, curves)
    for axes in panels[1]:
        axes.set_xlabel("events in the archive")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, facecolor="white")
    pyplot.close(figure)


def _panels(steps: Sequence[ScaleStep]) -> dict[str, Curves]:
    families = [name for name in steps[0].family_bytes_per_event if name != "catalog"]
    return {
        "ingest, thousand events/s": {"": [step.ingest_hz / THOUSAND for step in steps]},
        "dedupe look-up, µs per event": {
            "new events": [step.look_up_new_us for step in steps],
            "copies": [step.look_up_known_us for step in steps],
        },
        "seek to first event, ms": {
            f"{base}, {share}": [values[base] for values in found]
            for share, found in (
                ("p50", [step.seek_p50_ms for step in steps]),
                ("p99", [step.seek_p99_ms for step in steps]),
            )
            for base in ("canonical", "source")
        },
        "on disk, bytes per event": {
            "all": [step.bytes_per_event for step in steps],
            **{name: [step.family_bytes_per_event[name] for step in steps] for name in families},
        },
    }


def _draw(axes: Axes, title: str, sizes: Sequence[int], curves: Curves) -> None:
    for name, values in curves.items():
        axes.plot(sizes, values, marker="o", markersize=3.5, linewidth=1.4, label=name)
    axes.set_title(title, fontsize=10)
    axes.set_xscale("log")
    axes.set_xticks(sizes)
    axes.xaxis.set_major_formatter(FuncFormatter(_size_text))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(fontsize=7, frameon=False, ncols=2)


def _size_text(events: float, _: int) -> str:
    return f"{events / MILLION:g} M" if events >= MILLION else f"{events / THOUSAND:g} k"
