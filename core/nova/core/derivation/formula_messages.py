"""Messages between a process that derives and the processes of its formulas."""

from __future__ import annotations

import msgspec

from nova.core.definitions.definition import Definition
from nova.core.definitions.definition_rules import Fault
from nova.sdk.channel import FrameCodec


class LoadRequest(msgspec.Struct, kw_only=True, tag="load"):
    """Load the formula of a definition, for evaluations under its name."""

    definition: Definition


class InputCells(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The values of one input: doubles as bytes, of booleans 0 and 1; or texts; or windows."""

    numbers: bytes | None = None
    is_boolean: bool = False
    texts: list[str] | None = None
    windows: list[list[float]] | None = None


class EvaluateRequest(msgspec.Struct, kw_only=True, tag="evaluate"):
    """Evaluate a formula for rows."""

    name: str
    rows: int
    inputs: dict[str, InputCells]


class CheckRequest(msgspec.Struct, kw_only=True, tag="check"):
    """Try the formula of a definition. FormulaLoaded says that this has begun, FormulaChecked what
    was found.
    """

    definition: Definition


class FormulaChecked(msgspec.Struct, kw_only=True, tag="checked"):
    """The faults of a formula."""

    faults: list[Fault]


class FormulaLoaded(msgspec.Struct, kw_only=True, tag="loaded"):
    """The formula is loaded."""


class Evaluated(msgspec.Struct, kw_only=True, tag="evaluated"):
    """The values of the output, None where there is none; how many rows failed, and why one did;
    and how long the formula took, in s.
    """

    values: list[float | str | bool | None]
    failures: int
    reason: str
    took_s: float = 0.0


class FormulaFailure(msgspec.Struct, kw_only=True, tag="failed"):
    """A formula cannot be loaded, or ran out of memory."""

    reason: str
    is_limit: bool = False


FormulaRequest = LoadRequest | EvaluateRequest | CheckRequest
FormulaReply = FormulaLoaded | Evaluated | FormulaChecked | FormulaFailure

REQUESTS: FrameCodec[FormulaRequest] = FrameCodec(FormulaRequest)
REPLIES: FrameCodec[FormulaReply] = FrameCodec(FormulaReply)
