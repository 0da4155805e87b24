"""The JSON Schema of all protocol messages and envelopes: `python -m nova.sdk.protocol.schema`.

The web UI's types are generated from it, so the two sides cannot diverge.
"""

from __future__ import annotations

import msgspec

from nova.sdk.events.envelope import ALL_ENVELOPES
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol import messages
from nova.sdk.protocol.edge import EdgeRequest

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def protocol_schema() -> JsonObject:
    """One schema whose `$defs` hold Request, Reply, Envelope and all types that they use."""
    unions = {"Request": EdgeRequest, "Reply": messages.Reply}
    shapes, parts = msgspec.json.schema_components(
        [*unions.values(), *ALL_ENVELOPES], schema_hook=any_json, ref_template="#/$defs/{name}"
    )
    roots: JsonObject = {
        name: {"anyOf": shape["anyOf"]} for name, shape in zip(unions, shapes, strict=False)
    }
    roots["Envelope"] = {"anyOf": list(shapes[len(unions) :])}
    return {"$schema": DIALECT, "$defs": dict(sorted({**parts, **roots}.items()))}


def schema_text() -> str:
    """The schema as committed: indented by two spaces, definitions by name, a final newline."""
    return msgspec.json.format(msgspec.json.encode(protocol_schema()), indent=2).decode() + "\n"


def any_json(kind: type) -> JsonObject:
    """The schema of members typed `object`: any JSON value."""
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError


if __name__ == "__main__":
    print(schema_text(), end="")
