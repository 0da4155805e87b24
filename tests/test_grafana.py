"""The dashboard and the alert rules: of metrics that exist, used as their kind is used."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.metric_expressions import dashboard, documented, expressions, names_in, rules

OF_PROMETHEUS = {"job", "instance", "le"}
SERIES = re.compile(r"\b(nova_\w+)(?:\{([^}]*)\})?(\[[^\]]*\])?")
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")
TEMPLATE = re.compile(r"\$labels\.(\w+)")
COUNTING = re.compile(r"_(total|bucket|sum|count)$")
WIDTH = 24


def family(name: str, table: Mapping[str, object]) -> str:
    """The metric of a sample's name."""
    return name if name in table else re.sub(r"_(bucket|sum|count)$", "", name)


def test_expressions_name_metrics_and_labels_that_exist() -> None:
    """Counters and histograms are used as rates, and gauges as they are."""
    table, found = documented(), list(expressions())
    assert len(found) > 40
    for expression in found:
        assert_names_exist(expression, table)


def assert_names_exist(expression: str, table: Mapping[str, set[str]]) -> None:
    """One expression names what is in the table of metrics."""
    assert expression.count("(") == expression.count(")")
    labels = set(OF_PROMETHEUS)
    for name, matchers, span in SERIES.findall(expression):
        known = family(name, table)
        assert known in table, name
        labels |= table[known]
        matched = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", matchers))
        assert matched <= table[known] | OF_PROMETHEUS, name
        assert bool(span) == bool(COUNTING.search(name)), f"{name} is used as another kind"
    for group in GROUPING.findall(expression):
        assert {label.strip() for label in group.split(",")} <= labels


def test_every_alert_says_what_it_means_by_labels_that_it_has() -> None:
    """Names once, a severity, and texts whose labels the expression leaves."""
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found) > 10
    for rule in found:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}
        text = " ".join(rule["annotations"].values())
        left = {
            label.strip() for group in GROUPING.findall(rule["expr"]) for label in group.split(",")
        }
        assert set(TEMPLATE.findall(text)) <= left | {"instance"}, rule["alert"]


def test_panels_lie_beside_each_other_and_show_every_metric() -> None:
    """What is served and shown nowhere would be found by nobody; a few counts are in alerts."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= WIDTH and not cells & taken, panel["title"]
        taken |= cells
        assert (panel["type"] == "row") != bool(panel.get("targets")), panel["title"]
    table = documented()
    shown = {family(name, table) for one in expressions() for name in names_in(one)}
    assert table.keys() - shown == NOT_SHOWN


NOT_SHOWN = {
    "nova_duplicates_total",
    "nova_request_clashes_total",
    "nova_unknown_commands_total",
    "nova_series",
    "nova_writer_connected",
    "nova_durable_time_seconds",
    "nova_link_outages_total",
    "nova_link_last_seen_seconds",
    "nova_stream_lag_records",
    "nova_reader_connections",
    "nova_unsent_bytes",
    "nova_cache_bytes",
    "nova_process_start_time_seconds",
}
"""Served for those who look for them."""
