"""Logs are lines of JSON, whatever is logged, warned of or failed by, in any process."""

from __future__ import annotations

import subprocess
import sys

import msgspec

CRASHES = """
import asyncio, gc, logging, sys, threading, warnings
from nova.sdk import log_context, logs, request_id

logs.configure("trial")
warnings.simplefilter("always")
warnings.warn("two\\nlines")
logging.getLogger("a.library").warning("odd %d", "argument")

async def fail():
    raise ValueError("never retrieved")

async def main():
    log_context.bind(user="ann", scopeId="sat1")
    request_id.current.set("c-1.7")
    failing = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    logging.getLogger("nova.part").info("bound", extra={"context": {"commandId": "c1"}})
    del failing
    gc.collect()

asyncio.run(main())

def fail_in_thread():
    raise OSError("in a thread")

thread = threading.Thread(target=fail_in_thread)
thread.start()
thread.join()

class Odd:
    def __del__(self):
        raise KeyError("unraisable")

Odd()
for _ in range(1_000):
    logging.getLogger("nova.part").error("the same again")
print(len(logging.getLogger().handlers))
raise RuntimeError("the end\\nof it")
"""


def lines_of(code: str) -> list[dict[str, object]]:
    """What a program logs; each line is decoded."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    return [msgspec.json.decode(line, type=dict[str, object]) for line in done.stderr.splitlines()]


def test_whatever_happens_in_a_process_is_one_line_of_json() -> None:
    """A-297: warnings, a library's own faults, tasks, threads, finalizers, the end of the process;
    tracebacks too. What a task works for is in each of its lines.
    """
    lines = lines_of(CRASHES)
    texts = [str(line["message"]) + str(line.get("exception", "")) for line in lines]
    for text in ("two\nlines", "odd", "never retrieved", "in a thread", "unraisable", "of it"):
        assert any(text in one for one in texts), (text, texts)
    assert {line["process"] for line in lines} == {"trial"}
    bound = next(line for line in lines if line["message"] == "bound")
    expected = {"user": "ann", "scopeId": "sat1", "requestId": "c-1.7", "commandId": "c1"}
    assert expected.items() <= bound.items()
    task = next(line for line in lines if "never retrieved" in str(line.get("exception")))
    assert task["logger"] == "asyncio"
    assert lines[-1].get("message") != "the same again" or "suppressed" in lines[-1]
    same = [line for line in lines if line["message"] == "the same again"]
    assert [line.get("suppressed") for line in same] == [None, 999]
