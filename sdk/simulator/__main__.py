"""`python -m sdk.simulator`: the simulated satellite as a process of its own, as in `nova demo`."""

from __future__ import annotations

import asyncio
import contextlib

import click

from sdk import lifecycle, logs
from sdk.errors import NovaError
from sdk.simulator.runner import RATE_HZ, RATE_MAX_HZ, run
from sdk.transport.base import connect

PROCESS = "satellite"
HISTORY_S = 600


@click.command()
@click.option("--to", "url", required=True, help="Transport: local:///DATA, kafka://HOST:PORT, …")
@click.option("--scope", required=True, help="Scope that the satellite belongs to.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--rate-hz",
    type=click.FloatRange(0, RATE_MAX_HZ, min_open=True),
    default=RATE_HZ,
    show_default=True,
    help="Ticks per second; each is about eighteen events.",
)
@click.option(
    "--history",
    "history_s",
    type=click.IntRange(0),
    default=HISTORY_S,
    show_default=True,
    help="Seconds of the past that are published first.",
)
@click.option("--exit-with-stdin", is_flag=True, help="End when stdin closes.")
def satellite(
    url: str, scope: str, seed: int, rate_hz: float, history_s: int, exit_with_stdin: bool
) -> None:
    """Publish the telemetry of a simulated satellite until told to stop."""
    logs.configure(PROCESS)
    try:
        asyncio.run(_run(url, scope, seed, rate_hz, history_s, exit_with_stdin))
    except NovaError as error:
        raise click.ClickException(str(error)) from None


async def _run(
    url: str, scope: str, seed: int, rate_hz: float, history_s: int, exit_with_stdin: bool
) -> None:
    stop = lifecycle.stop_event(exit_with_stdin)
    transport = connect(url)
    running = asyncio.create_task(
        run(
            transport,
            scope,
            rate_hz=rate_hz,
            seed=seed,
            history_s=history_s,
            on_ready=lambda: lifecycle.say_ready(PROCESS, scope=scope),
        )
    )
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([running, stopped], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, stopped):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await transport.close()


if __name__ == "__main__":
    satellite()
