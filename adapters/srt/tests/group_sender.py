"""Sends its standard input over a libsrt bonding group: what no packaged program does.

group_sender.py LIBRARY TYPE NAME=VALUE... PORT:WEIGHT...
"""

import ctypes
import os
import socket
import struct
import sys
import time

TYPES = {"broadcast": 1, "backup": 2}
TEXTS = {"passphrase": 26, "streamid": 46, "packetfilter": 60}
NUMBERS = {
    "latency": 23,
    "pbkeylen": 27,
    "conntimeo": 36,
    "kmrefreshrate": 51,
    "kmpreannounce": 52,
    "cryptomode": 62,
}
PAYLOAD_BYTES = 1316
PATIENCE_SECONDS = 5


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
    library, kind, *rest = sys.argv[1:]
    options = dict(text.split("=", 1) for text in rest if "=" in text)
    members = [text.split(":") for text in rest if "=" not in text]
    srt = ctypes.CDLL(library)
    srt.srt_prepare_endpoint.restype = Member
    srt.srt_getlasterror_str.restype = ctypes.c_char_p

    def must(what, result):
        if result == -1:
            print(f"{what}: {srt.srt_getlasterror_str().decode()}", file=sys.stderr, flush=True)
            # Its threads outlive an orderly end of Python, and crash.
            os._exit(1)
        return result

    srt.srt_startup()
    group = must("making a group", srt.srt_create_group(TYPES[kind]))
    for name, value in options.items():
        if name in TEXTS:
            flag, value = TEXTS[name], value.encode()
        else:
            flag, value = NUMBERS[name], struct.pack("=i", int(value))
        if value:
            must(f"option {name}", srt.srt_setsockflag(group, flag, value, len(value)))
    configs = (Member * len(members))()
    for at, (port, weight) in enumerate(members):
        peer = address(int(port))
        configs[at] = srt.srt_prepare_endpoint(None, peer, len(peer))
        configs[at].weight = int(weight)
    must("connecting", srt.srt_connect_group(group, configs, len(members)))
    waits_until = time.monotonic() + PATIENCE_SECONDS
    while payload := sys.stdin.buffer.read(PAYLOAD_BYTES):
        # For a moment behind its first connection libsrt calls a group broken that has begun nothing.
        while (sent := srt.srt_send(group, payload, len(payload))) == -1 and time.monotonic() < waits_until:
            time.sleep(0.01)
        must("sending", sent)
        waits_until = 0
    srt.srt_close(group)
    srt.srt_cleanup()


main()
