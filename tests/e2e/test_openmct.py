"""Open MCT itself, in a browser, on a real NOVA: tree, past, present, both times, a scope's key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from nova.sdk import timestamps
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.demo_screen import apart
from tests.edge.read_api.http_reader import SERIES, START_NS, HttpReader, at, filled_reader
from tests.fetched_openmct import fetched_openmct
from tests.openmct.running_gateway import running_gateway

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NEW = 424_242
RULES = """
[[rules]]
ruleId = "count-high"
title = "Too many"
scopeId = "alpha"
messageType = "Count"
field = "n"
ranges.critical = { high = 100000.0 }
"""
JUDGED_MS = 120_000
"""Alarms are judged at the lowest priority."""

POINT = "nova:field~alpha~bus~eps~a~parsed~Count~~n"
ENTITY = "nova:root~alpha~bus~eps~a"
REQUESTED = """async ([point, options]) => {
  const object = await openmct.objects.get(point);
  return openmct.telemetry.request(object, options);
}"""


@dataclass
class MctPage:
    """Open MCT in a window."""

    page: Page
    url: str
    api: HttpReader

    def show(self, path: str, *settings: str) -> None:
        """Browse to an object, at times of the conductor."""
        self.page.goto(f"{self.url}#/browse/{path}?{'&'.join(settings)}")

    def requested(self, **options: Any) -> list[dict[str, Any]]:
        """What Open MCT gets for the field, as a plot asks."""
        found: list[dict[str, Any]] = self.page.evaluate(REQUESTED, [POINT, options])
        return found


def fixed(begin_ms: float, end_ms: float, timebase: str = "source") -> tuple[str, ...]:
    bounds = (f"tc.startBound={begin_ms:.0f}", f"tc.endBound={end_ms:.0f}")
    return ("tc.mode=fixed", *bounds, f"tc.timeSystem={timebase}")


def ms(second: float) -> float:
    return START_NS / 1e6 + second * 1_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNova, HttpReader]]:
    folder = tmp_path_factory.mktemp("mct")
    (folder / "rules").mkdir()
    (folder / "rules/count.toml").write_text(RULES)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NOVA_ALARM_RULES", str(folder / "rules"))
        with running_nova(folder / "data", "--ground") as nova:
            yield nova, filled_reader(nova)
            nova.kill()


@pytest.fixture(scope="module")
def mct(
    filled: tuple[RunningNova, HttpReader], browser: Browser, public_authorities: None
) -> Iterator[MctPage]:
    nova, api = filled
    with running_gateway(nova.url, api.token, fetched_openmct()) as url:
        page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield MctPage(page, url, api)
        assert not faults


def test_the_tree_leads_to_the_fields_of_an_entity(mct: MctPage) -> None:
    mct.page.goto(mct.url)
    tree = mct.page.get_by_role("tree", name="Main Tree")
    expect(mct.page.locator(".l-browse-bar__object-name")).to_have_text("NOVA")
    for name in ("NOVA", "alpha", "bus", "eps", "a"):
        item = tree.get_by_role("treeitem", name=f"Expand {name} folder", exact=False).first
        item.locator(".c-disclosure-triangle").first.click()
    for field in ("even · Count", "mode · Count", "n · Count", "n · panel"):
        expect(tree.get_by_text(field, exact=True)).to_be_visible()


def test_a_plot_of_the_past_has_the_values_of_the_api(mct: MctPage) -> None:
    with mct.page.expect_response(lambda reply: "/api/v1/columns?" in reply.url) as drawn:
        mct.show(POINT, *fixed(ms(0), ms(600)), "view=plot-single")
    assert drawn.value.status == 200
    expect(mct.page.locator(".gl-plot")).to_be_visible()
    expect(mct.page.locator(".gl-plot-x-label")).to_contain_text("Source time")
    single = mct.requested(strategy="minmax", size=1_000)
    api = mct.api.lines("query", scopeIds="alpha", uniqueId="a", lanes="parsed", stopTime=at(600))
    assert len(single) == len(api) == 301
    assert [one["value"] for one in single] == list(range(0, 601, 2))
    assert [one["source"] for one in single] == [ms(second) for second in range(0, 601, 2)]


def test_a_long_past_is_the_extremes_of_stretches_of_the_api(mct: MctPage) -> None:
    mct.show(POINT, *fixed(ms(0), ms(2_400)))
    expect(mct.page.locator(".gl-plot")).to_be_visible()
    found = mct.requested(strategy="minmax", size=40, start=ms(0), end=ms(2_400))
    span = {"startTime": at(0), "stopTime": at(2_400), "timebase": "source", "scopeId": "alpha"}
    sample = mct.api.get("sample", **SERIES, **span, uniqueId="a", fields="n", buckets=20)
    (field,) = sample.json()["fields"]
    extremes = [one for pair in zip(field["min"], field["max"], strict=True) for one in pair]
    assert [one["value"] for one in found] == [one for one in extremes if one is not None]
    assert all(ms(0) <= one["source"] <= ms(2_400) for one in found)


def test_the_other_time_system_shows_when_values_were_received(mct: MctPage) -> None:
    (event,) = mct.api.lines(
        "query", scopeIds="alpha", uniqueId="a", lanes="parsed", limit=1, reverse=True
    )
    received_ms = timestamps.parse(str(_member(event, "canonicalTruthTime"))) / 1e6
    mct.show(POINT, *fixed(received_ms - 60_000, received_ms + 60_000, "canonical"))
    expect(mct.page.locator(".gl-plot-x-label")).to_contain_text("Receive time")
    # The time system and its bounds change one after the other.
    mct.page.wait_for_function(
        "end => openmct.time.getBounds().end === end", arg=round(received_ms + 60_000)
    )
    found = mct.requested()
    assert len(found) == 1_250 and found[-1]["value"] == _member(event, "payload")["n"]
    assert abs(found[-1]["canonical"] - received_ms) <= 1 and "source" not in found[-1]


def test_a_value_arrives_live_with_both_times(
    mct: MctPage, filled: tuple[RunningNova, HttpReader]
) -> None:
    clock = ("tc.mode=local", "tc.startDelta=900000", "tc.endDelta=30000", "tc.timeSystem=source")
    with mct.page.expect_websocket(lambda socket: socket.url.endswith("/ws")) as opened:
        mct.show(POINT, *clock, "view=table")
        mct.page.reload()
    opened.value.wait_for_event("framereceived", lambda frame: "streamChunk" in str(frame))
    apart(lambda: _publish(filled[0].publish))
    row = mct.page.get_by_role("row").filter(has_text=str(NEW))
    expect(row).to_be_visible()
    stale = mct.page.evaluate(
        "async (point) => openmct.telemetry.isStale(await openmct.objects.get(point))", POINT
    )
    assert stale["isStale"] is False


def test_an_alarm_is_a_fault_that_can_only_be_read(
    mct: MctPage, filled: tuple[RunningNova, HttpReader]
) -> None:
    mct.show("faults.taxonomy:faultManagement.view")
    apart(lambda: _publish(filled[0].publish))
    fault = mct.page.locator(".c-fault-mgmt__list").filter(has_text="/alpha/bus/eps/a/n")
    expect(fault).to_contain_text("Too many", timeout=JUDGED_MS)
    expect(fault).to_contain_text(str(NEW))
    expect(fault.locator(".is-severity-critical")).to_be_visible()
    assert mct.page.evaluate("openmct.faults.supportsActions()") is False


def test_the_key_of_a_scope_shows_that_scope_alone(
    mct: MctPage, filled: tuple[RunningNova, HttpReader], browser: Browser
) -> None:
    nova, api = filled
    with running_gateway(nova.url, api.keys["alpha-only"], fetched_openmct()) as url:
        page = browser.new_context().new_page()
        page.goto(f"{url}#/browse/nova:root?view=grid")
        items = page.locator(".l-grid-view .c-grid-item__name")
        expect(items).to_have_text(["alpha"])
        page.context.close()
    mct.show("nova:root", "view=grid")
    expect(mct.page.locator(".l-grid-view .c-grid-item__name")).to_have_text(["alpha", "beta"])


async def _publish(link: str) -> None:
    async with Producer(connect(link), "alpha") as producer:
        await producer.send(
            [producer.observe(Entity("bus", "eps", "a")).parsed("Count", {"n": NEW})]
        )


def _member(line: bytes, name: str) -> Any:
    return msgspec.json.decode(line)[name]
