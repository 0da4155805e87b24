"""The card manifests of derived values."""

from __future__ import annotations

import logging
from pathlib import Path

from nova.core.definitions import definition_files
from nova.core.definitions.definition import Definition
from nova.sdk.errors import NovaError
from nova.sdk.manifests.manifest import CardManifest, Group, KeySpec, Layout
from nova.sdk.manifests.manifest_files import ManifestFile

VALUE_TYPES = {"number": "number", "text": "string", "boolean": "boolean"}

log = logging.getLogger(__name__)


def manifest_of(definition: Definition) -> CardManifest:
    """The manifest of a definition's view; its version is the definition's."""
    output = definition.output
    title = output.title or output.field
    spec = {"type": VALUE_TYPES[output.kind], "title": title, "unit": output.unit}
    sparklines = [output.field] if output.kind == "number" else []
    layout = Layout(shield=[output.field], card=[Group(rows=[output.field])], sparklines=sparklines)
    return CardManifest(
        manifest_id=definition.view_id,
        manifest_version=definition.version,
        view_id=definition.view_id,
        entity_type=definition.view_id,
        title=title,
        allowed_keys={output.field: KeySpec(**spec)},  # type: ignore[arg-type]
        layout=layout,
    )


def derived_manifests(folder: str | None) -> list[ManifestFile]:
    """The manifests of the definitions in a folder. Those with faults have none, which is logged
    by the process that derives.
    """
    if folder is None:
        return []
    try:
        files = definition_files.load(Path(folder)).files
    except NovaError as error:
        log.error("no manifests of derived values", extra={"context": {"error": str(error)}})
        return []
    return [
        ManifestFile(path, manifest_of(definition))
        for path, definition in files
        if definition.output.card
    ]
