"""Sends its standard input over a libsrt bonding group: what no packaged program does.

group_sender.py LIBRARY TYPE STREAM_ID LATENCY_MS PASSPHRASE FILTER PORT:WEIGHT...
"""

import ctypes
import socket
import struct
import sys

LATENCY, PASSPHRASE, STREAM_ID, PACKET_FILTER = 23, 26, 46, 60
TYPES = {"broadcast": 1, "backup": 2}
PAYLOAD_BYTES = 1316


class Storage(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint64 * 16)]


class Member(ctypes.Structure):
    _fields_ = [
        ("id", ctypes.c_int),
        ("source", Storage),
        ("peer", Storage),
        ("weight", ctypes.c_uint16),
        ("config", ctypes.c_void_p),
        ("error", ctypes.c_int),
        ("token", ctypes.c_int),
    ]


def address(port):
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton("127.0.0.1") + bytes(8)


def main():
    library, kind, stream_id, latency, passphrase, packet_filter, *members = sys.argv[1:]
    srt = ctypes.CDLL(library)
    srt.srt_prepare_endpoint.restype = Member
    srt.srt_getlasterror_str.restype = ctypes.c_char_p

    def must(result):
        if result == -1:
            sys.exit(srt.srt_getlasterror_str().decode())
        return result

    srt.srt_startup()
    group = must(srt.srt_create_group(TYPES[kind]))

    def option(name, value):
        must(srt.srt_setsockflag(group, name, value, len(value)))

    option(LATENCY, struct.pack("=i", int(latency)))
    option(STREAM_ID, stream_id.encode())
    if passphrase:
        option(PASSPHRASE, passphrase.encode())
    if packet_filter:
        option(PACKET_FILTER, packet_filter.encode())
    configs = (Member * len(members))()
    for at, member in enumerate(members):
        port, weight = map(int, member.split(":"))
        peer = address(port)
        configs[at] = srt.srt_prepare_endpoint(None, peer, len(peer))
        configs[at].weight = weight
    must(srt.srt_connect_group(group, configs, len(members)))
    while payload := sys.stdin.buffer.read(PAYLOAD_BYTES):
        must(srt.srt_send(group, payload, len(payload)))
    srt.srt_close(group)
    srt.srt_cleanup()


main()
