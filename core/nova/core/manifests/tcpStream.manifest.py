"""A TCP stream: what it sends, whom it follows, and who reads it. The edge lists these entities."""

from nova.core.manifests import stream_fields
from nova.sdk.manifests.manifest import (
    CardControl,
    CardManifest,
    Condition,
    Group,
    KeySpec,
    Layout,
)
from nova.sdk.protocol import tcp_streams

_ID = {"streamId": "streamId"}
_MINE: Condition = {"mayChange": [True]}

MANIFEST = CardManifest(
    manifest_id=tcp_streams.STREAM_MANIFEST_ID,
    manifest_version=tcp_streams.MANIFEST_VERSION,
    view_id="setup.tcpStream",
    entity_type=tcp_streams.STREAM_ENTITY_TYPE,
    title="TCP stream",
    allowed_keys={
        "streamId": KeySpec(type="string", title="Id"),
        "definition.name": KeySpec(type="string", title="Name"),
        "definition.port": KeySpec(type="integer", title="Port"),
        "definition.bind": KeySpec(type="string", title="Address"),
        "definition.visibility": KeySpec(
            type="enum", title="Seen by", labels={"private": "creator, admins", "public": "all"}
        ),
        "definition.format": KeySpec(
            type="enum",
            title="Format",
            labels={"hierarchyPerMessage": "JSON lines", "payloadOnly": "payloads"},
        ),
        "definition.withAddress": KeySpec(type="boolean", title="With address"),
        "definition.framing": KeySpec(type="enum", title="Framing", labels=stream_fields.FRAMINGS),
        "definition.timebase": KeySpec(type="enum", title="Times", labels=stream_fields.TIMEBASES),
        "definition.backpressure": KeySpec(
            type="enum", title="Slow clients", labels=stream_fields.BACKPRESSURES
        ),
        "definition.filters.lanes": KeySpec(type="any", title="Lanes"),
        "definition.filters.scopeIds": KeySpec(type="any", title="Scopes"),
        "definition.filters.systemId": KeySpec(type="string", title="System"),
        "definition.filters.containerId": KeySpec(type="string", title="Container"),
        "definition.filters.uniqueId": KeySpec(type="string", title="Unique id"),
        "definition.filters.messageTypes": KeySpec(type="any", title="Message types"),
        "definition.filters.viewId": KeySpec(type="string", title="View"),
        "definition.filters.commandId": KeySpec(type="string", title="Command id"),
        "selects": KeySpec(type="string", title="Selects"),
        "state": KeySpec(
            type="enum",
            title="State",
            labels={
                "stopped": "stopped",
                "failed": "not listening",
                "live": "live",
                "tied": "tied",
                "elsewhere": "at another edge",
            },
        ),
        "enabled": KeySpec(type="boolean", title="Enabled"),
        "problem": KeySpec(type="string", title="Problem"),
        "tiedBy": KeySpec(type="string", title="Follows the timeline of"),
        "tiedHere": KeySpec(
            type="boolean",
            title="Tied",
            labels={"true": "to this page", "false": "not to this page"},
        ),
        "mayChange": KeySpec(type="boolean", title="May change"),
        "cursor": KeySpec(type="time", title="Sent up to"),
        "connections": KeySpec(type="integer", title="Connections"),
        "messages": KeySpec(type="integer", title="Messages"),
        "dropped": KeySpec(type="integer", title="Dropped"),
        "tooLarge": KeySpec(type="integer", title="Too large"),
        "bytesSent": KeySpec(type="integer", title="Sent", unit="B"),
        "bytesPerS": KeySpec(type="number", title="Rate", unit="B/s", precision=0),
        "createdBy": KeySpec(type="string", title="Created by"),
        "created": KeySpec(type="time", title="Created"),
    },
    layout=Layout(
        name="definition.name",
        shield=["definition.port", "state", "selects", "definition.format"],
        card=[
            Group(rows=["state", "problem", "tiedBy"]),
            Group(
                title="Clients",
                rows=[
                    "connections",
                    "messages",
                    "dropped",
                    "tooLarge",
                    "bytesPerS",
                    "bytesSent",
                    "cursor",
                ],
            ),
            Group(
                title="Definition",
                rows=[
                    "definition.bind",
                    "definition.port",
                    "selects",
                    "definition.format",
                    "definition.framing",
                    "definition.timebase",
                    "definition.backpressure",
                    "definition.visibility",
                    "createdBy",
                    "created",
                ],
            ),
        ],
        controls=[
            CardControl(
                request="startTcpStream",
                title="Start",
                members=_ID,
                shown_if={**_MINE, "enabled": [False]},
            ),
            CardControl(
                request="tieTcpStream",
                title="Tie to my timeline",
                members=_ID,
                shown_if={**_MINE, "state": ["live", "tied"], "tiedHere": [False]},
            ),
            CardControl(
                request="untieTcpStream",
                title="Untie",
                members=_ID,
                shown_if={**_MINE, "state": ["tied"]},
            ),
            CardControl(
                request="stopTcpStream",
                title="Stop",
                members=_ID,
                shown_if={**_MINE, "enabled": [True]},
            ),
            CardControl(
                request="editTcpStream",
                title="Edit",
                members=_ID,
                fields=stream_fields.definition_fields(is_edit=True),
                shown_if=_MINE,
            ),
            CardControl(
                request="deleteTcpStream",
                title="Delete",
                members=_ID,
                shown_if=_MINE,
                question="Its clients are disconnected, and its definition is gone.",
            ),
        ],
    ),
)
