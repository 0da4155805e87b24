"""Where TCP streams are created and listed. The edge itself lists its one entity."""

from nova.core.manifests.stream_fields import definition_fields
from nova.sdk.manifests.manifest import (
    CardControl,
    CardManifest,
    EntityTable,
    Field,
    Group,
    KeySpec,
    Layout,
)
from nova.sdk.protocol import tcp_streams

MANIFEST = CardManifest(
    manifest_id=tcp_streams.SETUP_MANIFEST_ID,
    manifest_version=tcp_streams.MANIFEST_VERSION,
    view_id="setup.streams",
    entity_type=tcp_streams.SETUP_ENTITY_TYPE,
    title="TCP",
    allowed_keys={
        "name": KeySpec(type="string", title="Name"),
        "streams": KeySpec(type="integer", title="Streams", minimum=0),
        "servedBy": KeySpec(type="string", title="Served by"),
        "mayCreate": KeySpec(type="boolean", title="May create"),
    },
    layout=Layout(
        name="name",
        shield=["streams"],
        card=[Group(rows=["streams", "servedBy"])],
        tables=[
            EntityTable(
                entity_type=tcp_streams.STREAM_ENTITY_TYPE,
                title="TCP streams",
                columns=["definition.port", "state", "selects", "definition.format"],
                controls=["deleteTcpStream"],
                empty="There are no TCP streams that you may see.",
            )
        ],
        controls=[
            CardControl(
                request="createTcpStream",
                title="Create stream",
                fields={
                    **definition_fields(is_edit=False),
                    "enabled": Field(type="boolean", title="Start it", default=True, required=True),
                },
                shown_if={"mayCreate": [True]},
            )
        ],
    ),
)
