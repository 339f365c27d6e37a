#!/usr/bin/env python3
"""Makes the committed seeds: seeds.py CAPTURES SAMPLES.

CAPTURES is a folder of classic pcap files of SRT sessions, SAMPLES one of MPEG-TS files.
Only a few inputs of each kind are kept: the fuzzer grows the rest itself.
"""
import glob
import hashlib
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PER_KIND = 2


def datagrams(path):
    """The UDP payloads of a classic pcap with Ethernet framing."""
    data = open(path, "rb").read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        kept = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + kept]
        at += 16 + kept
        kind = struct.unpack(">H", frame[12:14])[0]
        ip = frame[14:]
        if kind == 0x0800 and ip[9] == 17:
            yield ip[(ip[0] & 15) * 4 + 8:struct.unpack(">H", ip[2:4])[0]]
        elif kind == 0x86DD and ip[6] == 17:
            yield ip[48:40 + struct.unpack(">H", ip[4:6])[0]]


def save(target, seed):
    folder = os.path.join(HERE, "seeds", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, hashlib.sha1(seed).hexdigest()[:12]), "wb") as file:
        file.write(seed)


def blocks(handshake):
    at = 64
    while at + 4 <= len(handshake):
        command, words = struct.unpack(">HH", handshake[at:at + 4])
        yield command, handshake[at + 4:at + 4 + words * 4]
        at += 4 + words * 4


def text(body):
    return b"".join(body[i:i + 4][::-1] for i in range(0, len(body), 4)).rstrip(b"\0")


def from_captures(folder):
    seen = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.pcap"))):
        for packet in datagrams(path):
            kind = ("data", packet[4] >> 3 & 3, packet[4] >> 2 & 1) if packet[0] < 0x80 else \
                ("control", packet[1], packet[3], len(packet))
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] <= PER_KIND:
                save("srt_packet", packet[:200])
            if packet[:2] == b"\x80\0":
                commands = [command for command, _ in blocks(packet)]
                kind = (packet[20:24], packet[36:40], tuple(commands))
                if seen.setdefault(kind, path) == path:
                    save("srt_handshake", packet[16:])
                for command, body in blocks(packet):
                    if command in (3, 4):
                        save("srt_key_material", body)
                    if command == 5:
                        save("srt_stream_id", text(body))
            if packet[:2] == b"\xff\xff" and packet[3] in (3, 4):
                save("srt_key_material", packet[16:])
        session(path)
        if "rendezvous" in path:
            rendezvous(path)


def rendezvous(path):
    """What each side of a rendezvous heard, in the rendezvous target's own framing."""
    heard = {}
    for packet in datagrams(path):
        if packet[:2] == b"\x80\0":
            is_addressed = packet[12:16] != bytes(4)
            step = bytes([4 | is_addressed, len(packet) - 64]) + packet[16:]
            heard[packet[40:44]] = heard.get(packet[40:44], b"") + step
    for seed in heard.values():
        save("srt_rendezvous", seed)


def session(path):
    """A handful of packets of one session, in the session target's own framing."""
    picked = {}
    for packet in datagrams(path):
        kind = packet[:2] if packet[0] & 0x80 else b"data"
        picked.setdefault(kind, []).append(packet[:120])
    seed = bytes(["ctr" in path])
    for packets in picked.values():
        for packet in packets[:3]:
            seed += bytes([0, len(packet)]) + packet + bytes([1, 20])
    save("srt_session", seed)


# Payloads, a loss, the report of it, forged packets about it, and the repair.
SESSIONS = [
    bytes([3, 6, 4, 0b0000_0100, 1, 30, 4, 0, 1, 60, 4, 0, 7, 3, 4, 0, 1, 50]),
    bytes([3, 8, 4, 0b0011_0110, 8, 4, 3, 5, 8, 1, 0, 4, 1, 40, 3, 4, 4, 1, 8, 6, 9, 9, 1, 200]),
    # A shutdown in the middle of losses once kept the receiver awake.
    bytes([3, 8, 4, 0b0011_0110, 0, 20]) + bytes.fromhex("80050000 00000000 001e9434 00000001 00000000")
    + bytes([1, 250]),
    bytes([7, 8, 4, 0b0101_0101, 8, 5, 2, 3, 8, 3, 250, 3, 1, 90, 7, 4, 4, 0, 1, 250, 1, 250]),
]


