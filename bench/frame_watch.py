"""FrameFigures of a page, by its own animation frames, and what its main thread is busy with."""

from __future__ import annotations

import time

import msgspec
from playwright.sync_api import CDPSession, Page

MS_PER_S = 1_000
MIB = 1024 * 1024
WATCH = """() => {
  window.benchFrameTimes = [];
  const count = (now) => {
    window.benchFrameTimes.push(now);
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
}"""
READ = """() => {
  const times = window.benchFrameTimes;
  window.benchFrameTimes = times.slice(-1);
  return times.slice(1).map((now, place) => now - times[place]).sort((one, two) => one - two);
}"""
TIMES = {
    "cpu": "ThreadTime",
    "busy": "TaskDuration",
    "script": "ScriptDuration",
    "layout": "LayoutDuration",
    "style": "RecalcStyleDuration",
}


class FrameFigures(msgspec.Struct):
    """Ms of the main thread's second by what they are for, frames a second, and the longest but
    one in twenty, in ms.
    """

    spent_ms: dict[str, float]
    frames_hz: float
    frame_p95_ms: float

    def text(self) -> str:
        """The cells of a row under `HEADING`."""
        spent = "".join(f"{ms:10.1f}" for ms in self.spent_ms.values())
        return f"{spent}{self.frames_hz:10.1f}{self.frame_p95_ms:10.1f}"


HEADING = "".join(f"{name:>10}" for name in (*TIMES, "frames/s", "p95 ms"))


class FrameWatch:
    """Counts the frames of a page from its begin on."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._browser: CDPSession = page.context.new_cdp_session(page)
        self._browser.send("Performance.enable")
        page.evaluate(WATCH)

    def watch(self, seconds: float) -> FrameFigures:
        """Some seconds from now on."""
        before, began = self._metrics(), time.monotonic()
        self._page.evaluate(READ)
        self._page.wait_for_timeout(seconds * MS_PER_S)
        deltas: list[float] = self._page.evaluate(READ)
        after, took_s = self._metrics(), time.monotonic() - began
        spent = {
            name: MS_PER_S * (after[metric] - before[metric]) / took_s
            for name, metric in TIMES.items()
        }
        p95_ms = deltas[int(len(deltas) * 0.95)] if deltas else took_s * MS_PER_S
        return FrameFigures(spent, len(deltas) / took_s, p95_ms)

    def nodes(self) -> int:
        """Nodes of the document and those that the page holds beside it."""
        return int(self._metrics()["Nodes"])

    def heap_mib(self) -> float:
        """What is kept after a collection of garbage."""
        self._browser.send("HeapProfiler.collectGarbage")
        return self._metrics()["JSHeapUsedSize"] / MIB

    def _metrics(self) -> dict[str, float]:
        found = self._browser.send("Performance.getMetrics")["metrics"]
        return {one["name"]: float(one["value"]) for one in found}
