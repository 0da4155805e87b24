"""Commands that are packets: their counts, their CRC, and the telemetry that answers them."""

from __future__ import annotations

import binascii
from pathlib import Path

import pytest

from nova.hardware.device import CommandRefusedError
from nova.hardware.packet_command import MatchFields, PacketCommand, PacketCommandOptions
from nova.recordings.packets import Packet
from nova.recordings.xtce import XtceDefinition
from nova.sdk.errors import NovaError

BODY = bytes.fromhex("1801c0000003aabb")
"""A telecommand of APID 1, unsegmented, with four bytes: two of them its CRC."""
WITH_CRC = BODY + binascii.crc_hqx(BODY, 0xFFFF).to_bytes(2)
PLAIN = "1801c000000100ff"
DONE: MatchFields = {"SERVICE": 1, "SUBTYPE": 7, "ECHO": "$sequence"}
REFUSED: MatchFields = {"SERVICE": 1, "SUBTYPE": 8, "ECHO": "$sequence"}


@pytest.fixture
def definition(verification: Path) -> XtceDefinition:
    """Telemetry that verifies telecommands."""
    return XtceDefinition(verification)


def test_a_packet_has_the_count_that_it_is_given() -> None:
    """Its flags and all else stay."""
    command = PacketCommand(PLAIN, None)
    sent = Packet(0, command.numbered(0x1234))
    assert (sent.apid, sent.sequence) == (1, 0x1234)
    assert sent.data == bytes.fromhex("1801d234000100ff")
    assert command.numbered(0) == bytes.fromhex(PLAIN)


@pytest.mark.parametrize("count", [0, 1, 77, 16_383])
def test_a_crc_that_fits_is_made_anew(count: int) -> None:
    """A spacecraft drops a packet whose CRC is that of another count."""
    sent = PacketCommand(WITH_CRC.hex(), None).numbered(count)
    assert binascii.crc_hqx(sent, 0xFFFF) == 0
    assert sent[:-2] != WITH_CRC[:-2] or count == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("no hex", "is not hex"),
        ("1800", "not a space packet"),
        ("1801c000000000ff", "not a space packet"),
        ("f801c000000100ff", "not a space packet"),
        (PacketCommandOptions(packet=PLAIN, confirm=DONE), "requires `xtce`"),
        (PacketCommandOptions(packet=PLAIN, refuse=REFUSED), "requires `confirm`"),
    ],
)
def test_what_cannot_be_is_refused(options: str | PacketCommandOptions, words: str) -> None:
    """Before anything is sent."""
    with pytest.raises(NovaError, match=words):
        PacketCommand(options, None)


def test_a_field_that_no_packet_has_is_refused(definition: XtceDefinition) -> None:
    """Nothing would ever confirm it."""
    options = PacketCommandOptions(packet=PLAIN, confirm={"SERVISE": 1})
    with pytest.raises(NovaError, match="SERVISE"):
        PacketCommand(options, definition)
    with pytest.raises(NovaError, match="at least one field"):
        PacketCommand(PacketCommandOptions(packet=PLAIN, confirm={}), definition)


def test_telemetry_answers_the_packet_of_its_count(definition: XtceDefinition) -> None:
    """An answer to another packet is none to this."""
    command = PacketCommand(
        PacketCommandOptions(packet=PLAIN, confirm=DONE, refuse=REFUSED), definition
    )
    assert command.interpret(5, {"SERVICE": 3, "SUBTYPE": 25}) is None
    assert command.interpret(5, {"SERVICE": 1, "SUBTYPE": 7, "ECHO": 4}) is None
    found = command.interpret(5, {"SERVICE": 1, "SUBTYPE": 7, "ECHO": 5, "X": 1})
    assert found == {"sequence": 5, "SERVICE": 1, "SUBTYPE": 7, "ECHO": 5}
    with pytest.raises(CommandRefusedError, match="SUBTYPE 8"):
        command.interpret(5, {"SERVICE": 1, "SUBTYPE": 8, "ECHO": 5})