# A session with a packet filter: losses that are rebuilt, asked for, repeated and lost again, and forged
# packets among them.
FILTER_SESSIONS = [
    bytes([0, 31, 1, 30, 2, 0b0001_0000, 1, 20, 2, 0, 0, 20, 2, 0b1000_0110, 1, 60, 2, 1, 1, 90, 2, 0]),
    bytes([0, 12, 1, 9, 6, 12, 2, 255, 0, 0, 30, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0b0000_0100, 1, 60, 2, 0]),
    bytes([0, 20, 1, 9, 5, 3, 17, 9, 4, 5, 7, 8, 250, 1, 2, 3, 4, 5, 6, 7, 8, 2, 2, 1, 90, 2, 0, 1, 200]),
]


def ts_packets(path):
    data = open(path, "rb").read()
    return [data[at:at + 188] for at in range(0, len(data) - 187, 188) if data[at] == 0x47]


def from_samples(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.ts"))):
        packets = ts_packets(path)
        save("ts_packet", b"\0" + b"".join(packets[:14]))
        types = stream_types(packets)
        for packet in packets[:40]:
            start = packet[1] & 0x40
            skip = 5 + packet[4] if packet[3] & 0x20 else 4
            if start and packet[skip:skip + 3] == b"\0\0\1":
                kind = types.get(pid(packet), 6)
                save("ts_pes", bytes([kind]) + packet[skip:])
                save("ts_inspect", bytes([kind, 0x1F]) + packet[skip:])
            elif start and skip < 188:
                save("ts_psi", packet[skip + 1 + packet[skip]:].rstrip(b"\xff"))
        units = b"".join(payload(packet) for packet in packets)
        nals = units.split(b"\0\0\1")[1:]
        audio_frames(path, packets)
        if "h264" in path:
            parameter_sets("h264_headers", nals, lambda first: first & 31 in (6, 7, 8))
        if "h265" in path:
            parameter_sets("h265_headers", nals, lambda first: first >> 1 & 63 in (32, 33, 34, 39))


def pid(packet):
    return struct.unpack(">H", packet[1:3])[0] & 0x1FFF


def stream_types(packets):
    """Which stream type the first program table gives each PID."""
    for packet in packets:
        skip = 5 + packet[4] if packet[3] & 0x20 else 4
        section = packet[skip + 1 + packet[skip]:] if packet[1] & 0x40 and skip < 188 else b""
        if section[:1] != b"\2":
            continue
        types, at = {}, 12 + (section[10] & 15) * 256 + section[11]
        while at + 5 <= 3 + (section[1] & 15) * 256 + section[2] - 4:
            types[struct.unpack(">H", section[at + 1:at + 3])[0] & 0x1FFF] = section[at]
            at += 5 + (section[at + 3] & 15) * 256 + section[at + 4]
        return types
    return {}


def payload(packet):
    skip = 5 + packet[4] if packet[3] & 0x20 else 4
    return packet[skip:] if packet[3] & 0x10 else b""


def audio_frames(path, packets):
    """The first bytes of the PIDs that carry sound, behind the target's two control bytes."""
    codecs = {0x0F: 0, 0x11: 1, 0x03: 2, 0x04: 2, 0x81: 3, 0x87: 4}
    for number, kind in stream_types(packets).items():
        mine = [packet for packet in packets if pid(packet) == number]
        units = b"".join(payload(packet) for packet in mine[:6])
        if kind in codecs and units[:3] == b"\0\0\1":
            save("audio_frames", bytes([codecs[kind], 200]) + units[9 + units[8]:])


def parameter_sets(target, nals, wanted):
    sets = [nal[:300] for nal in nals if nal and nal[0] < 128 and wanted(nal[0])]
    for nal in sets[:6]:
        save(target, b"\0\0\1" + nal)
    save(target, b"".join(b"\0\0\1" + nal for nal in sets[:4]))


STREAM_IDS = [
    b"live/cam1", b"#!::", b"#!::r=live/cam1,m=publish,u=alice,h=host,s=session,t=stream",
    b"#!::r=a%2Fb%20c,m=request,user_x=1", b"#!:{r=nested,x={y=z,w=v}}", b"\xc3\xa9t\xc3\xa9\xff",
]

if __name__ == "__main__":
    for stream_id in STREAM_IDS:
        save("srt_stream_id", stream_id)
    for steps in SESSIONS:
        save("srt_session", b"\0" + steps)
        save("srt_session", b"\1" + steps)
    for steps in FILTER_SESSIONS:
        for how, matrix in [(0, 3), (0b0001_1001, 0x73), (0b0000_1011, 0x62), (0b0000_0111, 0xB4)]:
            save("srt_filter_session", bytes([how, matrix]) + steps)
    from_captures(sys.argv[1])
    from_samples(sys.argv[2])
