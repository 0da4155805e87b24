"""Random records for comparing checkers: plain ones, numbers and texts of every form, and damaged
ones.
"""

from __future__ import annotations

import base64
import json
import math
import random
import struct
from collections.abc import Iterator, Sequence

import pytest

from nova.sdk.events.checker import RecordTuple
from nova.sdk.native import MODULE, native_part

needs_native = pytest.mark.skipif(
    native_part() is None, reason=f"{MODULE} is not built here: `make native` needs cargo"
)

LANES = ("parsed", "parsed", "parsed", "raw", "ui", "command", "metadata")
UNITS = ("one", "two", "x" * 64)
TYPES = ("T", "Attitude:x")
VERSIONS = ("1", "1.2", 'q"\\', "é漢", "v" * 128)
SPACES = ("", "", "", "", " ", "\n", "\t \r")
HUGE_CHARS = 6_000
DEPTHS = (1, 2, 40, 63, 64, 65, 66, 70, 300)
ADDRESSED = ("nova.sat.{lane}.bus.eps.{unit}.v1", "nova.sat.{lane}.v1", "nova.other.{lane}.v1", "?")
TIMES = (
    "2026-01-01T00:00:00.{:09d}Z",
    "2026-01-01T23:59:59.{:03d}Z",
    "2024-02-29T12:00:00Z",
    "2100-02-29T12:00:00Z",
    "1677-09-21T00:12:43.145224192Z",
    "1678-01-01T00:00:00.5Z",
    "2261-12-31T23:59:59.999999999Z",
    "2262-04-11T23:47:16.854775807Z",
    "2026-01-01T00:00:60Z",
    "2026-06-31T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:00+01:00",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00.1234567890Z",
    "2026-1-01T00:00:00Z",
)
NUMBERS = (
    *("0", "-0", "0.0", "-0.0", "-0e0", "1.0", "28.00", "1.50", "0.1", "1e5", "1E+5", "1e-5"),
    *("9007199254740991", "9007199254740992", "-9007199254740991", "999999999999999.0"),
    *("1e16", "1e15", "1e21", "1e20", "123456789012345680000.0", "0.00001", "0.000001", "1e-7"),
    *("18446744073709551615", "18446744073709551616", "1" * 400, "1e308", "1e309", "5e-324"),
    *("01", "1.", ".5", "+1", "1e", "0x1", "NaN", "Infinity", "-", "1_0", "2.5e", "00.5", "1e400"),
)
TEXTS = ("", "a", "plain text", "é漢", "\U0001f600", "\x7f", "a/b", "=1+1", "\u2028", "\ufeff")
ESCAPES = (
    *("\\n", "\\/", "\\\\", '\\"', "\\u0041", "\\u00e9", "\\u0000", "\\u001F", "\\ud83d\\ude00"),
    *("\\ud800", "\\udc00x", "\\ud800\\ud800", "\\u12", "\\x", "\\", "\\b\\f\\r\\t", "\\uFFFF"),
)


