"""The suite's result table, cases by backends, for pytest's summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

PROPERTY = "conformance_backend"
"""The report property that marks a case and holds its column."""

OUTCOMES = ("error", "failed", "skipped", "passed")
"""Worst first: a case that passes but fails in teardown has not passed."""

MISSING = "-"


def table_lines(stats: Mapping[str, Iterable[object]]) -> list[str]:
    """The table's lines from the terminal reporter's `stats`; empty if the suite did not run."""
    found: dict[str, dict[str, str]] = {}
    for outcome in OUTCOMES:
        for report in stats.get(outcome, ()):
            if isinstance(report, pytest.TestReport):
                column = dict(report.user_properties).get(PROPERTY)
                case = report.location[2].rpartition(".test_")[2].partition("[")[0]
                if column is not None:
                    found.setdefault(case, {}).setdefault(str(column), outcome)
    return _align(found)


def _align(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    columns = sorted({column for outcomes in found.values() for column in outcomes})
    if not columns:
        return []
    rows = [["case", *columns]]
    for case in sorted(found):
        rows.append([case.replace("_", " "), *(found[case].get(c, MISSING) for c in columns)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
