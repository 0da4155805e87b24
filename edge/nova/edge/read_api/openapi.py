"""The description of the routes: OpenAPI 3.1, made of the structs of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, get_args

import msgspec

from nova.edge.read_api.formats import FORMATS, MEDIA_TYPES, SHAPES
from nova.edge.read_api.gathered import EventAt, Scopes, ScopesResponse
from nova.edge.replies import ErrorBody
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.messages import Reply
from nova.sdk.protocol.schema import any_json
from nova.sdk.protocol.views import GetUiState, UiStateResponse
from nova.sdk.reading.read_requests import PAGED, TIMES, Parameter, parameters_of
from nova.sdk.reading.written_time import FORMS

TITLE = "NOVA, reading over HTTP"
ABOUT = (
    "A route sends one message of NOVA's protocol for the user or key of the token, and answers "
    "with the reply. Nothing is recorded or commanded here."
)
REF = "#/components/schemas/{name}"
ALL = "all"
_REPLIES: Mapping[str, type[Message]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(Reply)
}


def openapi(routes: Mapping[str, type[Message]]) -> JsonObject:
    """The document; every reply and every type of a parameter is among its schemas."""
    replies = {name: reply_of(kind) for name, kind in routes.items()}
    parameters = {name: list(parameters_of(kind).values()) for name, kind in routes.items()}
    types: list[Any] = [one for one in replies.values() if one is not None]
    kinds = dict.fromkeys(one.type for many in parameters.values() for one in many)
    shapes, schemas = msgspec.json.schema_components(
        [*dict.fromkeys(types), *kinds, ErrorBody], schema_hook=any_json, ref_template=REF
    )
    of_kind = dict(zip(kinds, shapes[len(dict.fromkeys(types)) :], strict=False))
    paths = {
        f"/{name}": {"get": _operation(name, kind, parameters[name], replies[name], of_kind)}
        for name, kind in routes.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": _version(), "description": ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or the access token of a login.",
                }
            },
            "schemas": schemas,
        },
    }


def _operation(
    name: str,
    kind: type[Message],
    parameters: list[Parameter],
    reply: type[Message] | None,
    schemas: Mapping[Any, JsonObject],
) -> JsonObject:
    described = [_parameter(one, schemas[one.type], is_paged=kind in PAGED) for one in parameters]
    if "{id}" in name:
        event_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        described.insert(0, event_id)
    shape: JsonObject = {} if reply is None else {"$ref": REF.format(name=reply.__name__)}
    return {
        "operationId": name.replace("/{id}", ""),
        "summary": " ".join((kind.__doc__ or "").split()),
        "parameters": [*described, *_OF_THE_ANSWER],
        "responses": {
            "200": {
                "description": "The reply, in the format that was asked for.",
                "content": {
                    media: {"schema": shape} if media == "application/json" else {}
                    for media in MEDIA_TYPES.values()
                },
            },
            "304": {"description": "As before, by If-None-Match."},
            "default": {
                "description": "Refused, with the code and text of the protocol.",
                "content": {"application/json": {"schema": {"$ref": REF.format(name="ErrorBody")}}},
            },
        },
    }


def _parameter(one: Parameter, schema: JsonObject, *, is_paged: bool) -> JsonObject:
    found: JsonObject = {"name": one.name, "in": "query", "schema": schema}
    if one.required:
        found["required"] = True
    if one.is_list:
        found |= {"style": "form", "explode": False}
    if one.name in TIMES:
        found["description"] = f"{FORMS}."
    if one.name == "limit" and is_paged:
        found["schema"] = {"anyOf": [schema, {"const": ALL}]}
        found["description"] = "How much a page has; `all`: all pages in one answer."
    return found


_OF_THE_ANSWER: list[JsonObject] = [
    {
        "name": "format",
        "in": "query",
        "description": "Instead of the header Accept.",
        "schema": {"enum": list(FORMATS)},
    },
    {
        "name": "shape",
        "in": "query",
        "description": "What JSON and lines have: the reply, flat rows, or marks for dashboards.",
        "schema": {"enum": list(SHAPES)},
    },
]


def reply_of(kind: type[Message]) -> type[Message] | None:
    """The reply to a request; None of an event, which is any envelope."""
    if kind is EventAt:
        return None
    if kind is Scopes:
        return ScopesResponse
    if kind is GetUiState:
        return UiStateResponse
    return _REPLIES[f"{kind.__struct_config__.tag}Response"]


@cache
def _version() -> str:
    try:
        return version("nova-truth")
    except PackageNotFoundError:
        return "0"