class MutatedRecords:
    """An endless supply; the same seed gives the same records."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._oddity = 0.0
        """How much of the present record is odd or wrong; of half of them nothing."""

    def _is_odd(self, part: float = 1.0) -> bool:
        return self._dice.random() < part * self._oddity

    def batch(self, size: int) -> list[RecordTuple]:
        return [self.record() for _ in range(size)]

    def record(self) -> RecordTuple:
        dice = self._dice
        self._oddity = dice.choice((0.0, 0.0, 0.02, 0.2))
        lane, unit = dice.choice(LANES), dice.choice(UNITS)
        members = [*self._header(lane, unit), *self._body(lane)]
        if self._is_odd():
            dice.shuffle(members)
        if self._is_odd(0.3):
            members.append(dice.choice(members))
        if self._is_odd(0.5):
            members.pop(dice.randrange(len(members)))
        if self._is_odd(0.3):
            name, value = dice.choice((("other", "1"), ("eventId", '"00"'), ("viewId", '"v"')))
            members.append((name, value))
        text = ",".join(
            f'{self._space()}"{name}":{self._space()}{value}' for name, value in members
        )
        record = f"{{{text}{self._space()}}}".encode("utf-8", "surrogatepass")
        if self._is_odd(0.5):
            record = self._damaged(record)
        address = None
        if dice.random() < 0.3:
            address = (dice.choice(ADDRESSED) if self._is_odd() else ADDRESSED[0]).format(
                lane=lane, unit=unit
            )
        return address, record, ""

    def _header(self, lane: str, unit: str) -> Iterator[tuple[str, str]]:
        dice = self._dice
        for name, value in (
            ("scopeId", "other" if self._is_odd(0.3) else "sat"),
            *(("lane", lane), ("systemId", "bus"), ("containerId", "eps"), ("uniqueId", unit)),
        ):
            if not self._is_odd(0.1):
                yield name, f'"{value}"'
        time = dice.choice(TIMES) if self._is_odd() else TIMES[0]
        yield "sourceTruthTime", f'"{time.format(dice.randrange(1_000))}"'

    def _body(self, lane: str) -> list[tuple[str, str]]:
        dice = self._dice
        if lane == "raw":
            return self._frame()
        payload = self._object(3)
        version = json.dumps(dice.choice(VERSIONS), ensure_ascii=self._is_odd(0.3))
        if lane == "ui":
            if dice.random() < 0.5:  # The version that a checker knows.
                version, payload = '"1.2.0"', self._pump()
            names = [("viewId", '"v"'), ("manifestId", '"pump"'), ("manifestVersion", version)]
            return [("messageType", '"UiUpdate"'), *names, ("data", payload)]
        if lane == "command":
            names = [("commandId", '"c"'), ("requestId", f'"r{dice.randrange(9)}"')]
            kind = [("messageType", '"CommandRequest"'), ("timelineMode", '"LIVE"')]
            target = [("targetId", '"t"'), ("commandType", '"go"'), ("payload", payload)]
            return [*kind, *names, *target]
        kind = [("messageType", json.dumps(dice.choice(TYPES)))]
        if lane == "parsed":
            kind.append(("schemaVersion", version))
        return [*kind, ("payload", payload)]

    def _pump(self) -> str:
        """Data of a pump, which its manifest mostly allows."""
        if self._is_odd():
            return self._object(1)
        dice = self._dice
        flow = dice.choice(("1.5", "10", "null", "11", "true") if self._is_odd() else ("1.5", "10"))
        return f'{{"flow":{flow},"on":{dice.choice(("true", "false"))}}}'

    def _frame(self) -> list[tuple[str, str]]:
        dice = self._dice
        text = base64.b64encode(dice.randbytes(dice.randrange(20))).decode()
        if dice.random() < 0.1:
            text = dice.choice(
                (text[:-1], text + "=", "AB==", "A===", "AB*=", "A-_A", "AAA", "====")
            )
        members = [("bytes", f'"{text}"')]
        if dice.random() < 0.5:
            numbers = ("7", "0", "07", "-1", "null", str(2**64 - 1), str(2**64), "1.0", '"7"')
            members.append(("sequence", dice.choice(numbers) if self._is_odd() else "7"))
        if dice.random() < 0.2:
            members.append(("connectionId", self._string()))
        return members

    def _value(self, depth: int) -> str:
        dice = self._dice
        chance = dice.random()
        if depth > 0 and chance < 0.15:
            return self._object(depth - 1)
        if depth > 0 and chance < 0.25:
            inner = [self._value(depth - 1) for _ in range(dice.randrange(4))]
            return f"[{','.join(inner)}{self._space()}]"
        if chance < 0.55:
            return self._number()
        if chance < 0.9:
            return self._string()
        return "nul" if self._is_odd(0.1) else dice.choice(("true", "false", "null"))

    def _object(self, depth: int) -> str:
        dice = self._dice
        if self._is_odd(0.05):
            nesting = dice.choice(DEPTHS)
            return '{"a":' * nesting + "1" + "}" * nesting
        if self._is_odd(0.03):
            return '{"a":"%s"}' % ("x" * HUGE_CHARS)
        names = [
            dice.choice("abcdefghij") + dice.choice(("", "1", "é", "\ue000")) for _ in range(4)
        ]
        if not self._is_odd(0.5):
            names = list(dict.fromkeys(names))
        if self._is_odd(0.3):
            names.append(dice.choice(("\U0001f600", "\\n", "\\u0061", "", "ﬁ")))
        members = [f'"{name}":{self._space()}{self._value(depth)}' for name in names]
        return f"{{{','.join(members)}{self._space()}}}"

    def _number(self) -> str:
        dice = self._dice
        chance = dice.random()
        if self._is_odd(0.5):
            return dice.choice(NUMBERS)
        if chance < 0.4:
            limit = 10 ** dice.randrange(1, 25 if self._is_odd() else 16)
            return str(dice.randrange(-limit, limit))
        if chance < 0.6:
            return f"{dice.uniform(-1_000, 1_000):.{dice.randrange(1, 18)}f}"
        (value,) = struct.unpack("d", dice.randbytes(8))
        if not math.isfinite(value) and not self._is_odd():
            value = 0.25
        return dice.choice((repr, "{:.17g}".format, "{:.3E}".format))(value)

    def _string(self) -> str:
        dice = self._dice
        chance = dice.random()
        if chance < 0.6:
            return f'"{dice.choice(TEXTS)}"'
        if chance < 0.8:
            return f'"x{dice.choice(ESCAPES if self._is_odd() else ESCAPES[:8])}y"'
        return f'"{chr(dice.randrange(0x110000 if self._is_odd() else 0xD800) or 0x41)}"'

    def _space(self) -> str:
        return self._dice.choice(SPACES)

    def _damaged(self, record: bytes) -> bytes:
        dice = self._dice
        place = dice.randrange(len(record))
        return dice.choice(
            (
                record[:place],
                record[:place] + bytes((dice.randrange(256),)) + record[place + 1 :],
                record[:place] + dice.choice((b"\xff", b"\xc3", b"\xed\xa0\x80")) + record[place:],
                record + dice.choice((b" ", b"\n", b"x", b"{}", b"\x00")),
                b"\xef\xbb\xbf" + record,
            )
        )


def with_payloads(payloads: Sequence[str]) -> list[RecordTuple]:
    """A parsed event of one stream for each payload."""
    head = (
        '{"scopeId":"sat","lane":"parsed","systemId":"bus","containerId":"eps","uniqueId":"one",'
        '"sourceTruthTime":"2026-01-01T00:00:00.5Z","messageType":"T","schemaVersion":"1",'
        '"payload":'
    )
    return [(None, f"{head}{one}}}".encode("utf-8", "surrogatepass"), "") for one in payloads]
