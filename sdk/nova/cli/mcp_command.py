"""`nova mcp`: tools for agents, which read an edge."""

from __future__ import annotations

import asyncio

import click

from nova.sdk.errors import NovaError
from nova.sdk.optional_imports import import_optional

CHARS_MIN = 1_000
CHARS_DEFAULT = 60_000
"""Some 20,000 tokens of a model."""


@click.command("mcp")
@click.option("--url", metavar="URL", required=True, envvar="NOVA_URL", help="URL of an edge.")
@click.option("--token", envvar="NOVA_TOKEN", help="API key [NOVA_TOKEN].")
@click.option(
    "--answer-chars",
    type=click.IntRange(min=CHARS_MIN),
    default=CHARS_DEFAULT,
    show_default=True,
    help="Most characters of an answer.",
)
def mcp(url: str, token: str | None, answer_chars: int) -> None:
    """Serve tools that read NOVA to an agent, over standard input and output.

    An agent starts this command itself (Model Context Protocol). The tools only read, see what the
    API key sees, and leave a ReadRequested event in the audit trail for each call. Make a key of
    the role viewer for it on the page Manage, limited to the scopes that it needs.

    \b
    {"mcpServers": {"nova": {
      "command": "nova",
      "args": ["mcp", "--url", "http://127.0.0.1:8800"],
      "env": {"NOVA_TOKEN": "nova_…"}}}}
    """
    if not token:
        raise NovaError("no API key: set NOVA_TOKEN, or give --token")
    import_optional("mcp", "mcp")
    asyncio.run(_serve(url, token, answer_chars))


async def _serve(url: str, token: str, answer_chars: int) -> None:
    import aiohttp

    from nova.mcp.mcp_server import McpServer
    from nova.mcp.read_call import ReadCalls

    async with aiohttp.ClientSession() as session:
        calls = ReadCalls(session, url, token, chars_max=answer_chars)
        await calls.check()
        await McpServer(calls).serve()
