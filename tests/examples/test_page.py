"""docs/python.md, docs/data.md and README.md show the examples as they are."""

from __future__ import annotations

import re

import pytest

from tests.test_tidy import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text()
DATA_PAGE = (ROOT / "docs" / "data.md").read_text()
README = (ROOT / "README.md").read_text()
SHOWN = (
    "publish.py",
    "publish_plain.py",
    "read.py",
    "read_plain.py",
    "read_columns.py",
    "follow_plain.py",
)
SHOWN_TO_DATA_PEOPLE = ("fields_to_polars.py", "events_to_pandas.py", "lake_by_duckdb.py")
PAGES = {**dict.fromkeys(SHOWN, PAGE), **dict.fromkeys(SHOWN_TO_DATA_PEOPLE, DATA_PAGE)}
STATEMENTS_MAX = 10
BLOCK = r"```python\n(.*?)```"


def code_of(name: str) -> str:
    """An example without the docstring that says how to run it."""
    text = (ROOT / "examples" / name).read_text()
    return text.split('"""\n', 1)[1].strip()


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_the_example(name: str) -> None:
    """Word for word, below a link to it."""
    section = PAGES[name].split(f"[`examples/{name}`](../examples/{name}):", 1)[1]
    match = re.search(BLOCK, section, re.DOTALL)
    assert match is not None
    assert match[1].strip() == code_of(name)


def test_the_page_of_tcp_streams_shows_its_reader() -> None:
    """In ten lines beside the imports."""
    page = (ROOT / "docs" / "tcp.md").read_text()
    shown = [block.strip() for block in re.findall(BLOCK, page, re.DOTALL)]
    assert shown == [code_of("tcp_reader.py")]


def test_the_pages_show_no_other_code() -> None:
    """So nothing on them is untested."""
    for page, shown in ((PAGE, SHOWN), (DATA_PAGE, SHOWN_TO_DATA_PEOPLE)):
        assert len(re.findall(BLOCK, page, re.DOTALL)) == len(shown)


def test_the_readme_shows_the_plain_examples() -> None:
    shown = [block.strip() for block in re.findall(BLOCK, README, re.DOTALL)]
    assert shown == [code_of("publish_plain.py"), code_of("read_plain.py")]


@pytest.mark.parametrize("name", [*PAGES, "tcp_reader.py"])
def test_ten_lines_are_enough(name: str) -> None:
    """Beside the imports."""
    lines = [line for line in code_of(name).splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith(("import ", "from "))]
    assert len(own) <= STATEMENTS_MAX
