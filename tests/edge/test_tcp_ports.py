"""Whether a port is free, with a reason if not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from nova.edge.tcp_ports import check_port, listening_socket
from nova.sdk.errors import ProtocolError

AS_NOBODY = """
import os
from nova.edge.tcp_ports import check_port
from nova.sdk.errors import ProtocolError
os.setgid(65534)
os.setuid(65534)
try:
    check_port("127.0.0.1", 443)
except ProtocolError as error:
    print(error)
"""
UNPRIVILEGED_START = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def refusal(bind: str, port: int) -> ProtocolError:
    with pytest.raises(ProtocolError) as refused:
        check_port(bind, port)
    return refused.value


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
def test_a_port_is_free_until_somebody_listens(bind: str) -> None:
    """Then it is taken, whichever address of the machine is asked for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = refusal(bind, port)
        assert taken.code == "portTaken" and f"port {port} of {bind}" in taken.message
    check_port(bind, port)
    check_port(bind, port)


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ("192.0.2.7", "not an address of this machine"),
        ("localhost", "not an IP address"),
        ("", "not an IP address"),
        ("127.0.0.1/8", "not an IP address"),
        ("fe80::1%nowhere", "not an address of this machine"),
        ("fe80::1%a\x00b", "bind 'fe80::1%a\\x00b' has a zone that no network interface"),
        ("fe80::1%" + 70 * "é", "has a zone that no network interface can have"),
        ("fe80::1%" + 16 * "a", "has a zone that no network interface can have"),
        ("::ffff:127.0.0.1", "an IPv4 address written as IPv6: use 127.0.0.1"),
        ("224.0.0.1", "the address of many machines"),
        ("ff02::1", "the address of many machines"),
        ("255.255.255.255", "the address of many machines"),
        ("127.255.255.255", "the address of many machines"),
    ],
)
def test_an_address_is_one_of_this_machine(bind: str, reason: str) -> None:
    refused = refusal(bind, 7001)
    assert refused.code == "badStream" and reason in refused.message


def test_all_addresses_of_ipv6_leave_those_of_ipv4_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_port("::", port)
        with listening_socket("::", port):
            assert refusal("::1", port).code == "portTaken"


@pytest.mark.parametrize("bind", ["0.0.0.0", "127.0.0.2"])
def test_a_stream_may_take_its_port_at_another_address(bind: str) -> None:
    """The port that it has does not count, unless it is somebody else's as well."""
    with listening_socket("127.0.0.1", 0) as own:
        port = own.getsockname()[1]
        check_port(bind, port, "127.0.0.1")
        with listening_socket("127.0.0.2", port), pytest.raises(ProtocolError) as refused:
            check_port(bind, port, "127.0.0.1")
        assert refused.value.code == "portTaken"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_reserved_port_is_refused_with_what_to_do() -> None:
    """To a program without the permission to use it."""
    with open(UNPRIVILEGED_START) as file:
        if int(file.read()) <= 443:
            pytest.skip("this machine reserves no ports")
    command = [sys.executable, "-c", AS_NOBODY]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith("portTaken: port 443 is reserved") and "above 1023" in said
