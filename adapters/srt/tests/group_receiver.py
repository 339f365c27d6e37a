"""Receives one bonding group with libsrt's library and writes what the group delivers.

group_receiver.py LIBRARY PORT LATENCY_MS PASSPHRASE FILE
"""

import ctypes
import socket
import struct
import sys

LATENCY, PASSPHRASE, GROUP_CONNECT = 23, 26, 57
PAYLOAD_BYTES = 1456


def address(port):
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton("127.0.0.1") + bytes(8)


def main():
    library, port, latency, passphrase, file = sys.argv[1:]
    srt = ctypes.CDLL(library)
    srt.srt_getlasterror_str.restype = ctypes.c_char_p

    def must(result):
        if result == -1:
            sys.exit(srt.srt_getlasterror_str().decode())
        return result

    srt.srt_startup()
    listener = must(srt.srt_create_socket())

    def option(name, value):
        must(srt.srt_setsockflag(listener, name, value, len(value)))

    option(GROUP_CONNECT, struct.pack("=i", 1))
    option(LATENCY, struct.pack("=i", int(latency)))
    if passphrase:
        option(PASSPHRASE, passphrase.encode())
    own = address(int(port))
    must(srt.srt_bind(listener, own, len(own)))
    must(srt.srt_listen(listener, 8))
    # The first leg is handed over as its group; the others join it unseen.
    group = must(srt.srt_accept(listener, None, None))
    payload = ctypes.create_string_buffer(PAYLOAD_BYTES)
    with open(file, "wb", buffering=0) as out:
        while (length := srt.srt_recvmsg2(group, payload, PAYLOAD_BYTES, None)) > 0:
            out.write(payload.raw[:length])


main()
