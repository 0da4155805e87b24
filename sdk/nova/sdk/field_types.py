"""Types that members of events, manifests and the protocol share, with their patterns."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

JsonObject = dict[str, object]

Id = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.:-]{1,128}\Z")]
Version = Annotated[str, Meta(min_length=1, max_length=128)]
Percent = Annotated[int, Meta(ge=0, le=100)] | Annotated[float, Meta(ge=0, le=100)]
Lane = Literal["metadata", "command", "ui", "parsed", "raw"]
Role = Literal["admin", "operator", "viewer"]
