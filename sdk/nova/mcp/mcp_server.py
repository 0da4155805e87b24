"""A server of the Model Context Protocol on standard input and output."""

from __future__ import annotations

from importlib.metadata import version

import mcp_types as types

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from nova.mcp.read_call import Answer, ReadCalls
from nova.mcp.read_tools import ReadTool, read_tools

INSTRUCTIONS = (
    "NOVA archives telemetry and commands by time. All tools only read, with the rights of an API "
    "key, and each call is recorded. Begin with scopes and entities; fields names the fields of a "
    "series; sample, columns and find read values; query reads events. Times need a zone "
    "(2026-01-01T00:00:00Z) or are relative (now-15m). Where an answer has nextKey, give it as "
    "afterKey to read on."
)
Context = ServerRequestContext[object]


class McpServer:
    """The tools of one edge."""

    def __init__(self, calls: ReadCalls) -> None:
        self._calls = calls
        self._tools = read_tools()

    async def serve(self) -> None:
        """Serve until standard input ends."""
        server = Server(
            "nova",
            version=version("nova-sdk"),
            title="NOVA",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        async with stdio_server() as (receiving, sending):
            await server.run(receiving, sending, server.create_initialization_options())

    async def _list(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in self._tools.values()])

    async def _call(self, _: Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
        tool = self._tools.get(asked.name)
        if tool is None:
            unknown = f"there is no tool {asked.name[:64]!r}: there are {', '.join(self._tools)}"
            return _result(Answer(unknown, is_error=True))
        return _result(await self._calls.answer(tool, asked.arguments or {}))


def _described(tool: ReadTool) -> types.Tool:
    hints = types.ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    return types.Tool(
        name=tool.name, description=tool.summary, input_schema=tool.schema, annotations=hints
    )


def _result(answer: Answer) -> types.CallToolResult:
    text = types.TextContent(type="text", text=answer.text)
    return types.CallToolResult(content=[text], is_error=answer.is_error)
