"""The form of a TCP stream's definition, which the cards that create and edit one share."""

from nova.sdk.address import LANES
from nova.sdk.manifests.manifest import Field

FORMATS = {"hierarchyPerMessage": "JSON lines with ids and time", "payloadOnly": "payloads only"}
FRAMINGS = {
    "none": "none",
    "newline": "newline after each",
    "length2": "2-byte length before each",
    "length4": "4-byte length before each",
    "slip": "SLIP",
}
BACKPRESSURES = {"catchUp": "miss messages", "disconnect": "be disconnected"}
TIMEBASES = {"source": "source", "canonical": "canonical"}
VISIBILITIES = {"private": "me and admins", "public": "everybody"}

_SELECTION = "Selection"
_OUTPUT = "Output"


def definition_fields(*, is_edit: bool) -> dict[str, Field]:
    """The fields of a definition; those of an edit begin with what the stream has."""
    fields = {**_places(), **_filters(), **_outputs()}
    for name, field in fields.items():
        field.begins_with = f"definition.{name}" if is_edit else None
    return {f"definition.{name}": field for name, field in fields.items()}


def _places() -> dict[str, Field]:
    return {
        "name": Field(type="string", title="Name", required=True),
        "port": Field(type="integer", title="Port", minimum=1, maximum=65_535, required=True),
        "bind": Field(
            type="string",
            title="Address",
            default="127.0.0.1",
            hint="0.0.0.0: other machines may read it, without a password",
        ),
        "visibility": _choice("Seen by", VISIBILITIES, "private"),
    }


def _filters() -> dict[str, Field]:
    lanes = {lane: lane for lane in LANES}
    return {
        "filters.lanes": Field(
            type="enum", title="Lanes", labels=lanes, many=True, section=_SELECTION
        ),
        "filters.scopeIds": _filter("Scopes", many=True),
        "filters.systemId": _filter("System"),
        "filters.containerId": _filter("Container"),
        "filters.uniqueId": _filter("Unique id"),
        "filters.messageTypes": _filter("Message types", many=True),
        "filters.viewId": _filter("View"),
        "filters.commandId": _filter("Command id"),
    }


def _outputs() -> dict[str, Field]:
    format_ = _choice("Format", FORMATS, "hierarchyPerMessage", _OUTPUT)
    format_.hint = "payloads only: one entity (system, container, unique id)"
    framing = _choice("Framing", FRAMINGS, "none", _OUTPUT)
    framing.shown_if = {"definition.format": ["payloadOnly"]}
    return {
        "format": format_,
        "framing": framing,
        "withAddress": Field(
            type="boolean",
            title="With scope, lane and type",
            default=False,
            required=True,
            section=_OUTPUT,
            shown_if={"definition.format": ["hierarchyPerMessage"]},
        ),
        "timebase": Field(type="enum", title="Times", labels=TIMEBASES, section=_OUTPUT),
        "backpressure": _choice("Slow clients", BACKPRESSURES, "catchUp", _OUTPUT),
    }


def _filter(title: str, *, many: bool = False) -> Field:
    return Field(type="string", title=title, many=many, section=_SELECTION)


def _choice(title: str, labels: dict[str, str], default: str, section: str | None = None) -> Field:
    return Field(
        type="enum", title=title, labels=labels, default=default, required=True, section=section
    )
