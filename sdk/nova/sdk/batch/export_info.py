"""What is known of a finished export: the file beside its zip, written by a reader and read by
edges.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from nova.sdk.batch.range_messages import PackReply, RangeRequest


class ExportInfo(msgspec.Struct, kw_only=True, rename="camel"):
    """When an export expires, the length and digest of its zip, and which events it may hold:
    `scopes` and `lanes` (None: all), and the audit trail only `with_audit`. What an older NOVA
    kept does not say so and may hold everything.
    """

    expires_at: str
    bytes: int | None = None
    digest: str = ""
    scopes: list[str] | None = None
    lanes: list[str] | None = None
    with_audit: bool = True


def info_of(request: RangeRequest, packed: PackReply, expires_at: str) -> ExportInfo:
    """What is known of the export that a request has led to."""
    return ExportInfo(
        expires_at=expires_at,
        bytes=packed.bytes,
        digest=packed.digest,
        scopes=_in_both(request.scopes, request.filters.scope_ids),
        lanes=_in_both(request.lanes, request.filters.lanes),
        with_audit=request.with_audit,
    )


def _in_both(some: Sequence[str] | None, others: Sequence[str] | None) -> list[str] | None:
    """The names in both, where None means all names."""
    if some is None or others is None:
        found = others if some is None else some
        return None if found is None else list(found)
    return [name for name in some if name in others]
