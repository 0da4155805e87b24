"""Print the messages of a TCP stream with framing length4: python tcp_reader.py HOST PORT."""

import socket
import struct
import sys

host, port = sys.argv[1], int(sys.argv[2])
with socket.create_connection((host, port)) as connection, connection.makefile("rb") as stream:
    while len(head := stream.read(4)) == 4:
        (length,) = struct.unpack(">I", head)
        message = stream.read(length)
        print(f"{length} bytes: {message.hex(' ')}", flush=True)
